# SPDX-License-Identifier: BSD-2-Clause
"""Connections are spread over the workers, and nobody else gets any."""
import os

import pytest

PLACES = ("loopback",)


def busy_us(pid):
    """How long each thread has been on a processor."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
            found[thread] = int(f.read().split()[0]) // 1000
    return found


@pytest.mark.alone
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_of_them_work(engine, workers, relay, echo, swarm):
    r = relay(engine, "--workers", str(workers), "--target", echo().address)
    w = swarm(r)
    before = busy_us(r.pid)
    for _ in range(4):
        w.order("open 64")
        w.order("round 3000")
        w.order("close")
    lines = r.ends(4 * 64)
    assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", 3000, 3000)}
    worked = {t: us - before.get(t, 0) for t, us in busy_us(r.pid).items()}
    assert len([us for us in worked.values() if us > 500]) == workers, worked


def test_unix_listener_too(engine, relay, echo, swarm, tmp_path):
    """A unix socket cannot be listened on twice: it is shared another way, or by one worker."""
    r = relay(engine, "--workers", "2", "--listen", f"unix:{tmp_path}/relay", "--target",
              echo().address)
    w = swarm(r)
    w.order("open 100")
    w.order("round 3000")
    w.order("close")
    assert {f["end"] for f in r.ends(100)} == {"done"}


def test_connection_numbers_are_unique(engine, relay, echo, swarm):
    r = relay(engine, "--workers", "4", "--target", echo().address)
    swarm(r).order("short 1000 20 100")
    assert len({f["conn"] for f in r.ends(1000)}) == 1000
