# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of connections at once: each byte arrives where it belongs, and while they are silent
they cost two descriptors each, a little memory, and no time."""
import resource
import time

import pytest

from actors import sanitized

PLACES = ("loopback",)
LIMIT_KIB = 12  # for each connection, of user memory as of kernel memory
POOL = 128  # descriptors of pipes that wait for work, at most


def affordable(wanted):
    """As many connections as the limit of descriptors allows to the relay, at most `wanted`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = wanted if hard == resource.RLIM_INFINITY else min(wanted, (hard - 500) // 2)
    if count < 500:
        pytest.skip(f"a limit of {hard} descriptors allows only {count} connections")
    return count


@pytest.mark.alone
def test_five_thousand(engine, relay, echo, swarm):
    count = affordable(5000)
    r = relay(engine, "--target", echo().address)
    before = r.fds()
    w = swarm(r)
    w.order(f"open {count}")
    w.order("round 3000")
    w.order("round 5000")
    r.sockets_become(before["socket"] + 2 * count)
    now = r.fds()
    assert now["pipe"] <= before["pipe"] + POOL, "idle connections own pipes"
    assert now["other"] <= before["other"] + 8
    r.rests(2, 2)
    w.order("round 5000")
    w.order("close")
    assert {(f["end"], f["up"], f["down"]) for f in r.ends(count)} == {("done", 13000, 13000)}
    r.sockets_become(before["socket"])


def slab_kb():
    with open("/proc/meminfo", encoding="ascii") as f:
        fields = dict(line.split(":") for line in f)
    return int(fields["Slab"].split()[0])


def slab_of(count, to, swarm):
    """KiB of kernel memory that connections to `to` take, while they are silent."""
    w = swarm(to)
    time.sleep(0.3)
    before = slab_kb()
    w.order(f"open {count}")
    w.order("round 2000")
    time.sleep(1)
    taken = slab_kb() - before
    w.order("close")
    w.kill()
    return taken


@pytest.mark.alone
@pytest.mark.skipif(sanitized(), reason="a sanitizer's memory is not the relay's")
def test_memory_of_the_silent(engine, relay, echo, swarm):
    """Under 12 KiB of user memory and 12 KiB of kernel memory for each. The kernel's is what all
    connections through the relay take, less what as many take without it; the machine does other
    things as well, so what is too much is measured again, at most twice."""
    count = affordable(3000)
    e = echo()
    r = relay(engine, "--target", e.address)
    for _ in range(3):
        kernel = slab_of(count, r, swarm) - slab_of(count, e.address, swarm)
        if kernel / count < LIMIT_KIB:
            break
    rss = r.memory_kb("RssAnon")
    w = swarm(r)
    w.order(f"open {count}")
    w.order("round 2000")
    user = r.memory_kb("RssAnon")
    w.order("close")
    print(f"per connection: {kernel / count:.1f} KiB kernel, {user / count:.2f} KiB user"
          f" ({rss} KiB without connections)")
    assert user / count < LIMIT_KIB
    assert kernel / count < LIMIT_KIB
