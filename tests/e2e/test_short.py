# SPDX-License-Identifier: BSD-2-Clause
"""Tens of thousands of short connections leave nothing behind: no descriptor, no memory."""

from actors import sanitized

PLACES = ("loopback",)
WARM, REST, GROWTH_KB = 2000, 18000, 4096


def test_twenty_thousand(engine, relay, echo, swarm):
    r = relay(engine, "--target", echo().address)
    w = swarm(r)
    w.order(f"short {WARM} 50 3000")
    r.ends(WARM)
    fds, rss = r.fds(), r.memory_kb("VmRSS")
    w.order(f"short {REST} 50 3000", 110)
    lines = r.ends(WARM + REST)
    assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", 3000, 3000)}
    r.sockets_become(fds["socket"])
    assert r.fds() == fds
    if not sanitized():  # there, freed memory is kept for a while on purpose
        r.memory_falls("VmRSS", rss + GROWTH_KB)


def test_large_enough_for_pipes(engine, relay, echo, swarm):
    """The same where each connection borrows pipes."""
    r = relay(engine, "--target", echo().address)
    w = swarm(r)
    w.order("short 200 20 200000")
    r.ends(200)
    fds, rss = r.fds(), r.memory_kb("VmRSS")
    w.order("short 1000 20 200000")
    r.ends(1200)
    r.sockets_become(fds["socket"])
    assert r.fds()["pipe"] <= fds["pipe"] + 64
    if not sanitized():
        r.memory_falls("VmRSS", rss + GROWTH_KB)
