# SPDX-License-Identifier: BSD-2-Clause
"""Every byte arrives, once and in order: upwards, downwards and both at once."""
import pytest

from actors import LONG, same_bytes

SIZES = sorted({n + d for n in (1, 1448, 4096, 16384, 65536, 262144) for d in (-1, 0, 1)}
               | {(1 << 20) + 1})
HUGE = {"loopback": 64 << 20, "world": 300_000_007}

WAYS = {  # what the client does, what the server does
    "up": (["send:{}", "shut", "expect:eof"], ["read:all", "shut"]),
    "down": (["read:all"], ["send:{}", "shut", "expect:eof"]),
    "both": (["both:{}", "shut", "expect:eof"], ["both:{}", "shut", "expect:eof"]),
}


def as_counted(way, size):
    return (size if way != "down" else 0, size if way != "up" else 0)


@pytest.mark.parametrize("way", WAYS)
def test_sizes_around_the_edges(engine, way, relay, server, client):
    ours, theirs = WAYS[way]
    words = [w.format(size) for size in SIZES for w in ["seed:7", "accept", *theirs, "tell", "close"]]
    s = server(*words)
    r = relay(engine, "--target", s.address)
    again = f"connect:{r.address}"
    words = [w.format(size) for size in SIZES for w in [again, *ours, "tell", "close"]]
    c = client(r, *words[1:]).done()
    s.done()
    for size, here, there in zip(SIZES, c.told(), s.told(), strict=True):
        assert there["read"] + here["read"] == sum(as_counted(way, size))
        same_bytes(here, there)
    lines = r.ends(len(SIZES))
    assert {f["end"] for f in lines} == {"done"}
    assert sorted((f["up"], f["down"]) for f in lines) == [as_counted(way, n) for n in SIZES]


@pytest.mark.parametrize("way", WAYS)
def test_hundreds_of_megabytes(engine, way, relay, server, client, place):
    size = HUGE[place.name]
    if LONG:
        size = (5 << 30) + 3  # beyond what 32 bits count
    ours, theirs = WAYS[way]
    s = server("accept", "seed:9", *(w.format(size) for w in theirs), "tell",
               before=("-t", "600"))
    r = relay(engine, "--target", s.address)
    c = client(r, *(w.format(size) for w in ours), "tell", before=("-t", "600")).done(600)
    s.done()
    same_bytes(c.told(0), s.told(0))
    line = r.end()
    assert (line["up"], line["down"]) == as_counted(way, size)
    assert (line["end"], line["engine"]) == ("done", engine)


def test_pieces_of_all_sizes(engine, relay, server, client):
    """One stream, written in pieces that fit nothing."""
    pieces = [1, 2, 3, 1447, 1449, 4097, 65537, 31, 300_001, 5, 1 << 20, 1]
    words = [w for n in pieces for w in (f"send:{n}", "pause:5")]
    s = server("accept", "check:0", "read:all", "tell", "shut")
    r = relay(engine, "--target", s.address)
    c = client(r, *words, "shut", "expect:eof", "tell").done()
    s.done()
    same_bytes(c.told(0), s.told(0))
    assert r.end()["up"] == sum(pieces)
