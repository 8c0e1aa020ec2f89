# SPDX-License-Identifier: BSD-2-Clause
"""An urgent byte (MSG_OOB) arrives as one, where it stood, and stops nothing.

Once in a thousand times the kernel hands out another byte than was sent, with or without a relay:
if the segment behind the urgent byte overtakes it, tcp_urg() (net/ipv4/tcp_input.c) looks for the
byte before that segment's payload, and takes one of its header's. So where segments follow at once,
a wrong byte is asked for again; three wrong ones in a row are nobody's bad luck.
"""
import pytest

from actors import same_bytes, sides

N = 30_000  # the mark must lie within 64K of what is sent, or TCP itself misplaces it
PLACES_OF_IT = {"start": (0, 2 * N), "middle": (N, N), "end": (2 * N, 0)}


def sends(before, after, pause):
    wait = [f"pause:{pause}"] if pause else []
    return [f"send:{before}", *wait, "oob:33", *wait, f"send:{after}"]


@pytest.mark.parametrize("pause", [0, 100], ids=["together", "alone"])
@pytest.mark.parametrize("where", PLACES_OF_IT)
@pytest.mark.parametrize("who", ["client", "server"])
def test_arrives_and_the_rest_too(engine, who, where, pause, couple):
    before, after = PLACES_OF_IT[where]
    ours, theirs = sides(who, [*sends(before, after, pause), "shut", "expect:eof", "tell"],
                         ["check:0", "read:all", "tell", "shut"])
    for _ in range(3):
        r, c, s = couple(engine, ours, theirs)
        c.done()
        s.done()
        source, sink = (peer.told(0) for peer in sides(who, c, s))
        same_bytes(source, sink)
        if sink["urgent"] in (-1, 33):
            break
    assert (sink["urgent"], sink["mark"]) == (33, before)
    line = r.end()
    assert line["end"] == "done"
    assert 2 * N <= line["up" if who == "client" else "down"] <= 2 * N + 1


@pytest.mark.places("either")
def test_relay_is_idle_afterwards(engine, couple):
    r, c, s = couple(engine, [*sends(N, N, 0), "go", "send:1000", "shut", "expect:eof", "tell"],
                     [f"read:{2 * N}", "go", "read:all", "tell", "shut"])
    s.ready()
    r.rests()
    s.go()
    c.ready().go().done()
    same_bytes(c.told(0), s.done().told(0))
    assert s.told(0)["urgent"] == 33


@pytest.mark.places("either")
def test_relay_is_idle_at_the_mark(engine, couple):
    """Nothing comes behind the urgent byte: readable, says the kernel, and gives nothing."""
    r, c, s = couple(engine, [f"send:{N}", "oob:33", "go", "send:1000", "shut", "expect:eof", "tell"],
                     [f"read:{N}", "go", "read:all", "tell", "shut"])
    s.ready()
    c.ready()
    r.rests()
    s.go()
    c.go().done()
    same_bytes(c.told(0), s.done().told(0))
    assert s.told(0)["urgent"] == 33


def test_to_a_sink_that_does_not_read(engine, couple):
    """The urgent byte waits with the others, and keeps its place."""
    r, c, s = couple(engine, [*sends(N, N, 0), "shut", "expect:eof", "tell"],
                     ["pause:500", "chunk:1000", "check:0", "read:all", "tell", "shut"])
    c.done()
    s.done()
    same_bytes(c.told(0), s.told(0))
    assert (s.told(0)["urgent"], s.told(0)["mark"]) == (33, N)
    assert r.end()["end"] == "done"


def test_one_after_another(engine, couple):
    """With time between them: a second one makes the first an ordinary byte, if that was not read yet."""
    words = [w for byte in range(65, 75) for w in ("send:5000", f"oob:{byte}", "pause:200")]
    _, c, s = couple(engine, [*words, "shut", "expect:eof", "tell"],
                     ["check:0", "read:all", "tell", "shut"])
    c.done()
    s.done()
    same_bytes(c.told(0), s.told(0))
    assert (s.told(0)["urgent"], s.told(0)["mark"]) == (74, 50_000)


def test_then_a_reset(engine, couple):
    r, c, s = couple(engine, ["read:1", *sends(N, N, 0), "flushed", "reset"],
                     ["send:1", "pause:300", "check:0", "read:reset", "tell"])
    c.done()
    s.done()
    assert s.told(0)["read"] == 2 * N
    assert r.end()["end"] == "client-reset"
