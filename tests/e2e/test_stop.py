# SPDX-License-Identifier: BSD-2-Clause
"""SIGTERM and SIGINT stop within five seconds, and each connection has its line."""
import signal

import pytest

PLACES = ("either",)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_hundred_live_connections(engine, number, relay, echo, swarm):
    r = relay(engine, "--target", echo().address)
    w = swarm(r)
    w.order("open 100")
    w.order("round 1000")
    r.signal(number)
    r.leaves(5)
    assert [(f["end"], f["up"], f["down"]) for f in r.ends(100)] == [("stop", 1000, 1000)] * 100


def test_peers_see_a_reset(engine, couple):
    words = ["both:1000", "go", "expect:reset"]
    r, c, s = couple(engine, words, words)
    for peer in (c, s):
        peer.ready().go()
    r.signal(signal.SIGTERM)
    r.leaves(5)
    c.done()
    s.done()


def test_while_all_is_stuck(engine, couple):
    """Bytes wait for a sink that does not read: they do not hold up the stop."""
    r, c, s = couple(engine, ["push:500", "flood"], ["go"])
    c.told(0)
    r.signal(signal.SIGTERM)
    r.leaves(5)
    assert r.end()["end"] == "stop"
    s.ready().go().done()
    c.done()


@pytest.mark.places("world")  # has an address where packets vanish
def test_while_it_connects(engine, place, relay, client):
    r = relay(engine, "--connect-timeout", "60s", "--target", f"{place.nowhere}:9")
    c = client(r, "send:10", "go", "expect:reset").ready().go()
    r.signal(signal.SIGTERM)
    r.leaves(5)
    c.done()
    assert r.end()["end"] == "stop"


def test_twice(engine, couple):
    r, _, s = couple(engine, ["both:1000", "go"], ["both:1000", "go"])
    s.ready()
    r.signal(signal.SIGTERM)
    r.signal(signal.SIGTERM)
    r.leaves(5)


def test_sigpipe_is_nothing(engine, couple):
    words = ["both:1000", "go", "both:1000", "shut", "expect:eof"]
    r, c, s = couple(engine, words, words)
    c.ready()
    s.ready()
    r.signal(signal.SIGPIPE)
    c.go()
    s.go()
    c.done()
    s.done()
    assert r.end()["end"] == "done"
