# SPDX-License-Identifier: BSD-2-Clause
"""A reset ends a graft as it ends a connection: before the cut, at it, after it, from each side."""
import pytest

from actors import sides
from field import QUIET

PLACES = ("field",)
BEFORE = (100 << 10) + 300
pytestmark = pytest.mark.parametrize("who", ["client", "server"])


def broke(r, who, up=None, down=None):
    line = r.end()
    assert line["end"] == f"{who}-reset", line
    assert up is None or (line["up"], line["down"]) == (up, down), line
    return line


def test_after_the_cut(field, pair, who):
    """The bytes before it arrive."""
    ours, theirs = sides(who, ["both:100k", *QUIET, "go", "send:300000", "flushed", "reset"],
                         ["both:100k", *QUIET, "go", "pause:200", "read:reset", "tell"])
    r, c, s = pair(ours, theirs)
    one, other = sides(who, c, s)
    one.ready()
    field.loses_sockets()
    one.go()
    other.ready().go()
    one.done()
    other.done()
    assert other.told(0)["read"] == BEFORE + 300_000
    line = broke(r, who, *sides(who, BEFORE + 300_000, BEFORE))
    assert field.grafted(line) >= 300_000
    field.loses_sockets()


def test_idle(field, pair, who):
    """Nobody has said anything for a while."""
    r, c, s = pair(*sides(who, ["both:50k", "pause:500", "reset"], ["both:50k", "expect:reset"]))
    c.done()
    s.done()
    assert field.grafted(broke(r, who)) >= 0
    field.loses_sockets()


def test_at_the_cut(field, graft, server, client, who):
    """The reset comes with the first packets that may cut it, sixty times."""
    times = 60
    one, other = ["both:70001", "flushed", "reset"], ["both:70001", "expect:reset", "close"]
    ours, theirs = sides(who, one, other)
    s = server(f"n:{times}", "accept", *theirs)
    r = graft("--target", s.address)
    client(r, *ours, *([f"connect:{r.address}", *ours] * (times - 1))).done()
    s.done()
    assert {(f["end"], f["up"], f["down"]) for f in r.ends(times)} == {(f"{who}-reset", 70001, 70001)}
    field.loses_sockets()


def test_in_the_middle_of_a_stream(field, pair, who):
    """One breaks off what the other one sends as fast as it can."""
    ours, theirs = sides(who, ["both:60k", "pause:150", "read:8m", "reset"],
                         ["both:60k", "pause:150", "flood", "tell"])
    r, c, s = pair(ours, theirs)
    c.done()
    s.done()
    line = broke(r, who)
    assert line[sides(who, "down", "up")[0]] >= 8 << 20
    assert field.grafted(line) >= 7 << 20


def test_after_its_own_end(field, pair, who):
    """One says its end in order, and then breaks what the other one still sends."""
    ours, theirs = sides(who, ["both:60k", "pause:150", "send:5", "shut", "read:1m", "reset"],
                         ["both:60k", "read:all", "flood", "tell"])
    r, c, s = pair(ours, theirs)
    c.done()
    s.done()
    broke(r, who)
    field.loses_sockets()
