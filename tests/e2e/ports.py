# SPDX-License-Identifier: BSD-2-Clause
"""ports.py — ports of the loopback that a story may name before anybody listens there

Bound to 0 and let go again, a port is anybody's: the kernel gives it to the next client as its own. So these come from
below the range that it takes such ports from, and each is claimed until our end, by a Unix socket of that name
without a file: other runs on this machine, whoever's, pass it by.
"""
import os
import random
import socket

MINE = []
LEAST, MOST = 10_000, 30_000


def candidates():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low, high = (int(n) for n in f.read().split())
    ports = [p for p in range(LEAST, MOST) if not low <= p <= high] or list(range(high + 1, 65536))
    random.Random(os.getpid()).shuffle(ports)
    return iter(ports)


LEFT = candidates()


def free(port, host):
    """Does nobody have it, nor a connection that has just ended there?"""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        try:
            s.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host="127.0.0.1"):
    """One that is ours alone."""
    for port in LEFT:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0shunt-e2e-port-{port}")
        except OSError:
            claim.close()
            continue
        if free(port, host):
            MINE.append(claim)
            return port
        claim.close()
    raise OSError("no port is free")
