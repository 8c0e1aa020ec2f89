# SPDX-License-Identifier: BSD-2-Clause
"""place.py — where a measurement takes place: source — relay — sink

As root in three network namespaces, those of tests/e2e/world.py, where client and server are
called source and sink. There the middle one forwards packets as well: who connects past the relay
is the floor, the same bytes through the same wires and the same number of hosts, without a relay's
sockets.

Else on the loopback. There is no floor then, no choice of congestion control, and source, relay
and sink meet in one stack: figures compare the contenders with one another and mean nothing beside
those of another machine.
"""
import contextlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(ROOT, "tests", "e2e"))

import world  # noqa: E402
from world import CLIENT as SOURCE, RELAY, SERVER as SINK  # noqa: E402,F401

EPHEMERAL = "32768 65535"
WIRES = ((SOURCE, "w1"), (RELAY, "w1r"), (RELAY, "w2r"), (SINK, "w2"))
LARGE, MTU = 65536, 1500  # packets, as the devices merge them


class Wires(world.World):
    name = "namespaces"
    has_floor = has_wires = True
    why_not = None

    def __init__(self):
        super().__init__()
        self.set(RELAY, "ip_forward", 1)
        for who in self.spaces:
            self.set(who, "ip_local_port_range", EPHEMERAL)
        for who, net, via in ((SOURCE, "10.91.2.0/24", "10.91.1.2"),
                              (SINK, "10.91.1.0/24", "10.91.2.2")):
            world.ip("-n", self.spaces[who], "route", "add", net, "via", via, "congctl", "cubic")

    def set(self, who, name, value):
        world.ip("netns", "exec", self.spaces[who], "sh", "-c",
                 f"echo {value} > /proc/sys/net/ipv4/{name}")

    @contextlib.contextmanager
    def small_packets(self, merged):
        """From here on the source's packets are no larger than the MTU when they come out of its device.
        merged: the receiving device makes large ones of them again. (It keeps NAPI if not: "gro
        off" would take that from a veth, and packets might overtake one another.)"""
        try:
            self.offload(SOURCE, "w1", "off")
            for who, device in WIRES if not merged else ():
                self.merge(who, device, MTU)
            yield
        finally:
            self.offload(SOURCE, "w1", "on")
            for who, device in WIRES:
                self.merge(who, device, LARGE)

    def offload(self, who, device, how):
        world.ip("netns", "exec", self.spaces[who], "ethtool", "-K", device, "tso", how, "gso", how)

    def merge(self, who, device, most):
        world.ip("-n", self.spaces[who], "link", "set", device, "gro_max_size", str(most))

    def facts(self):
        return {"kind": self.name, "wires": "veth with NAPI (gro on), MTU 1500, TSO",
                "congestion": "cubic, by route", "hosts": "source, relay and sink share all CPUs"}


class Loopback(world.Loopback):
    name = "loopback"
    has_floor = has_wires = False

    def __init__(self, why_not):
        self.why_not = why_not

    def facts(self):
        with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as f:
            control = f.read().strip()
        return {"kind": self.name, "wires": "the loopback, MTU 65536", "congestion": control,
                "hosts": "source, relay and sink share one stack and all CPUs"}

    def remove(self):
        """Nothing was made."""


def choose(loopback=False):
    why_not = "asked for" if loopback else world.impossible()
    if not why_not:
        try:
            return Wires()
        except OSError as e:
            why_not = str(e)
    return Loopback(why_not)
