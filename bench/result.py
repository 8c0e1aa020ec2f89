# SPDX-License-Identifier: BSD-2-Clause
"""result.py — from samples to rows, and what else belongs into a result: the machine, the
versions, the settings

A row is one figure of one contender in one case: {work, contender, connections, metric, unit,
median, min, max}, with `n`, how many samples it stands for, and `of`, what the margin of a ranking
is a part of (stats.py).
"""
import dataclasses
import json
import os
import platform
import re
import time

from run import DISTURBED
from stats import MARGIN, Range, merged

SCHEMA = 1


def rows_of(works, steps, samples):
    """All rows, in the order of the plan."""
    rows = []
    for work, case, who in steps:
        for contender in who:
            mine = [s["metrics"] for s in samples if is_of(s, case, contender.name)]
            if mine:
                floor = [s["metrics"] for s in samples if is_of(s, case, "floor")]
                rows += rows_of_one(work, case, contender, mine, floor)
    return rows


def is_of(sample, case, contender):
    return (sample["work"], sample["connections"], sample["contender"]) == (
        case.work, case.connections, contender)


def rows_of_one(work, case, contender, mine, floor):
    for name, metric in work.metrics.items():
        source = metric.less_floor or name
        if metric.less_floor and (contender.name == "floor" or not floor):
            continue
        if source not in mine[0] or (contender.name == "floor" and no_relay_metric(name)):
            continue
        values, of = [m[source] for m in mine], None
        if metric.less_floor:
            of = Range(values).median
            base = Range([m[source] for m in floor]).median
            values = [v - base for v in values]
        r = Range(values, of)
        row = {"work": case.work, "contender": contender.name, "connections": case.connections,
               "metric": name, "unit": metric.unit, "median": tidy(r.median), "min": tidy(r.min),
               "max": tidy(r.max), "n": len(values)}
        if of:
            row["of"] = tidy(of)
        yield row


def no_relay_metric(name):
    """What only a relay can have: memory and CPU of its own."""
    return name.startswith("own_cpu") or name in ("kib_per_conn_user", "fds_per_conn")


def tidy(x):
    return float(f"{x:.6g}")


# -- histograms --

def coarse(buckets):
    """The same, in sixteenths of an octave: enough for a picture."""
    wide = {}
    for top, count in buckets:
        if top > 0:
            mantissa, exponent = fraction(top)
            top = (1 + (int(mantissa * 16) + 1) / 16) * 2.0 ** exponent
        wide[top] = wide.get(top, 0) + count
    return [[tidy(t), c] for t, c in sorted(wide.items())]


def fraction(x):
    exponent = 0
    while x >= 2:
        x, exponent = x / 2, exponent + 1
    while x < 1:
        x, exponent = x * 2, exponent - 1
    return x - 1, exponent


def distributions(samples):
    together = {}
    for s in samples:
        if "buckets" in s:
            key = (s["work"], s["connections"], s["contender"])
            together.setdefault(key, []).append(s["buckets"])
    return [{"work": w, "connections": n, "contender": c, "unit": "us",
             "buckets": coarse(merged(all_of))}
            for (w, n, c), all_of in together.items()]


# -- the machine --

def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        found = re.search(r"^(?:model name|Hardware|Processor)\s*:\s*(.+)$", f.read(), re.M)
    return found.group(1).strip() if found else platform.machine()


def memory_gib():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30, 1)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        virtual = "hypervisor" in f.read()
    return {"kernel": platform.release(), "cpu": cpu_model(), "cpus": os.cpu_count(),
            "memory_gib": memory_gib(), "virtual": virtual, "pinned": False}


def file_name(facts, when):
    """2026-11-23-2cpu-amd-epyc.json: nothing in it names anybody."""
    model = re.sub(r"\(.*?\)|@.*|\b(CPU|Processor|\d+-Core)\b", " ", facts["cpu"])
    words = re.findall(r"[a-z0-9]+", model.lower())[:3]
    return f"{when}-{facts['cpus']}cpu-{'-'.join(words)}.json"


def rounded(sample):
    """A raw sample as it is kept: without its histogram."""
    s = {k: v for k, v in sample.items() if k != "buckets"}
    s["metrics"] = {k: tidy(v) for k, v in s["metrics"].items()}
    s["used"] = {k: tidy(v) if isinstance(v, float) else v for k, v in s["used"].items()}
    return s


def make(bench, plan, runner, began, versions):
    settings = dataclasses.asdict(bench.settings)
    settings.update(disturbed=DISTURBED, margin=MARGIN)
    return {
        "schema": SCHEMA,
        "date": time.strftime("%Y-%m-%d", time.gmtime(began)),
        "seconds": round(time.time() - began),
        "machine": machine(),
        "place": bench.place.facts(),
        "settings": settings,
        "contenders": versions,
        "notes": runner.notes,
        "repeated": runner.repeated,
        "disturbed": tidy(max((s["used"]["disturbed"] for s in runner.samples), default=0.0)),
        "titles": [{"work": c.work, "connections": c.connections, "title": c.title,
                    "kind": w.name} for w, c, _ in plan.steps],
        "rows": rows_of(None, plan.steps, runner.samples),
        "distributions": distributions(runner.samples),
        "samples": [rounded(s) for s in runner.samples],
    }


def save(result, path):
    """Readable by people as well: one row or sample in a line."""
    parts = []
    for key, value in result.items():
        if key in ("rows", "samples", "distributions", "titles") and value:
            lines = ",\n".join("  " + json.dumps(v, separators=(",", ":")) for v in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def load(path):
    with open(path, encoding="utf-8") as f:
        result = json.load(f)
    if result.get("schema") != SCHEMA:
        raise ValueError(f"{path}: not a result of this bench (schema {result.get('schema')})")
    return result


def ranges(result, work, connections, metric):
    """{contender: Range} of one column of one table."""
    return {row["contender"]: Range.from_row(row) for row in result["rows"]
            if (row["work"], row["connections"], row["metric"]) == (work, connections, metric)}
