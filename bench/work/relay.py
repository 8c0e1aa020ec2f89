# SPDX-License-Identifier: BSD-2-Clause
"""relay: bytes, as fast as they go, over 1 to 2,000 connections

The cost is the machine's busy time in a window of steady flow, per GB that arrived at the sink in
that window. Source and sink share the CPUs with the relay, so the rate tells how much of the
machine the relay leaves them.
"""
import time

from place import SINK, SOURCE
from stage import SLOW, went_well
from stats import bytes_between

from . import Case, Metric, Work

GB = 1e9
FIRST_TICK = 0.12  # the last step of a timeline may be cut: end a little after the window


def flow(stage, case, *more):
    """One window of bytes from source to sink: (bytes that arrived, window, what is worth keeping)."""
    settings = stage.settings
    sink = stage.tool("sink", SINK, "--cut", "--wait", "0", "--for", "1h")
    stage.remember_descriptors(sink)
    stage.relay_to(sink)
    source = stage.tool("source", SOURCE, stage.entry, "-n", case.connections, "--cut", "--for",
                        "120s", *more)
    through = stage.until_connected(sink, case.connections)
    settled = stage.settle(through)
    time.sleep(settings.warm)
    window = stage.window(case.what["window"])
    time.sleep(FIRST_TICK)
    source.signal(15)
    sent = went_well("source", source.result(SLOW))
    came = sink.stopped_result()
    arrived = bytes_between(came["timeline"], *window.span)
    if not arrived:
        stage.relay.fail("let no byte through")
    return arrived, window, {"bytes": round(arrived), "through": through,
                             "retransmits": sent["retransmits"], "congestion": sent["congestion"],
                             "late_pieces": sent["late_pieces"], "pieces": sent["pieces"],
                             **settled}


def figures(arrived, used):
    per_gb = 1000 / (arrived / GB)
    return {
        "busy_ms_per_gb_total": used["busy"] * per_gb,
        "own_cpu_ms_per_gb": used["own"] * per_gb,
        "gbit_per_s": arrived * 8 / 1e9 / used["seconds"],
    }


METRICS = {
    "busy_ms_per_gb": Metric("ms/GB", "cost over the floor", less_floor="busy_ms_per_gb_total",
                             ranked=True),
    "busy_ms_per_gb_total": Metric("ms/GB", "whole machine"),
    "own_cpu_ms_per_gb": Metric("ms/GB", "its own CPU"),
    "gbit_per_s": Metric("Gb/s", "throughput", more_is_better=True, digits=1, ranked=True),
}


MANY = ("floor", "auto", "graft", "splice", "copy-64k", "copy-256k", "haproxy", "haproxy-splice", "nginx")


class Relay(Work):
    name, order = "relay", 10
    contenders = ("floor", "auto", "graft", "splice", "copy-16k", "copy-64k", "copy-256k", "copy-1m",
                  "haproxy", "haproxy-splice", "nginx", "nginx-256k", "socat")
    metrics = METRICS

    def cases(self, settings):
        units = ("splice-16k", "splice-64k", "splice-256k")
        for n in (1, 8, 200) if settings.quick else (1, 8, 200, 2000):
            seconds = settings.window + settings.warm + (1.3 if n > 1000 else 0.45)
            yield Case("relay", "bulk", n, seconds,
                       {"window": settings.window}, units if n == 8 and not settings.quick else (),
                       MANY if n > 1000 else ())

    def sample(self, stage, contender, case):
        arrived, window, raw = flow(stage, case, "--how", stage.settings.how)
        return {"metrics": figures(arrived, window.used), "used": window.used, "raw": raw}


WORKS = [Relay()]
