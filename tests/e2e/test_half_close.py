# SPDX-License-Identifier: BSD-2-Clause
"""The end of one direction is passed on, after its last byte, and the other one goes on."""
import pytest

from actors import same_bytes, sides


def ended(r, up, down):
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", up, down)


def test_client_first_then_a_large_answer(engine, couple):
    r, c, s = couple(engine, ["send:100k", "shut", "check:1", "read:all", "tell"],
                     ["read:all", "pause:300", "seed:1", "send:20m", "shut", "tell"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    ended(r, 100 << 10, 20 << 20)


def test_server_first_then_a_large_upload(engine, couple):
    r, c, s = couple(engine, ["read:all", "pause:300", "send:20m", "shut", "tell"],
                     ["seed:1", "send:100k", "shut", "check:0", "read:all", "tell"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    ended(r, 20 << 20, 100 << 10)


def test_nothing_but_an_end(engine, couple):
    """A client that says nothing at all, and still gets its answer."""
    r, c, s = couple(engine, ["shut", "read:all", "tell"],
                     ["expect:eof", "send:5000", "shut", "tell"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    ended(r, 0, 5000)


def test_nothing_at_all(engine, couple):
    r, c, s = couple(engine, ["shut", "expect:eof"], ["expect:eof", "close"])
    c.done()
    s.done()
    ended(r, 0, 0)


def test_ends_that_cross(engine, relay, server, client):
    """Both say their last byte and their end at once, again and again."""
    times = 40
    words = ["both:70001", "shut", "expect:eof", "tell", "close"]
    s = server("seed:1", f"n:{times}", "accept", *words)
    r = relay(engine, "--target", s.address)
    c = client(r, *words, *([f"connect:{r.address}", *words] * (times - 1))).done()
    s.done()
    for here, there in zip(c.told(), s.told(), strict=True):
        same_bytes(here, there)
    for line in r.ends(times):
        assert (line["end"], line["up"], line["down"]) == ("done", 70001, 70001)


def test_end_behind_a_full_pipe(engine, couple):
    """The end comes while the sink does not read: it waits behind the bytes."""
    r, c, s = couple(engine, ["send:3m", "shut", "expect:eof", "tell"],
                     ["pause:400", "check:0", "read:all", "tell", "shut"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    ended(r, 3 << 20, 0)


@pytest.mark.places("either")
@pytest.mark.parametrize("first", ["client", "server"])
def test_half_closed_and_silent_costs_nothing(engine, first, couple):
    ours, theirs = sides(first, ["send:1000", "shut", "read:1000", "expect:eof"],
                         ["read:1000", "expect:eof", "go", "send:1000", "shut"])
    r, c, s = couple(engine, ours, theirs)
    other = sides(first, s, c)[0]
    other.ready()
    r.rests()  # half-closed and silent
    other.go()
    c.done()
    s.done()
    ended(r, 1000, 1000)
