# SPDX-License-Identifier: BSD-2-Clause
"""Nobody waits for ever: not for a server that does not answer, not for a silent pair. Whoever is
cut off is reset: it must not look as if all had been said."""
import contextlib
import socket

import pytest

from actors import same_bytes

PLACES = ("either",)


@contextlib.contextmanager
def silence(place):
    """An address where packets vanish."""
    if place.name == "world":
        yield f"{place.nowhere}:9"
        return
    with contextlib.ExitStack() as opened:  # a listener whose backlog is full drops what comes
        s = opened.enter_context(socket.socket())
        s.bind((place.server_host, 0))
        s.listen(0)
        for _ in range(4):
            c = opened.enter_context(socket.socket())
            c.setblocking(False)
            c.connect_ex(s.getsockname())
        yield f"{place.server_host}:{s.getsockname()[1]}"


def test_server_that_does_not_answer(engine, place, relay, client):
    with silence(place) as address:
        r = relay(engine, "--connect-timeout", "1s", "--target", address)
        client(r, "send:1000", "expect:reset").done()
        line = r.end()
    assert line["end"] == "connect-timeout"
    assert 900 <= line["dur_ms"] < 60_000
    assert line["server"] == address


def test_idle(engine, couple):
    words = ["both:1000", "expect:reset"]
    r, c, s = couple(engine, words, words, "--idle-timeout", "1s")
    c.done()
    s.done()
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("idle", 1000, 1000)
    assert 900 <= line["dur_ms"] < 60_000


@pytest.mark.parametrize("talks", ["client", "server"])
def test_a_trickle_is_not_idle(engine, talks, couple):
    trickle = [*(["send:10", "pause:250"] * 13), "shut", "expect:eof", "tell"]
    listen = ["read:all", "shut", "tell"]
    ours, theirs = (trickle, listen) if talks == "client" else (listen, trickle)
    r, c, s = couple(engine, ours, theirs, "--idle-timeout", "3s")
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["end"] == "done"


def test_stuck_is_idle(engine, couple):
    """Bytes wait on both sides, and none moves: idle as well."""
    r, c, s = couple(engine, ["flood", "tell"], ["pause:2500"], "--idle-timeout", "1s")
    c.done()
    assert r.end()["end"] == "idle"
    s.done()


def test_half_closed(engine, couple):
    """The client has said its end, the server says nothing at all."""
    r, c, s = couple(engine, ["send:100", "shut", "expect:reset"],
                     ["read:all", "pause:2000", "flood"],
                     "--half-closed-timeout", "1s")
    c.done()
    s.done()
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("half-closed-timeout", 100, 0)
    assert 900 <= line["dur_ms"] < 60_000


def test_half_closed_but_talking(engine, couple):
    """A long answer to a finished question is not cut off while its bytes come."""
    r, c, s = couple(engine, ["send:100", "shut", "read:all", "tell"],
                     ["read:all", *(["send:1000", "pause:250"] * 13), "shut", "tell"],
                     "--half-closed-timeout", "3s")
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["end"] == "done"
