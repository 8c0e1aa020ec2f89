# SPDX-License-Identifier: BSD-2-Clause
"""shunt relay, by each engine and in units of several sizes

What runs without any option is "auto": connections begin with splice, and the kernel takes over
those that bring enough, where it can. "graft" is that from the first byte on. Both need a BPF file
system: each sample has one of its own, mounted in its directory. Where there can be no grafts,
neither takes part: "auto" is "splice" there.
"""
import contextlib
import functools
import os
import re
import shutil
import subprocess
import time

from place import RELAY, SINK, SOURCE
from process import Failed
from stage import PREFIX, Stage

from . import Contender, says

STILL = 1.0  # seconds without one more connection that has become a graft: the rest will not
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
OURS = "shunt_graft"  # the programs' names begin so


class Shunt(Contender):
    def __init__(self, order, engine, unit=None, extra=False):
        self.engine, self.unit, self.order, self.extra = engine, unit, order, extra
        self.name = f"{engine}-{unit.lower()}" if unit else engine
        self.label = f"shunt, {engine}" + (f" {unit}" if unit else "")

    def version(self, bench):
        return says([bench.shunt, "--version"], r"(\d+\.\d+\S*)")

    def options(self):
        unit = ["--unit", self.unit] if self.unit else []
        return ["--engine", self.engine, *unit]

    def command(self, bench, listen, target, directory):
        return [bench.shunt, "relay", *self.options(), "%s:%d" % listen, "%s:%d" % target]

    def ready(self, program):
        program.until_said("msg=listening")  # the port opens first, and grafts take a while

    def settings(self):
        return " ".join(["shunt relay", *self.options()])


class Grafting(Shunt):
    """What hands connections over to the kernel."""

    def __init__(self, order, engine, more=()):
        super().__init__(order, engine)
        self.more = list(more)

    def options(self):
        return [*super().options(), *self.more]

    def missing(self, bench):
        return no_grafts(bench)

    def prepare(self, stage):
        stage.bpffs = mount(stage) if os.geteuid() == 0 else None
        prefix = stage.bench.place.prefix(RELAY)
        stage.callback(give_back_ports, prefix, run([*prefix, "cat", RESERVED]))
        stage.callback(take_off, prefix, filters(prefix))

    def command(self, bench, listen, target, directory):
        argv = super().command(bench, listen, target, directory)
        where = bpffs_in(directory)
        return [*argv, "--on-exit", "reset", *(["--bpffs", where] if os.path.isdir(where) else [])]

    def told(self, stage):
        engines = re.findall(r"\bconn=\d+ .*\bengine=(\w+)", stage.relay.words())
        return {"ended": len(engines), "grafted": engines.count("graft")}


class Graft(Grafting):
    def settle(self, stage, connections, patience):
        """A graft has no sockets any more. Some may stay: where both ends never rest, say, there may be
        no moment to cut."""
        began = changed = time.monotonic()
        left = connections
        while (now := min(connections, stage.in_relay())) > 0:
            at = time.monotonic()
            if now != left:
                left, changed = now, at
            if at - began > patience or at - changed > STILL:
                break
            stage.alive()
            time.sleep(0.01)
        return {"grafted": connections - now, "settled_s": round(time.monotonic() - began, 3)}


@functools.lru_cache(maxsize=None)
def no_grafts(bench):
    """Why there can be none here, in shunt's own words, or None. One is tried."""
    unmount_forgotten()
    try:
        with Stage(bench, CONTENDERS[0]) as stage:
            echo = stage.tool("echo", SINK, "--wait", "0", "--for", "1h")
            stage.remember_descriptors(echo)
            stage.relay_to(echo)
            stage.tool("ping", SOURCE, stage.entry, "--for", "10s")
            stage.until_connected(echo, 1)
            grafted = stage.settle(1)["grafted"]
    except Failed as e:
        return str(e).rpartition("shunt relay: ")[2]
    return None if grafted else f"here, a connection over the {bench.place.name} does not become one"


# -- what a relay leaves, and what it needs --

def run(argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def bpffs_in(directory):
    return os.path.join(directory, "bpf")


def mount(stage):
    """A BPF file system. What is pinned there goes with it."""
    where = bpffs_in(stage.directory)
    os.mkdir(where)
    done = subprocess.run(["mount", "-t", "bpf", "bpf", where], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        os.rmdir(where)
        raise Failed(f"no BPF file system can be mounted: {done.stderr.strip()}")
    stage.callback(unmount, where)
    return where


def unmount(where):
    """Empty it first: another mount namespace may have a copy of the mount."""
    for entry in os.scandir(where):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
    subprocess.run(["umount", where], capture_output=True, check=False)


def unmount_forgotten():
    """Those of runs that were killed."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        places = [line.split()[1] for line in f if line.split()[2] == "bpf"]
    for where in places:
        found = re.search(rf"/{PREFIX}(\d+)-[^/]*/bpf$", where)
        if found and not os.path.exists(f"/proc/{found.group(1)}"):
            unmount(where)
            shutil.rmtree(os.path.dirname(where), ignore_errors=True)


def filters(prefix):
    """shunt's filters on the relay's devices: {(device, way, preference, handle)}."""
    found = set()
    for device in run([*prefix, "ls", "/sys/class/net"]).split():
        for way in ("ingress", "egress"):
            shown = run([*prefix, "tc", "filter", "show", "dev", device, way])
            found |= {(device, way, *at) for at in re.findall(
                rf"\bpref (\d+) bpf .*\bhandle (\S+) .*\b{OURS}", shown)}
    return found


def take_off(prefix, before):
    """Filters that it has left. Links go with their pins."""
    for device, way, pref, handle in filters(prefix) - before:
        run([*prefix, "tc", "filter", "del", "dev", device, way, "pref", pref, "handle", handle,
             "bpf"])


def give_back_ports(prefix, before):
    """What it has reserved for grafts, unless it did so itself."""
    if run([*prefix, "cat", RESERVED]) != before:
        run([*prefix, "sh", "-c", f"echo '{before.strip()}' > {RESERVED}"])


CONTENDERS = [
    Graft(9, "graft", ("--graft-after", "1")),
    Grafting(8, "auto"),
    Shunt(10, "splice"),
    Shunt(11, "splice", "16K", extra=True),
    Shunt(12, "splice", "64K", extra=True),
    Shunt(13, "splice", "256K", extra=True),
    Shunt(20, "copy", "16K"),
    Shunt(21, "copy", "64K"),
    Shunt(22, "copy", "256K"),
    Shunt(23, "copy", "1M"),
]
