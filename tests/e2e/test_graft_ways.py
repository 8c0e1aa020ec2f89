# SPDX-License-Identifier: BSD-2-Clause
"""Whoever speaks first, whoever ends first: a graft is the same connection, byte for byte."""
import pytest

from actors import same_bytes, sides
from field import counted

PLACES = ("field",)
SIZES = (1, 1448, 1449, 65_536, 1_000_003)


def test_client_first(field, pair):
    """A request, a large answer: the first packet that acknowledges all of the request makes the cut."""
    r, c, s = pair(["send:200", "check:1", "read:30m", "shut", "expect:eof", "tell"],
                   ["read:200", "seed:1", "send:30m", "expect:eof", "shut", "tell"])
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, 200, 30 << 20, 1 << 20)


def test_server_first(field, pair):
    """A banner, then an upload."""
    r, c, s = pair(["read:50", "send:30m", "shut", "expect:eof", "tell"],
                   ["send:50", "check:0", "read:all", "shut", "tell"])
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, 30 << 20, 50, 1 << 20)


@pytest.mark.parametrize("size", SIZES)
def test_sizes(field, pair, size):
    """There and back, and again after a while: small packets are watched before they are grafted."""
    ours = [f"send:{size}", f"read:{size}", "pause:120"] * 3
    theirs = [f"read:{size}", f"send:{size}"] * 3
    r, c, s = pair([*ours, "shut", "expect:eof", "tell"], [*theirs, "expect:eof", "shut", "tell"])
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, 3 * size, 3 * size, size)


@pytest.mark.parametrize("who", ["client", "server"])
def test_bulk_is_running(field, pair, who):
    """Megabytes went by splice before it may be cut: it is, at some moment when nothing is owed."""
    ours, theirs = sides(who, ["rate:120m", "send:60m", "shut", "expect:eof", "tell"],
                         ["check:0", "read:all", "shut", "tell"])
    r, c, s = pair(ours, theirs, "--graft-after", "5m")
    same_bytes(c.done().told(0), s.done().told(0))
    up, down = sides(who, 60 << 20, 0)
    line = counted(r, field, up, down, 1 << 20)
    assert line["splice"] + line["copy"] >= 5 << 20


def test_bulk_both_ways(field, pair):
    """Both send as they can, from the start. It need not be cut; every byte is right either way."""
    ours, theirs = (["seed:1", "check:2", "both:40m", "shut", "expect:eof", "tell"],
                    ["seed:2", "check:1", "both:40m", "shut", "expect:eof", "tell"])
    r, c, s = pair(ours, theirs, "--graft-after", "1m")
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, 40 << 20, 40 << 20, 0)


def test_both_ways_after_the_cut(field, pair):
    """Full duplex below TCP: a question first, so that it is a graft before both begin."""
    r, c, s = pair(["ping:3", "pause:100", "both:60m", "shut", "expect:eof", "tell"],
                   ["read:1", "send:1", "read:1", "send:1", "read:1", "send:1", "pause:100",
                    "both:60m", "shut", "expect:eof", "tell"])
    same_bytes(c.done().told(1), s.done().told(0))
    counted(r, field, (60 << 20) + 3, (60 << 20) + 3, 119 << 20)


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_closed_long_before_the_other(field, pair, first):
    """One says that this was all; the other one answers for a while, with pauses."""
    ours, theirs = sides(first, ["send:100k", "read:1000", "pause:200", "send:1", "shut",
                                 "read:all", "tell"],
                         ["read:100k", "send:1000", "read:1", "expect:eof", "send:5m", "pause:400", "send:5m",
                          "pause:400", "shut", "tell"])
    r, c, s = pair(ours, theirs)
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, *sides(first, (100 << 10) + 1, (10 << 20) + 1000), 10 << 20)


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_closed_before_the_cut(field, pair, first):
    """The FIN goes through our sockets: what comes after it is spliced, and nothing waits."""
    ours, theirs = sides(first, ["send:1000", "shut", "read:all", "tell"],
                         ["read:all", "send:10m", "shut", "tell"])
    r, c, s = pair(ours, theirs)
    same_bytes(c.done().told(0), s.done().told(0))
    counted(r, field, *sides(first, 1000, 10 << 20), 0)


def test_ends_that_cross(field, graft, server, client):
    """Both say their last byte and their end at once, again and again."""
    times = 60
    words = ["both:20001", "both:20001", "shut", "expect:eof", "tell", "close"]
    s = server("seed:1", f"n:{times}", "accept", *words)
    r = graft("--target", s.address)
    c = client(r, *words, *([f"connect:{r.address}", *words] * (times - 1))).done()
    s.done()
    for here, there in zip(c.told(), s.told(), strict=True):
        same_bytes(here, there)
    for line in r.ends(times):
        assert (line["end"], line["up"], line["down"]) == ("done", 40002, 40002)


def test_slow_reader_slows_the_writer(field, pair):
    """Nobody holds bytes in between: what the server sends is what the client's window takes."""
    r, c, s = pair(["rcvbuf:50000", "ping:1", "go", "check:0", "read:all", "tell"],
                   ["read:1", "send:1", "pause:200", "push:500", "shut", "tell"])
    c.ready()
    pushed = s.told(0)["pushed"]
    assert pushed < 8 << 20
    c.go().done()
    s.done()
    line = r.end()
    assert (line["up"], line["down"]) == (1, pushed)
    assert field.grafted(line) > pushed // 2


def test_silence_then_more(field, pair):
    """Idle grafts wait for as long as one likes; and a byte at a time goes through at once."""
    r, c, s = pair(["ping:20", "pause:1500", "ping:200", "shut", "expect:eof"],
                   ["echo", "shut"])
    c.done()
    s.done()
    assert c.told(1)["slow"] == 0
    counted(r, field, 220, 220, 400)
