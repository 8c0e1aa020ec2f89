# SPDX-License-Identifier: BSD-2-Clause
"""A target that refuses: the next one at once; when none is left, the client learns of it."""
import time


def test_the_next_one_at_once(engine, place, relay, server, client):
    s = server("accept", "echo", "shut")
    dead = [f"{place.server_host}:{port}" for port in (1, 2)]
    r = relay(engine, "--connect-timeout", "60s", "--target", dead[0], "--target", dead[1], "--target", s.address)
    began = time.monotonic()
    client(r, "both:50000", "shut", "expect:eof").done()
    assert time.monotonic() - began < 30
    s.done()
    line = r.end()
    assert (line["server"], line["end"]) == (s.address, "done")


def test_the_first_one_is_asked_first(engine, relay, server, client):
    words = ["both:1000", "shut", "expect:eof", "close"]
    s = server("n:5", "accept", *words)
    other = server("accept", *words)
    r = relay(engine, "--target", s.address, "--target", other.address)
    client(r, *words, *([f"connect:{r.address}", *words] * 4)).done()
    s.done()
    assert {f["server"] for f in r.ends(5)} == {s.address}


def test_all_refuse(engine, place, relay, client):
    r = relay(engine, "--connect-timeout", "60s", "--target", f"{place.server_host}:1", "--target", f"{place.server_host}:2")
    began = time.monotonic()
    client(r, "flood", "expect:reset").done()
    client(r, "expect:reset").done()
    assert time.monotonic() - began < 30
    assert [(f["end"], f["down"]) for f in r.ends(2)] == [("refused", 0)] * 2


def test_server_comes_back(engine, place, relay, server, client):
    """Refusal is not remembered: the next connection asks again."""
    address = f"{place.server_host}:{place.free_port()}"
    r = relay(engine, "--target", address)
    client(r, "expect:reset").done()
    s = server("accept", "both:1000", "shut", "expect:eof", host=address)
    client(r, "both:1000", "shut", "expect:eof").done()
    s.done()
    assert [f["end"] for f in r.ends(2)] == ["refused", "done"]


def test_before_a_server_was_reached(engine, relay, echo, swarm):
    """Clients that are gone at once leave a line each, and nothing else."""
    r = relay(engine, "--target", echo().address)
    before = r.fds()["socket"]
    w = swarm(r)
    for _ in range(3):
        w.order("open 50")
        w.order("reset")
    assert {f["end"] for f in r.ends(150)} <= {"client-reset", "client-gone"}
    r.sockets_become(before)
