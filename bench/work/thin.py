# SPDX-License-Identifier: BSD-2-Clause
"""thin: many streams of small pieces, the light load that people really have

A machine that is mostly idle: what is paid for here is waking up. Longer windows than for bulk,
since there is less to count in each second.
"""
from . import Case, Work
from .relay import METRICS, figures, flow

PIECE = 16384
LOADS = ((200, 20), (1000, 50))  # connections; ms from one piece of each to its next


class Thin(Work):
    name, order = "thin", 40
    contenders = ("floor", "auto", "graft", "splice", "haproxy", "haproxy-splice", "nginx")
    metrics = {name: METRICS[name] for name in
               ("busy_ms_per_gb", "busy_ms_per_gb_total", "own_cpu_ms_per_gb", "gbit_per_s")}

    def cases(self, settings):
        window = settings.window * 1.5
        for n, every in LOADS[:1] if settings.quick else LOADS:
            yield Case("thin", f"16 KB each {every} ms", n, window + settings.warm + 0.6,
                       {"window": window, "every": every})

    def sample(self, stage, contender, case):
        every = case.what["every"]
        arrived, window, raw = flow(stage, case, "--how", stage.settings.how, "--piece", PIECE,
                                    "--every", f"{every}ms")
        raw["asked_gbit_per_s"] = case.connections * PIECE * 8 / every / 1e6
        return {"metrics": figures(arrived, window.used), "used": window.used, "raw": raw}


WORKS = [Thin()]
