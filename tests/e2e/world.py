# SPDX-License-Identifier: BSD-2-Clause
"""world.py — where a story plays: on the loopback, or in three hosts made of namespaces

      client                     relay                      server
    ┌─────────────┐          ┌───────────────┐          ┌─────────────┐
    │  10.91.1.1  ├── veth ──┤ 10.91.1.2     │          │             │
    │  fd91:1::1  │          │ fd91:1::2     │          │             │
    │             │          │     10.91.2.2 ├── veth ──┤  10.91.2.1  │
    │             │          │     fd91:2::2 │          │  fd91:2::1  │
    └─────────────┘          └───────────────┘          └─────────────┘

Nothing is forwarded: what the client gets from the server came through the relay. The routes use
cubic (the host's default may pace its packets, which hides what a relay does) and the veths run
NAPI (gro on: without it they may reorder). MTU 1500, so that a stream is cut as on a wire.

The world needs root. Its namespaces carry the process id in their names; they go away with the
test run, and a run that was killed is cleaned up after by the next one.
"""
import atexit
import itertools
import os
import re
import shutil
import subprocess

from ports import free_port

CLIENT, RELAY, SERVER = "client", "relay", "server"


class Loopback:
    name = "loopback"
    relay_host, relay_host6 = "127.0.0.1", "[::1]"
    server_host, server_host6 = "127.0.0.1", "[::1]"

    def prefix(self, who):
        return []

    def free_port(self):
        """A port for a real program, at the server."""
        return free_port(self.server_host)


class World:
    name = "world"
    relay_host, relay_host6 = "10.91.1.2", "[fd91:1::2]"
    server_host, server_host6 = "10.91.2.1", "[fd91:2::1]"
    nowhere = "10.91.2.77"  # has a neighbour entry, and nobody there: packets vanish

    def __init__(self, tag=""):
        self.ports = itertools.count(20000)
        self.spaces = {who: f"shunt-{os.getpid()}-{tag}{who}" for who in (CLIENT, RELAY, SERVER)}
        atexit.register(self.remove)
        sweep()
        for space in self.spaces.values():
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
        self.wire(1, CLIENT, "10.91.1", "fd91:1")
        self.wire(2, SERVER, "10.91.2", "fd91:2")
        ip("-n", self.spaces[RELAY], "neigh", "add", self.nowhere, "lladdr", "02:00:00:00:00:77",
           "dev", "w2r", "nud", "permanent")

    def wire(self, number, who, net, net6):
        """A veth between `who` (address 1) and the relay (address 2)."""
        ends = ((f"w{number}", self.spaces[who], 1), (f"w{number}r", self.spaces[RELAY], 2))
        ip("link", "add", ends[0][0], "netns", ends[0][1], "type", "veth",
           "peer", "name", ends[1][0], "netns", ends[1][1])
        for name, space, host in ends:
            ip("netns", "exec", space, "ethtool", "-K", name, "gro", "on")
            ip("-n", space, "addr", "add", f"{net}.{host}/24", "dev", name)
            ip("-n", space, "addr", "add", f"{net6}::{host}/64", "dev", name, "nodad")
            ip("-n", space, "link", "set", name, "up")
        for name, space, host in ends:
            ip("-n", space, "route", "replace", f"{net}.0/24", "dev", name, "congctl", "cubic")
            ip("-n", space, "-6", "route", "replace", f"{net6}::/64", "dev", name,
               "congctl", "cubic")

    def prefix(self, who):
        return ["ip", "netns", "exec", self.spaces[who]]

    def free_port(self):
        return next(self.ports)

    def remove(self):
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def ip(*args):
    done = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def sweep():
    """Namespaces of runs that died without a chance to clean up."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    for space in re.findall(r"^shunt-\d+-\w+", listed.stdout, re.M):
        if not os.path.exists(f"/proc/{space.split('-')[1]}"):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def impossible():
    """Why no namespaces can be made here, or None."""
    if os.geteuid():
        return "namespaces need root"
    for tool in ("ip", "ethtool"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None
