# SPDX-License-Identifier: BSD-2-Clause
"""A port that somebody holds is refused, with exit code 2, the address and the holder's name.

SO_REUSEPORT, which lets our own workers share a port, must not let in anybody else: the kernel
would give each connection to whom it likes."""
import os
import socket

import pytest

PLACES = ("loopback",)
TARGET = ("--target", "127.0.0.1:1")


def refused(r, address, pid):
    text = r.refuses(2)
    assert address in text
    with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
        assert str(pid) in text or f.read().strip() in text, f"no word of {pid}: {text}"


@pytest.mark.parametrize("shared", [False, True], ids=["plain", "reuseport"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_by_another_program(engine, shared, workers, relay):
    with socket.socket() as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        r = relay(engine, "--listen", address, "--workers", workers, *TARGET, starts=False)
        refused(r, address, os.getpid())


def test_by_a_second_shunt(engine, relay, echo, swarm):
    first = relay(engine, "--workers", "2", "--target", echo().address)
    second = relay(engine, "--workers", "2", "--listen", first.address, *TARGET, starts=False)
    refused(second, first.address, first.pid)
    w = swarm(first)
    w.order("open 40")
    w.order("round 1000")
    w.order("close")
    assert {f["end"] for f in first.ends(40)} == {"done"}


@pytest.mark.parametrize("first,second", [("0.0.0.0", "127.0.0.1"), ("[::]", "127.0.0.1"),
                                          ("127.0.0.1", "0.0.0.0"), ("127.0.0.1", "[::]")])
def test_addresses_that_overlap(engine, first, second, relay):
    holder = relay(engine, "--listen", f"{first}:0", *TARGET)
    r = relay(engine, "--listen", f"{second}:{holder.port}", *TARGET, starts=False)
    refused(r, f":{holder.port}", holder.pid)


def test_one_of_two(engine, relay):
    """One listener is free, the other is not: nothing is started by halves."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        r = relay(engine, "--listen", "127.0.0.1:0", "--listen", address, *TARGET, starts=False)
        refused(r, address, os.getpid())


def test_no_permission(engine, relay):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
        if int(f.read()) <= 80:
            pytest.skip("here anybody may have port 80")
    user = "nobody" if os.geteuid() == 0 else None
    r = relay(engine, "--listen", "127.0.0.1:80", *TARGET, as_user=user, starts=False)
    assert "127.0.0.1:80" in r.refuses(2)


def test_no_such_address(engine, relay):
    r = relay(engine, "--listen", "192.0.2.1:8080", *TARGET, starts=False)
    assert "192.0.2.1:8080" in r.refuses(2)
