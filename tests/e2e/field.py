# SPDX-License-Identifier: BSD-2-Clause
"""field.py — the world that a story of grafts plays in: its own, with a BPF file system and bad wires

A graft outlives its relay, so each story gets three hosts that nobody else uses, and a bpffs mounted
in a folder of its own; both go with the story, and with them all that grafts left behind.

    field.spoil("loss")          1 % of the packets are lost on every hop, in every direction
    field.insert(...)            one more host in a hop: a wire that flips bits, or a router
    field.sysctl(CLIENT, ...)    what the hosts speak
    field.grafted(line)          bytes of a connection that went below TCP, from its log line
"""
import atexit
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from actors import BUILD, SHUNT, moved_by, sanitized
from world import CLIENT, RELAY, SERVER, World, impossible, ip

LOSS = os.path.join(BUILD, "tests/e2e/loss.bpf.o")
KEEP_PINS = re.compile(r"^\S+ (\S*/shunt-bpf-(\d+)-\w+) bpf ", re.M)
BOX = "box"
DEVICE = {"slow0": "900", "boxa": "901", "boxb": "902"}  # numbers that loss.bpf.c knows
QUIET = ["pause:80", "both:100"] * 3  # moments in which nobody owes anything
RIGHTS = 1 << 12 | 1 << 38 | 1 << 39  # CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF


def run(*argv, check=True):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Field(World):
    name = "field"

    def __init__(self):
        sweep_mounts()
        self.bpffs = tempfile.mkdtemp(prefix=f"shunt-bpf-{os.getpid()}-")
        super().__init__("f-")
        run("mount", "-t", "bpf", "bpf", self.bpffs)

    def remove(self):
        super().remove()
        run("umount", self.bpffs, check=False)
        if os.path.isdir(self.bpffs):
            os.rmdir(self.bpffs)
        atexit.unregister(self.remove)

    def do(self, who, *argv, check=True):
        """Run a command on this host; its output."""
        return run("ip", "netns", "exec", self.spaces[who], *argv, check=check)

    def ip(self, who, *args):
        return ip("-n", self.spaces[who], *args)

    def sysctl(self, who, **values):
        """net.ipv4.* of one host."""
        for key, value in values.items():
            self.do(who, "sysctl", "-qw", f"net.ipv4.{key}={value}")

    def counter(self, who, name):
        """A counter of this host, as nstat names it."""
        told = json.loads(self.do(who, "nstat", "-ajsz", name))["kernel"]
        return told[name]

    def sockets(self, who=RELAY):
        """Connections that the kernel of this host knows."""
        told = self.do(who, "ss", "-Htan", "state", "connected", "exclude", "time-wait")
        return told.splitlines()

    def loses_sockets(self, left=0, who=RELAY, seconds=5):
        """Until the kernel of this host has no more than `left` connections."""
        deadline = time.monotonic() + seconds
        while len(now := self.sockets(who)) > left:
            assert time.monotonic() < deadline, f"still there: {now[:6]}"
            time.sleep(0.02)

    def until(self, true, what, seconds=10):
        deadline = time.monotonic() + seconds
        while not (result := true()):
            assert time.monotonic() < deadline, f"{what} did not come"
            time.sleep(0.05)
        return result

    def status(self, *args):
        """What `shunt graft` says about this field."""
        return self.do(RELAY, SHUNT, "graft", *args, "--bpffs", self.bpffs)

    # -- bad wires --

    def filter(self, who, dev, way, section, pref=1):
        """Put one of the programs of loss.bpf.c on a device."""
        if not os.path.exists(LOSS):
            pytest.skip("clang or bpftool is missing: the wire cannot be spoilt")
        if "clsact" not in self.do(who, "tc", "qdisc", "show", "dev", dev):
            self.do(who, "tc", "qdisc", "add", "dev", dev, "clsact")
        self.do(who, "tc", "filter", "add", "dev", dev, way, "pref", str(pref), "bpf", "da", "obj",
                LOSS, "sec", section)

    def spoil(self, section):
        """Each hop in each direction. At the ends, where no program of shunt's is."""
        for who, dev in ((CLIENT, "w1"), (SERVER, "w2")):
            if section == "late":
                self.detour(who, dev)
            for way in ("ingress", "egress"):
                self.filter(who, dev, way, f"{section}_in" if way == "ingress" else section)

    def detour(self, who, dev):
        """A longer way for packets of `dev`: round and round through a veth."""
        self.ip(who, "link", "add", "slow0", "index", DEVICE["slow0"], "type", "veth", "peer", "name", "slow1")
        for name in ("slow0", "slow1"):
            self.ip(who, "link", "set", name, "up")
        self.filter(who, "slow1", "ingress", "round")

    def offload(self, on=False):
        """Checksums and segmentation are the stack's, and nobody gathers packets, on each device: what is
        captured is whole, and as it was sent."""
        state = "on" if on else "off"
        devices = [(CLIENT, "w1"), (RELAY, "w1r"), (RELAY, "w2r"), (SERVER, "w2")]
        if BOX in self.spaces:
            devices += [(BOX, "boxa"), (BOX, "boxb")]
        for who, dev in devices:
            for what in ("gro", "gso", "tso", "tx"):
                self.do(who, "ethtool", "-K", dev, what, state)

    def wire_more(self):
        """A second wire between relay and server, which takes over when the first goes down."""
        ends = (("w3", SERVER), ("w3r", RELAY))
        ip("link", "add", "w3", "netns", self.spaces[SERVER], "type", "veth", "peer", "name", "w3r", "netns",
           self.spaces[RELAY])
        for dev, who in ends:
            self.do(who, "ethtool", "-K", dev, "gro", "on")
            self.ip(who, "link", "set", dev, "up")
            self.ip(who, "route", "add", "10.91.2.0/24", "dev", dev, "metric", "500")

    def translate(self):
        """Packets of the relay to the server get another source address (SNAT), behind all that shunt sees,
        and those that come back get the old one again."""
        self.ip(RELAY, "addr", "add", "10.91.2.3/32", "dev", "w2r")
        self.filter(RELAY, "w2r", "egress", "renamed")
        self.filter(RELAY, "w2r", "ingress", "renamed_in")

    def insert(self, hop):
        """One more host between the relay and `hop` (CLIENT or SERVER): two devices, boxa (toward hop)
        and boxb (toward the relay), with nothing between them yet: wire_up or route makes it pass."""
        number = {CLIENT: 1, SERVER: 2}[hop]
        self.spaces[BOX] = self.spaces[CLIENT].replace(CLIENT, BOX)
        ip("netns", "add", self.spaces[BOX])
        # else its own IPv6 addresses are no good for a second or two, and it asks for nobody's
        self.do(BOX, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        net, net6 = f"10.91.{number}", f"fd91:{number}"
        self.ip(hop, "link", "del", f"w{number}")
        for box, far, who, host in (("boxa", f"w{number}", hop, 1), ("boxb", f"w{number}r", RELAY, 2)):
            ip("link", "add", box, "netns", self.spaces[BOX], "index", DEVICE[box], "type", "veth",
               "peer", "name", far, "netns", self.spaces[who])
            for space, name in ((self.spaces[BOX], box), (self.spaces[who], far)):
                ip("netns", "exec", space, "ethtool", "-K", name, "gro", "on")
                ip("-n", space, "link", "set", name, "up")
            self.ip(who, "addr", "add", f"{net}.{host}/24", "dev", far)
            self.ip(who, "addr", "add", f"{net6}::{host}/64", "dev", far, "nodad")

    def wire_up(self, flip=False):
        """The inserted host passes every frame on; with flip, some of those toward the relay get
        one bit of their payload wrong."""
        for dev, peer in (("boxa", "boxb"), ("boxb", "boxa")):
            self.filter(BOX, dev, "ingress", f"to_{peer}", pref=2)
        if flip:
            self.filter(BOX, "boxa", "ingress", "flip", pref=1)

    def route(self, hop):
        """The inserted host passes packets on as a router. All neighbours are told, none is asked for:
        asking takes its time on a busy machine, and proxies answer when they like."""
        n = {CLIENT: 1, SERVER: 2}[hop]
        self.do(BOX, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.ip(BOX, "addr", "add", "10.91.9.1/32", "dev", "lo")
        self.ip(BOX, "addr", "add", "fd91:9::1/128", "dev", "lo")
        self.ip(BOX, "link", "set", "lo", "up")
        for dev, far, who, host in (("boxa", f"w{n}", hop, 1), ("boxb", f"w{n}r", RELAY, 2)):
            for net, bits in ((f"10.91.{n}.", 32), (f"fd91:{n}::", 128)):
                self.ip(BOX, "route", "add", f"{net}{host}/{bits}", "dev", dev)
                self.neighbour(BOX, dev, f"{net}{host}", self.link_address(who, far))
                self.neighbour(who, far, f"{net}{3 - host}", self.link_address(BOX, dev))

    def link_address(self, who, dev):
        return json.loads(self.ip(who, "-j", "link", "show", dev))[0]["address"]

    def neighbour(self, who, dev, address, link):
        self.ip(who, "neigh", "replace", address, "lladdr", link, "nud", "permanent", "dev", dev)

    def grafted(self, line):
        return moved_by(line, "graft")


def no_grafts():
    """Why no grafts can be made here, or None."""
    reason = impossible()
    for tool in ("tc", "nstat", "ss", "mount"):
        if not reason and not shutil.which(tool):
            reason = f"{tool} is not installed"
    with open("/proc/self/status", encoding="ascii") as f:
        mine = int(re.search(r"CapEff:\s+(\w+)", f.read()).group(1), 16)
    if not reason and mine & RIGHTS != RIGHTS:
        reason = "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are needed"
    if not reason and not os.path.exists("/sys/kernel/btf/vmlinux"):
        reason = "this kernel has no BTF"
    with open("/proc/filesystems", encoding="ascii") as f:
        if not reason and "\tbpf\n" not in f.read():
            reason = "this kernel has no bpffs"
    return reason


def sweep_mounts():
    """File systems of runs that died."""
    with open("/proc/mounts", encoding="ascii") as f:
        for path, pid in KEEP_PINS.findall(f.read()):
            if not os.path.exists(f"/proc/{pid}"):
                run("umount", path, check=False)
                os.rmdir(path)


@pytest.fixture
def field(cast):
    reason = no_grafts()
    if reason:
        pytest.skip(reason)
    made = Field()
    try:
        yield made
        cast.leave()
    finally:
        for child in cast.children:
            child.kill()
        made.remove()


@pytest.fixture
def graft(field, relay):
    """graft("--target", ADDR, ...): a relay that makes grafts, of everything that pays at all."""
    def start(*args, after="1", **how):
        r = relay("auto", "--bpffs", field.bpffs, "--graft-after", after, *args, **how)
        assert r.listeners()[0]["engine"] == "graft", r.listeners()[0]
        return r
    return start


@pytest.fixture
def pair(field, graft, server, client):
    """pair(CLIENT_WORDS, SERVER_WORDS, ...): a relay that grafts, and its two peers at work."""
    def start(ours, theirs, *args, host=None, **how):
        s = server("accept", *theirs, before=("-t", "100"), host=host and f"{host}:0")
        r = graft("--target", s.address, *args, **how)
        return r, client(r, *ours, before=("-t", "100")), s
    return start


def counted(r, field, up, down, least):
    """The line of the one connection, and that at least so many of its bytes were grafted."""
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", up, down), line
    if not sanitized():  # so slow a relay may miss its moments
        assert field.grafted(line) >= least, f"{line}\n{field.status('status')}"  # why not is counted there
    return line
