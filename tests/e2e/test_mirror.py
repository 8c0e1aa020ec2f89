# SPDX-License-Identifier: BSD-2-Clause
"""A mirror hears every byte that the server hears, and whatever becomes of it, nobody feels it."""
import pytest

from actors import same_bytes

TALK = ["both:3m", "shut", "expect:eof", "tell"]
LISTENS = ["check:0", "read:all", "tell"]  # a mirror's words: stream 0 is what the client sends


def mirrored(engine, relay, server, words, *args):
    """A relay with an echoing server of our words and a mirror of these."""
    s = server("accept", *TALK)
    m = server("accept", *words)
    return relay(engine, "--target", s.address, "--mirror", m.address, *args), s, m


def cuts(r):
    return [line for line in r.text().splitlines() if "a mirror is cut" in line]


@pytest.mark.places("either")
def test_it_hears_all(engine, relay, server, client):
    r, s, m = mirrored(engine, relay, server, LISTENS)
    c = client(r, *TALK).done()
    same_bytes(c.told(0), s.done().told(0))
    heard = m.done().told(0)
    assert (heard["read"], heard["read_sha"]) == (c.told(0)["sent"], c.told(0)["sent_sha"])
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", 3 << 20, 3 << 20)
    assert line["engine"] == engine
    assert not cuts(r)


def test_what_was_looked_at_comes_first(engine, relay, server, client):
    s = server("accept", "read:all", "tell", "shut")
    m = server("accept", "read:all", "tell")
    r = relay(engine, "--target", s.address, "--ssh", s.address, "--mirror", m.address,
              "--head-timeout", "10s")
    c = client(r, "send:300000", "shut", "expect:eof", "tell").done()
    for who in (s, m):
        heard = who.done().told(0)
        assert (heard["read"], heard["read_sha"]) == (300000, c.told(0)["sent_sha"])
    assert r.end()["proto"] == "unknown"


def test_the_server_that_answers_in_the_end(engine, place, relay, server, client):
    """The first targets refuse: the mirror hears the client once, whole."""
    s, m = server("accept", *TALK), server("accept", *LISTENS)
    r = relay(engine, "--target", f"{place.server_host}:1", "--target", f"{place.server_host}:2",
              "--target", s.address, "--mirror", m.address)
    c = client(r, *TALK).done()
    same_bytes(c.told(0), s.done().told(0))
    assert m.done().told(0)["read_sha"] == c.told(0)["sent_sha"]


def test_one_that_does_not_read(engine, relay, server, client):
    """It is cut when its lag is over; the connection has all its bytes, and is not slowed."""
    s = server("accept", "both:40m", "shut", "expect:eof", "tell")
    m = server("rcvbuf:4096", "accept", "pause:55000")
    r = relay(engine, "--target", s.address, "--mirror", m.address, "--mirror-lag", "1M")
    c = client(r, "both:40m", "shut", "expect:eof", "tell").done()
    assert m.proc.poll() is None, "it waited for its mirror"
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["end"] == "done"
    assert len(cuts(r)) == 1 and '"reason":"behind"' in cuts(r)[0]
    m.kill()


@pytest.mark.parametrize("word", ["reset", "close"])
def test_one_that_goes_away(engine, relay, server, client, word):
    r, s, m = mirrored(engine, relay, server, ["read:100000", word])
    c = client(r, *TALK).done()
    same_bytes(c.told(0), s.done().told(0))
    m.done()
    assert r.end()["end"] == "done"
    assert len(cuts(r)) == 1


def test_one_that_is_not_there(engine, place, relay, server, client):
    s = server("accept", *TALK)
    r = relay(engine, "--target", s.address, "--mirror", f"{place.server_host}:1")
    c = client(r, *TALK).done()
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["end"] == "done"
    assert len(cuts(r)) == 1 and "refused" in cuts(r)[0]


def test_what_is_cut_off_looks_so(engine, relay, server, client):
    """The client resets: neither the server nor the mirror takes that for an end."""
    s = server("accept", "read:reset", "tell")
    m = server("accept", "read:reset", "tell")
    r = relay(engine, "--target", s.address, "--mirror", m.address)
    client(r, "send:200000", "flushed", "pause:300", "reset").done()
    assert s.done().told(0)["read"] == 200000
    m.done()
    assert r.end()["end"] == "client-reset"


def test_what_it_says_goes_nowhere(engine, relay, server, client):
    r, s, m = mirrored(engine, relay, server, ["send:2m", *LISTENS])
    c = client(r, *TALK).done()
    same_bytes(c.told(0), s.done().told(0))
    assert m.done().told(0)["read_sha"] == c.told(0)["sent_sha"]
    assert r.end()["down"] == 3 << 20


def test_nothing_is_left(engine, relay, server, client):
    """Fifty connections, some mirrors well and some not: descriptors are back where they were."""
    words = ["both:20000", "shut", "expect:eof", "close"]
    s = server("n:50", "accept", *words)
    m = server("n:25", "accept", "read:all", "close")
    r = relay(engine, "--target", s.address, "--mirror", m.address)
    before = r.fds()["socket"]
    client(r, *words, *([f"connect:{r.address}", *words] * 49)).done()
    assert {f["end"] for f in r.ends(50)} == {"done"}
    m.done()
    s.done()
    r.sockets_become(before)
