# SPDX-License-Identifier: BSD-2-Clause
"""Too few descriptors: clients wait outside, all are served in the end, and nothing spins."""
PLACES = ("loopback",)


def test_limit_of_64(engine, relay, echo, swarm):
    r = relay(engine, "--workers", "1", "--target", echo().address, nofile=64)
    before = r.fds()["socket"]
    many = swarm(r)
    many.order("short 100 100 20000")
    assert {(f["end"], f["up"], f["down"]) for f in r.ends(100)} == {("done", 20000, 20000)}

    holders = swarm(r)
    holders.order("open 60")  # more than there is room for: they stay, and fill it
    r.rests()
    full = r.fds()["socket"]
    assert full > before + 20
    waiting = swarm(r)
    waiting.say("short 100 100 1000")
    r.rests(2)
    assert r.fds()["socket"] <= full + 2
    holders.order("reset")
    waiting.answer()
    r.sockets_become(before)


def test_limit_that_has_no_room_for_pipes(engine, relay, server, client):
    """One connection and no descriptor left: it goes by copy, and all bytes arrive."""
    words = ["both:3m", "shut", "expect:eof"]
    s = server("accept", *words)
    r = relay(engine, "--workers", "1", "--target", s.address)
    room = sum(r.fds().values()) + 2
    r.stop()
    r = relay(engine, "--workers", "1", "--max-connections", "1", "--target", s.address,
              nofile=room)
    client(r, *words).done()
    s.done()
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", 3 << 20, 3 << 20)


def test_max_connections(engine, relay, echo, swarm):
    """Above the limit clients wait until one of those inside has left."""
    r = relay(engine, "--workers", "2", "--max-connections", "10", "--target", echo().address)
    before = r.fds()["socket"]
    inside = swarm(r)
    inside.order("open 10")
    inside.order("round 1000")
    outside = swarm(r)
    outside.say("short 40 20 1000")
    r.rests()
    assert outside.answers == len(outside.lines["stdout"]), "more than --max-connections got in"
    assert r.fds()["socket"] <= before + 2 * 10
    inside.order("round 1000")
    inside.order("close")
    outside.answer()
    assert {f["end"] for f in r.ends(50)} == {"done"}
