# SPDX-License-Identifier: BSD-2-Clause
"""SIGUSR1: stop listening at once, finish what runs, leave with 0."""
import signal

PLACES = ("either",)


def drains(r):
    r.signal(signal.SIGUSR1)
    r.shuts()


def test_what_runs_is_finished(engine, couple, relay, echo, client):
    words = ["both:100k", "go", "both:10m", "shut", "expect:eof"]
    r, c, s = couple(engine, words, words)
    c.ready()
    s.ready()
    drains(r)
    late = client(r, "send:10")
    assert late.wait() == 1 and "refused" in late.text()
    successor = relay(engine, "--listen", r.address, "--target", echo().address)
    c.go()
    s.go()
    c.done()
    s.done()
    r.leaves()
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", *[(100 << 10) + (10 << 20)] * 2)
    client(successor, "both:1000", "shut", "expect:eof").done()


def test_nothing_runs(engine, place, relay):
    r = relay(engine, "--target", f"{place.server_host}:1")
    r.signal(signal.SIGUSR1)
    r.leaves()


def test_many_run(engine, relay, echo, swarm):
    r = relay(engine, "--target", echo().address)
    w = swarm(r)
    w.order("open 200")
    w.order("round 1000")
    drains(r)
    w.order("round 1000")
    w.order("close")
    r.leaves()
    assert [(f["end"], f["up"], f["down"]) for f in r.ends(200)] == [("done", 2000, 2000)] * 200


def test_what_takes_too_long_is_cut(engine, couple):
    words = ["both:1000", "go", "expect:reset"]
    r, c, s = couple(engine, words, words, "--drain-timeout", "1s")
    for peer in (c, s):
        peer.ready().go()
    r.signal(signal.SIGUSR1)
    r.leaves()
    c.done()
    s.done()
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("drain", 1000, 1000)


def test_stop_while_draining(engine, couple):
    words = ["both:1000", "go", "expect:reset"]
    r, c, s = couple(engine, words, words)
    for peer in (c, s):
        peer.ready().go()
    drains(r)
    r.signal(signal.SIGTERM)
    r.leaves()
    assert r.end()["end"] in ("stop", "drain")
    c.done()
    s.done()
