# SPDX-License-Identifier: BSD-2-Clause
"""fanout: one stream, to 1 to 200 subscribers

In bulk, as fast as it goes: the slowest subscriber sets the pace, so that all have all of it. That
is asked of ours alone, for Icecast has no such thing: it drops who is behind. Paced, where all have
the same to do: pieces of 64K, and 64 MB/s altogether. Delay: stamps in small pieces of a stream of
0.8 MB/s, and how old they are at the subscribers, who read them all.

A GB is one that arrived at a subscriber. Memory is what the splitter's processes have, and what
lies in their pipes.
"""
import array
import fcntl
import os
import termios
import time

import measure
from place import RELAY, SINK, SOURCE
from process import Failed
from stage import SLOW, went_well
from stats import bytes_between

from . import Case, Metric, Work
from .relay import FIRST_TICK, GB

PACE = 64  # MB/s, to all subscribers together
MIB = 1 << 20


def in_pipes(pids):
    """Bytes that lie in their pipes."""
    total, seen = 0, set()
    for pid in pids:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            try:
                name = os.readlink(path)
                if not name.startswith("pipe:") or name in seen:
                    continue
                seen.add(name)
                mine = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            waiting = array.array("i", [0])
            fcntl.ioctl(mine, termios.FIONREAD, waiting)
            os.close(mine)
            total += waiting[0]
    return total


class Fanout(Work):
    name, order = "fanout", 60
    contenders = ("split-splice", "split-copy", "icecast")
    metrics = {
        "busy_ms_per_gb_total": Metric("ms/GB", "whole machine", ranked=True),
        "own_cpu_ms_per_gb": Metric("ms/GB", "its own CPU"),
        "gbit_per_s": Metric("Gb/s", "delivered", more_is_better=True, digits=1),
        "memory_mib": Metric("MiB", "memory", digits=1),
        "delay_p50_us": Metric("us", "p50"),
        "delay_p99_us": Metric("us", "p99"),
    }

    def takes(self, contender):
        return hasattr(contender, "split")

    def cases(self, settings):
        counts = (10,) if settings.quick else (1, 10, 50, 200)
        for n in counts:
            yield Case("fanout", "one stream in bulk", n, settings.window + settings.warm + 0.6,
                       {"kind": "bulk"}, contenders=("split-splice", "split-copy"), rounds=2)
        for n in () if settings.quick else counts:
            yield Case("fanout-paced", "one stream, 64 MB/s to all together", n,
                       settings.window + settings.warm + 0.6, {"kind": "paced"}, rounds=2)
        for n in () if settings.quick else (10, 50, 200):
            yield Case("fanout-delay", "one stream of 0.8 MB/s", n, settings.window + 1.0,
                       {"kind": "delay"}, rounds=2)

    def sample(self, stage, contender, case):
        kind, n = case.what["kind"], case.connections
        self.start(stage, contender, kind == "bulk")
        source = self.source(stage, contender, case)
        sink = self.subscribers(stage, contender, case)
        time.sleep(stage.settings.warm)
        window = stage.window(stage.settings.window)
        pids = stage.relay_pids()
        memory = measure.user_kib(pids) / 1024 + in_pipes(pids) / MIB
        time.sleep(FIRST_TICK)
        came = sink.stopped_result()  # first, or they would end with their source
        source.signal(15)
        sent = went_well("source", source.result(SLOW))
        if came["connections"]["ended"]:
            stage.relay.fail(f"lost {came['connections']['ended']} subscribers")
        metrics = {"memory_mib": memory}
        arrived = bytes_between(came["timeline"], *window.span)
        if not arrived:
            stage.relay.fail("let no byte through")
        if kind == "delay":
            metrics |= {"delay_p50_us": came["age_us"]["p50"], "delay_p99_us": came["age_us"]["p99"]}
        else:
            per_gb = 1000 / (arrived / GB)
            metrics |= {"busy_ms_per_gb_total": window.used["busy"] * per_gb,
                        "own_cpu_ms_per_gb": window.used["own"] * per_gb,
                        "gbit_per_s": arrived * 8 / 1e9 / window.used["seconds"]}
        result = {"metrics": metrics, "used": window.used,
                  "raw": {"bytes": round(arrived), "subscribers": n, "pieces": sent["pieces"],
                          "late_pieces": sent["late_pieces"]}}
        if kind == "delay":
            result["buckets"] = came["age_us"]["buckets"]
        return result

    @staticmethod
    def start(stage, contender, wait):
        place = stage.bench.place
        listen = (place.relay_host, place.free_port())
        source = listen if contender.listener_says else (place.relay_host, place.free_port())
        argv = contender.split(stage.bench, source, listen, stage.directory, wait)
        stage.relay = stage.start(argv, RELAY, contender.name)
        stage.relay.until_listening(listen[1], SLOW)
        contender.ready(stage.relay)
        stage.own_sockets = measure.sockets(stage.relay_pids())
        stage.entry, stage.source_entry = "%s:%d" % listen, "%s:%d" % source

    @staticmethod
    def says(stage, name, text):
        if not text:
            return ()
        path = os.path.join(stage.directory, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return ("--say", path)

    def source(self, stage, contender, case):
        kind, n = case.what["kind"], case.connections
        args = {"bulk": ("--how", stage.settings.how),
                "paced": ("--how", stage.settings.how, "--piece", "64K", "--every",
                          f"{max(1, 64 * n // PACE)}ms"),
                "delay": ("--how", "write", "--piece", "16K", "--every", "20ms", "--stamp")}[kind]
        say = self.says(stage, "source.say", contender.source_says)
        source = stage.tool("source", SOURCE, stage.source_entry, "--cut", "--for", "120s", *args, *say)
        self.until_sockets(stage, 1)
        return source

    def subscribers(self, stage, contender, case):
        say = self.says(stage, "sink.say", contender.listener_says)
        stamps = ("--stamps",) if case.what["kind"] == "delay" else ()
        if contender.listener_says:
            time.sleep(0.2)  # until it knows that there is a stream
        argv = [stage.bench.shunt, "bench", "sink", "--json", "--connect", stage.entry, "-n",
                str(case.connections), "--for", "1h", "--wait", "0", "--cut", *say, *stamps]
        sink = stage.start(argv, SINK, "sink")
        self.until_sockets(stage, 1 + case.connections)
        return sink

    @staticmethod
    def until_sockets(stage, count):
        """Until it has so many more sockets than without anybody."""
        deadline = time.monotonic() + SLOW
        while (now := measure.sockets(stage.relay_pids()) - stage.own_sockets) < count:
            if time.monotonic() > deadline:
                raise Failed(f"{stage.contender.name}: only {now} of {count} connections came")
            stage.alive()
            time.sleep(0.005)


WORKS = [Fanout()]
