# SPDX-License-Identifier: BSD-2-Clause
"""Connections are spread over the workers, and nobody else gets any."""
import os

import pytest

PLACES = ("loopback",)


def turns(pid):
    """How often each thread has waited for something."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as f:
            found[thread] = int(dict(line.split(":", 1) for line in f)["voluntary_ctxt_switches"])
    return found


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_of_them_work(engine, workers, relay, echo, swarm):
    r = relay(engine, "--workers", str(workers), "--target", echo().address)
    w = swarm(r)
    before = turns(r.pid)
    for _ in range(4):
        w.order("open 64")
        w.order("round 3000")
        w.order("close")
    lines = r.ends(4 * 64)
    assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", 3000, 3000)}
    worked = [t for t, n in turns(r.pid).items() if n - before.get(t, 0) >= 10]
    assert len(worked) == workers


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
