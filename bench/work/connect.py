# SPDX-License-Identifier: BSD-2-Clause
"""connect: short connections, as many as go, 50 at a time

Each is: connect, 64 bytes there, an answer back, the server closes. An answer is 64 bytes; and of 100 KB and 1 MB, with few samples, for it is there that connections
begin to be worth more than moving their bytes: the kernel takes over what is longer than a while.

The server closes first, and the relay towards the client, so that neither client nor relay runs
out of ports.
"""
import time

from place import SINK, SOURCE
from stage import SLOW, went_well
from stats import bytes_between

from . import Case, Metric, Work

SIZE = 64
ANSWERS = (("100k", 100 << 10, "100 KB"), ("1m", 1 << 20, "1 MB"))


class Connect(Work):
    name, order = "connect", 30
    contenders = ("floor", "auto", "splice", "copy-256k", "haproxy", "haproxy-splice", "nginx")
    metrics = {
        "conns_per_s": Metric("1/s", "connections", more_is_better=True, ranked=True),
        "cost_us_per_conn": Metric("us", "cost over the floor, each", less_floor="busy_us_per_conn"),
        "busy_us_per_conn": Metric("us", "whole machine, each"),
        "own_cpu_us_per_conn": Metric("us", "its own CPU, each"),
        "p50_us": Metric("us", "answered: p50"),
        "p99_us": Metric("us", "p99"),
    }

    def cases(self, settings):
        seconds = settings.window * 1.5
        yield Case("connect", "short connections, 64 B", 50, seconds + settings.warm + 0.4,
                   {"window": seconds, "answer": SIZE})
        if settings.quick:
            return
        for short, size, text in ANSWERS:
            yield Case(f"connect-{short}", f"short connections, answers of {text}", 50,
                       settings.window + settings.warm + 0.4,
                       {"window": settings.window, "answer": size},
                       contenders=("floor", "auto", "splice", "haproxy"), rounds=2)

    def sample(self, stage, contender, case):
        sizes = ("--request", SIZE, "--answer", case.what["answer"])
        echo = stage.tool("echo", SINK, "--wait", "0", "--for", "1h", "--close", *sizes)
        stage.relay_to(echo)
        tool = stage.tool("connect", SOURCE, stage.entry, "-n", case.connections, *sizes,
                          "--for", f"{round((case.what['window'] + stage.settings.warm + 0.15) * 1000)}ms")
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
            "raw": {"made": round(made), **contender.told(stage)},
            "buckets": times["buckets"],
        }


WORKS = [Connect()]
