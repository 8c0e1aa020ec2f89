# SPDX-License-Identifier: BSD-2-Clause
"""latency: how long a small message takes there and back, alone and during a bulk transfer

Bulk goes to the same target through the same relay, in connections of its own: it is seen how long
a message waits behind it. The far end throws that stream away.
"""
import time

from place import SINK, SOURCE
from stage import SLOW, went_well

from . import Case, Metric, Work

SIZES = (("1b", 1, "1 B"), ("1k", 1024, "1 KB"))
QUICK = (("1b", 1, False), ("1k", 50, False), ("1k", 50, True))
WARM = "100ms"
SETTLE = 0.1  # seconds for the contender to get there, before its CPU time is looked at
BESIDE_BULK = ("floor", "graft", "splice", "haproxy", "haproxy-splice", "nginx")
BULK = 8  # enough that every thread of a relay has some of it


class Latency(Work):
    name, order = "latency", 20
    metrics = {
        "p50_us": Metric("us", "p50", digits=1, ranked=True),
        "p99_us": Metric("us", "p99", digits=1, ranked=True),
        "p999_us": Metric("us", "p99.9", digits=0),
        "per_s": Metric("1/s", "round trips", more_is_better=True),
        "own_cpu_us": Metric("us", "its own CPU for each", digits=1),
    }

    def cases(self, settings):
        for bulk in (False, True):
            for short, size, text in SIZES:
                for n in (1, 50):
                    if settings.quick and (short, n, bulk) not in QUICK:
                        continue
                    title = f"round trips of {text}" + (", during a bulk transfer" if bulk else "")
                    yield Case(f"latency-{short}" + ("-bulk" if bulk else ""), title, n,
                               settings.window + 0.55 + (settings.warm if bulk else 0),
                               {"size": size, "bulk": bulk}, rounds=2 if bulk else 0,
                               contenders=BESIDE_BULK if bulk else ())

    def sample(self, stage, contender, case):
        echo = stage.tool("echo", SINK, "--wait", "0", "--for", "1h", "--sink")
        stage.relay_to(echo)
        ping = ("ping", SOURCE, stage.entry, "-n", case.connections, "-s", case.what["size"])
        source = None
        stage.remember_descriptors(echo)
        if case.what["bulk"]:
            source = stage.tool("source", SOURCE, stage.entry, "-n", BULK, "--for", "120s", "--cut",
                                "--how", stage.settings.how)
            stage.until_connected(echo, BULK)
            stage.settle(BULK)
            time.sleep(stage.settings.warm)
        went_well("ping", stage.tool(*ping, "--for", WARM).result(SLOW))
        seconds = stage.settings.window
        timed = stage.tool(*ping, "--for", f"{round((seconds + 2 * SETTLE) * 1000)}ms")
        count = case.connections + (BULK if source else 0)
        stage.until_connected(echo, count)
        settled = stage.settle(count, SETTLE)
        window = stage.window(seconds)
        result = went_well("ping", timed.result(SLOW))
        if source:
            source.signal(15)
            source.result(SLOW)
        return self.figures(result, window.used, settled)

    @staticmethod
    def figures(result, used, settled):
        times = result["latency_us"]
        return {
            "metrics": {
                "p50_us": times["p50"], "p99_us": times["p99"], "p999_us": times["p999"],
                "per_s": result["per_second"],
                "own_cpu_us": used["own"] * 1e6 / max(1, result["per_second"] * used["seconds"]),
            },
            "used": used,
            "raw": {"round_trips": result["round_trips"], "max_us": times["max"], **settled},
            "buckets": times["buckets"],
        }


WORKS = [Latency()]
