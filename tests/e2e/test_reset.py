# SPDX-License-Identifier: BSD-2-Clause
"""A reset arrives as a reset, after the bytes before it: a cut-off stream never looks complete."""
import pytest

from actors import sides

pytestmark = pytest.mark.parametrize("who", ["client", "server"])


def counted(r, who):
    """The line of the one connection; how many bytes it says the side `who` sent."""
    line = r.end()
    assert line["end"] == f"{who}-reset"
    return line["up" if who == "client" else "down"]


@pytest.mark.parametrize("size", [1, 200_000, 3_000_000])
def test_bytes_before_it_arrive(engine, who, size, couple):
    """The bytes lie unread in relay and sink when the reset comes."""
    ours, theirs = sides(who, ["read:1", f"send:{size}", "flushed", "reset"],
                         ["send:1", "pause:300", "check:0", "read:reset", "tell"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    assert sides(who, s, c)[0].told(0)["read"] == size
    assert counted(r, who) == size


def test_nothing_queued(engine, who, couple):
    r, c, s = couple(engine, *sides(who, ["read:10", "reset"], ["send:10", "expect:reset"]))
    c.done()
    s.done()
    assert counted(r, who) == 0


def test_half_an_answer(engine, who, couple):
    """One asks and says that this was all; the other one breaks off in its answer."""
    ours, theirs = sides(who, ["read:all", "send:500000", "flushed", "reset"],
                         ["send:100", "shut", "check:0", "read:reset", "tell"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    assert sides(who, s, c)[0].told(0)["read"] == 500_000
    assert counted(r, who) == 500_000


def test_after_its_own_end(engine, who, couple):
    """One says its end in order, and then breaks what the other one still sends."""
    ours, theirs = sides(who, ["send:1000", "shut", "read:100000", "reset"],
                         ["read:all", "flood", "tell"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    assert sides(who, s, c)[0].told(0)["end"] == "reset"
    assert counted(r, who) == 1000


def test_in_the_middle_of_an_upload(engine, who, couple):
    """What arrives is the beginning of the stream, then a reset."""
    ours, theirs = sides(who, ["send:5m", "reset"],
                         ["rate:8m", "check:0", "read:reset", "tell"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    read = sides(who, s, c)[0].told(0)["read"]
    assert read <= 5 << 20
    assert counted(r, who) >= read


def test_both_directions_at_full_speed(engine, who, couple):
    ours, theirs = sides(who, ["check:1", "seed:2", "both:8m:8m", "reset"],
                         ["check:2", "seed:1", "both:flood:reset", "tell"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    assert sides(who, s, c)[0].told(0)["read"] <= 8 << 20
    counted(r, who)


def test_by_close_with_unread_bytes(engine, who, couple):
    """close() while bytes lie unread is a reset, too: the kernel says so."""
    ours, theirs = sides(who, ["pause:300", "close"], ["send:100k", "expect:reset"])
    r, c, s = couple(engine, ours, theirs)
    c.done()
    s.done()
    assert counted(r, who) == 0


@pytest.mark.places("either")
def test_source_dies_while_the_sink_is_stuck(engine, who, couple):
    """The relay holds bytes for a sink that does not read, of a source that is dead. The dead
    socket speaks up at each poll: the relay must not listen to it for ever."""
    ours, theirs = sides(who, ["push:500", "reset"],
                         ["go", "check:0", "read:reset", "tell"])
    r, c, s = couple(engine, ours, theirs)
    breaker, sink = sides(who, c, s)
    breaker.done()
    r.rests()
    sink.ready().go().done()
    assert 0 < sink.told(0)["read"] <= breaker.told(0)["pushed"]
    counted(r, who)


@pytest.mark.places("either")
def test_sink_dies_stuck(engine, who, couple):
    """The one that did not read resets: the source learns of it at once."""
    ours, theirs = sides(who, ["go", "reset"], ["push:500", "flood", "tell"])
    r, c, s = couple(engine, ours, theirs)
    breaker, source = sides(who, c, s)
    source.told(0)
    breaker.ready().go().done()
    source.done()
    counted(r, who)


@pytest.mark.places("either")
def test_idle_connection(engine, who, couple):
    """Reset after both were silent for a while, and the relay with them."""
    ours, theirs = sides(who, ["both:5000", "go", "reset"], ["both:5000", "expect:reset"])
    r, c, s = couple(engine, ours, theirs)
    breaker = sides(who, c, s)[0].ready()
    r.rests()
    breaker.go().done()
    c.done()
    s.done()
    assert counted(r, who) == 5000
