# SPDX-License-Identifier: BSD-2-Clause
"""A slow side slows the other one, and no more: nothing is lost, nothing heaps up."""
import time

import pytest

from actors import same_bytes, sides

MOST = 16 << 20  # what a source may get rid of while nobody reads


@pytest.mark.places("either")
def test_slow_reader(engine, couple):
    r, c, s = couple(engine, ["send:6m", "shut", "expect:eof", "tell"],
                     ["rate:4m", "chunk:10000", "check:0", "read:all", "tell", "shut"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["up"] == 6 << 20


@pytest.mark.places("either")
def test_slow_writer(engine, couple):
    r, c, s = couple(engine,
                     ["rate:1m", "chunk:777", "send:1m", "shut", "expect:eof", "tell"],
                     ["check:0", "read:all", "tell", "shut"])
    c.done()
    same_bytes(c.told(0), s.done().told(0))
    assert r.end()["up"] == 1 << 20


@pytest.mark.places("either")
def test_byte_by_byte(engine, couple):
    words = ["chunk:1", "both:3000", "shut", "expect:eof", "tell"]
    _, c, s = couple(engine, ["seed:2", "check:1", *words], ["seed:1", "check:2", *words])
    c.done()
    same_bytes(c.told(0), s.done().told(0))


@pytest.mark.places("either")
def test_one_way_slow_the_other_fast(engine, couple):
    """The upload trickles for seconds; the download must not wait for it."""
    r, c, s = couple(engine,
                     ["check:1", "seed:2", "pause:100", "read:40m", "tell", "rate:20k", "chunk:500",
                      "send:40000", "shut", "expect:eof", "tell"],
                     ["seed:1", "check:2", "both:40m:all", "shut", "tell"])
    began = time.monotonic()
    c.told(0)
    assert time.monotonic() - began < 40
    c.done()
    same_bytes(c.told(1), s.done().told(0))
    line = r.end()
    assert (line["up"], line["down"]) == (40000, 40 << 20)


@pytest.mark.parametrize("source", ["client", "server"])
def test_source_is_held_back(engine, source, couple):
    """A sink that does not read: the source gets rid of 16 MB at most, and nothing is lost."""
    ours, theirs = sides(source, ["push:700", "go", "send:20m", "shut", "expect:eof", "tell"],
                         ["go", "check:0", "read:all", "tell", "shut"])
    r, c, s = couple(engine, ours, theirs)
    pusher, sink = sides(source, c, s)
    pushed = pusher.ready().told(0)["pushed"]
    assert 0 < pushed <= MOST
    r.rests()
    sink.ready().go()
    pusher.go().done()
    sink.done()
    assert pusher.told(1)["sent"] == pushed + (20 << 20)
    same_bytes(pusher.told(1), sink.told(0))
    assert r.end()["end"] == "done"
