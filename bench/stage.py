# SPDX-License-Identifier: BSD-2-Clause
"""stage.py — one sample: the tools and the contender that take part, started in order, and all
ended with it

    with Stage(bench, contender) as stage:
        sink = stage.tool("sink", SINK, "--wait", "0", "--for", "1h")
        stage.relay_to(sink)
        source = stage.tool("source", SOURCE, stage.entry, ...)

Every sample has a contender of its own, started for it: nothing is carried over from one to the
next.
"""
import contextlib
import os
import tempfile
import time

import measure
from place import RELAY, SINK
from process import Failed, Program

PREFIX = "shunt-bench-"  # of directories: our process and a riddle follow
SLOW = 20     # seconds after which something is given up that usually takes parts of one
PATIENCE = 4  # after which most of them are enough
ENOUGH = 0.7


class Stage(contextlib.ExitStack):
    def __init__(self, bench, contender):
        super().__init__()
        self.bench, self.contender = bench, contender
        self.settings = bench.settings
        self.relay, self.entry = None, None
        self.directory = self.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-"))

    def start(self, argv, who, name):
        program = Program([*self.bench.place.prefix(who), *argv], self.directory, name)
        self.callback(program.stop)
        return program

    def tool(self, tool, who, *args):
        """A load tool. One at the sink listens, and its .address is known."""
        argv = [self.bench.shunt, "bench", tool, "--json", *map(str, args)]
        if who != SINK:
            return self.start(argv, who, tool)
        address = (self.bench.place.server_host, self.bench.place.free_port())
        program = self.start([*argv, "%s:%d" % address], who, tool)
        program.address = address
        program.until_listening(address[1], SLOW)
        return program

    def relay_to(self, target):
        """Start the contender. From now on stage.entry is where the source connects."""
        if not self.contender.processes:
            self.entry = "%s:%d" % target.address
            return
        self.contender.prepare(self)
        listen = (self.bench.place.relay_host, self.bench.place.free_port())
        argv = self.contender.command(self.bench, listen, target.address, self.directory)
        self.relay = self.start(argv, RELAY, self.contender.name)
        self.relay.until_listening(listen[1], SLOW)
        self.contender.ready(self.relay)
        self.own_sockets = measure.sockets(self.relay_pids())
        self.entry = "%s:%d" % listen

    def relay_pids(self):
        if not self.relay:
            return set()
        return measure.descendants(self.relay.pid, measure.processes())

    def in_relay(self):
        """How many connections have sockets in the relay, two for each."""
        return max(0, measure.sockets(self.relay_pids()) - self.own_sockets + 1) // 2

    def settle(self, connections, patience=PATIENCE):
        """All connections are up: until the contender carries them as it is to be measured."""
        return self.contender.settle(self, connections, patience)

    def until_connected(self, tool, count):
        """Until a tool at the sink, whose descriptors were remembered, holds so many connections. A relay
        that is slow to accept while it moves bytes keeps the last ones waiting: most are enough
        then. Returns how many there are."""
        began = time.monotonic()
        while (now := measure.descriptors([tool.pid]) - tool.own_descriptors) < count:
            waited = time.monotonic() - began
            if waited > PATIENCE and now >= ENOUGH * count:
                break
            if waited > SLOW:
                raise Failed(f"{self.contender.name}: only {now} of {count} connections came through "
                             f"within {SLOW} s")
            self.alive()
            time.sleep(0.005)
        return now

    def remember_descriptors(self, tool):
        """Before connections come: what until_connected counts from."""
        tool.own_descriptors = measure.descriptors([tool.pid])

    def alive(self):
        if self.relay and not self.relay.running():
            self.relay.fail(f"ended with {self.relay.proc.returncode}")

    def window(self, seconds):
        """What is used while so many seconds pass."""
        with measure.Window(self.relay_pids()) as w:
            time.sleep(seconds)
        self.alive()
        return w


def went_well(name, result):
    """The result of a load tool, if nothing failed in it."""
    counts = result["connections"]
    if counts["failed"]:
        errors = ", ".join(f"{n} x {e}" for e, n in result["errors"].items())
        raise Failed(f"{name}: {counts['failed']} connections failed ({errors})")
    return result
