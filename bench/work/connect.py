# SPDX-License-Identifier: BSD-2-Clause
"""connect: short connections, as many as go, 50 at a time: connect, 64 bytes there, 64 back, the
server closes

The server closes first, and the relay towards the client, so that neither client nor relay runs
out of ports.
"""
import time

from place import SINK, SOURCE
from stage import SLOW, went_well
from stats import bytes_between

from . import Case, Metric, Work

SIZE = 64


class Connect(Work):
    name, order = "connect", 30
    metrics = {
        "conns_per_s": Metric("1/s", "connections", more_is_better=True, ranked=True),
        "busy_us_per_conn": Metric("us", "whole machine, each"),
        "own_cpu_us_per_conn": Metric("us", "its own CPU, each"),
        "p50_us": Metric("us", "answered: p50"),
        "p99_us": Metric("us", "p99"),
    }

    def cases(self, settings):
        seconds = settings.window * 1.5
        yield Case("connect", "short connections", 50, seconds + settings.warm + 0.4,
                   {"window": seconds})

    def sample(self, stage, contender, case):
        echo = stage.tool("echo", SINK, "--wait", "0", "--for", "1h", "--close", "--request", SIZE,
                          "--answer", SIZE)
        stage.relay_to(echo)
        tool = stage.tool("connect", SOURCE, stage.entry, "-n", case.connections, "--request", SIZE,
                          "--answer", SIZE, "--for",
                          f"{round((case.what['window'] + stage.settings.warm + 0.15) * 1000)}ms")
        time.sleep(stage.settings.warm)
        window = stage.window(case.what["window"])
        result = went_well("connect", tool.result(SLOW))
        made = max(1.0, bytes_between(result["timeline"], *window.span))
        used, times = window.used, result["latency_us"]
        return {
            "metrics": {
                "conns_per_s": made / used["seconds"],
                "busy_us_per_conn": used["busy"] * 1e6 / made,
                "own_cpu_us_per_conn": used["own"] * 1e6 / made,
                "p50_us": times["p50"], "p99_us": times["p99"],
            },
            "used": used,
            "raw": {"made": round(made)},
            "buckets": times["buckets"],
        }


WORKS = [Connect()]
