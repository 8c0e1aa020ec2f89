#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""page.py RESULT.json DIRECTORY: a page with pictures and tables, to be read by somebody who has
not read the code"""
import html
import os
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import plot  # noqa: E402
import report  # noqa: E402
import result as results  # noqa: E402

STYLE = """body { font: 16px/1.5 "DejaVu Sans", sans-serif; color: #222 }
body { max-width: 70em; margin: 2em auto; padding: 0 1em }
img { width: 100%; max-width: 1100px }
pre { font-size: 12px; overflow-x: auto; background: #f6f6f6; padding: 1em }
h2 { margin-top: 2em } p { max-width: 46em }"""

COST = """What one relay adds to the machine's work for each gigabyte, in milliseconds of CPU:
the busy time of all CPUs while bytes flow, less the same for plain IP forwarding through the
same wires, which no relay can do without. Lower is better; whiskers show the smallest and the
largest sample. Where they overlap, there is no difference to speak of. Below zero, source, relay and
sink together worked less than source and sink do over plain forwarding. An arrow stands on a bar that
is cut off."""
TOTAL = """What the machine works for each gigabyte, in milliseconds of CPU: source, relay and
sink together, since on the loopback there is no forwarding to compare with. Lower is better;
whiskers show the smallest and the largest sample."""
RATE = """How fast bytes go when source, relay and sink share this machine's CPUs: what the
relay does not use, the others can. Higher is better. It is no statement about networks."""
THIN = """Many streams that each bring a little, often: the machine is mostly idle, and pays
for waking up. Lower is better."""
SIZES = """The same for packets of the size that comes out of a network card: where nobody makes large
ones of them, a relay with sockets does that for whoever comes behind it, and forwarding cannot."""
SHORT = """Connections that bring one answer and end: what each costs, over plain forwarding. A relay
has two to make and to end for each of them; moving the bytes comes on top."""
FANOUT = """One stream goes to many subscribers: what the machine works for each gigabyte that arrives
at one of them. Lower is better."""
LATENCY = """How long a small message takes through the relay and back, from the fastest round
trip (left) to the slowest ones (right): the line at 99 says what 99 of 100 are faster than.
Lower is better. Note both scales."""
UNITS = """How much of the cost comes from moving bytes in small pieces, and how much from
copying them."""
MEMORY = """What a connection takes that does nothing: the relay's own memory, and the
kernel's for it."""


def connections(n):
    return f"{n:,} connection" + ("s" if n > 1 else "")


def groups(result, kind, with_title=False):
    return [(t["work"], t["connections"],
             connections(t["connections"]) + (f", {t['title']}" if with_title else ""))
            for t in result["titles"] if t["kind"] == kind]


def by_title(result, kind):
    """Cases that have the same number of connections."""
    return [(t["work"], t["connections"],
             t["title"].removeprefix("short connections, ").replace("answers of ", "")
             .replace(" bytes, ", " bytes,\n"))
            for t in result["titles"] if t["kind"] == kind]


def subscribers(result):
    """Bulk first, then paced: those that were asked for the same stand together."""
    names = {"fanout": "full speed", "fanout-paced": "64 MB/s\nin all"}
    cases = [(t["work"], t["connections"]) for t in result["titles"] if t["work"] in names]
    return [(work, n, f"to {n},\n{names[work]}") for work, n in sorted(cases)]


def by_packets(result):
    """(a result of those alone who were given small packets, its groups): large ones are what `relay` has."""
    small = by_title(result, "relay-mtu")
    here = {row["contender"] for row in result["rows"] if row["work"] in {w for w, _, _ in small}}
    rows = [row for row in result["rows"] if row["contender"] in here]
    large = [("relay", n, "packets of 64 KB") for _, n, _ in small[:1]]
    return {**result, "rows": rows}, large + small


def pictures(result, directory):
    """[(heading, text, name of the picture)] of all that can be drawn."""
    labels = report.labels_of(result)
    floor = any(r["metric"] == "busy_ms_per_gb" for r in result["rows"])
    cost = "busy_ms_per_gb" if floor else "busy_ms_per_gb_total"
    y = "ms of CPU per GB" + (", over the floor" if floor else "")
    relay, thin = groups(result, "relay"), groups(result, "thin", True)
    packets, short = by_packets(result), by_title(result, "connect")
    each = "cost_us_per_conn" if floor else "busy_us_per_conn"
    extra = tuple(name for name, facts in result["contenders"].items() if facts.get("extra"))
    lower = "(lower is better)"
    wanted = [
        ("Cost", COST if floor else TOTAL, "cost",
         plot.bars(result, relay, cost, y, f"What a relay costs {lower}", labels,
                   ("floor", *extra))),
        ("Throughput", RATE, "throughput",
         plot.bars(result, relay, "gbit_per_s", "Gb/s",
                   "Throughput on one machine (higher is better)", labels, extra)),
        ("Thin streams", THIN, "thin",
         plot.bars(result, thin, cost, y, f"Thin streams: what a relay costs {lower}", labels)),
        ("Size of packets", SIZES, "packets",
         plot.bars(*packets, cost, y, f"What a relay costs, 8 connections {lower}", labels)),
        ("Short connections", SHORT, "connect",
         plot.bars(result, short, each, "us of CPU each" + (", over the floor" if floor else ""),
                   f"What a short connection costs, by the size of its answer {lower}", labels)),
        ("Unit size", UNITS, "units",
         plot.units(result, "relay", 8, cost, y, f"Cost against unit size, 8 connections {lower}",
                    labels)),
        ("Memory", MEMORY, "memory", memory(result, labels)),
        ("Fan-out", FANOUT, "fanout",
         plot.bars(result, subscribers(result), "busy_ms_per_gb_total",
                   "ms of CPU per GB delivered", f"One stream to many {lower}", labels)),
    ]
    drawn = [(h, t, plot.draw(script, directory, name)) for h, t, name, script in wanted if script]
    script, height = plot.latency(result, [(w, n, t) for w, n, t in latency_cases(result)], labels)
    if script:
        drawn.append(("Latency", LATENCY, plot.draw(script, directory, "latency", height=height)))
    return drawn


def latency_cases(result):
    for t in result["titles"]:
        if t["kind"] == "latency":
            size, _, beside = t["title"].removeprefix("round trips of ").partition(", ")
            words = [size, connections(t["connections"]), *([beside] if beside else [])]
            yield t["work"], t["connections"], ", ".join(words)


def memory(result, labels):
    """User and kernel memory beside each other."""
    copy = {**result, "rows": []}
    cases = []
    for metric, text in (("kib_per_conn_user", "the relay's own"),
                         ("kib_per_conn_kernel", "the kernel's")):
        for row in result["rows"]:
            if row["metric"] == metric:
                copy["rows"].append({**row, "work": metric, "metric": "kib"})
                cases.append((metric, row["connections"], text))
    return plot.bars(copy, list(dict.fromkeys(cases)), "kib", "KiB per idle connection",
                     "Memory of an idle connection (lower is better)", labels)


def tables(result):
    labels = report.labels_of(result)
    for title in result["titles"]:
        yield "\n".join(report.table(report.work_of(title["kind"]), result, title, labels))


def make(result, directory):
    """Writes index.html and the pictures. Returns the page's path."""
    os.makedirs(directory, exist_ok=True)
    parts = ["<!doctype html><meta charset=utf-8><title>shunt: what it costs</title>",
             f"<style>{STYLE}</style>", "<h1>What shunt costs</h1>",
             "<p>" + "<br>".join(map(html.escape, report.head_lines(result)))]
    drawn = pictures(result, directory) if plot.possible() else []
    if not drawn:
        parts.append("<p>Without gnuplot there are no pictures here.")
    for heading, text, name in drawn:
        parts.append(f'<h2>{heading}</h2><p>{html.escape(text)}')
        parts.append(f'<p><img src="{name}.svg" alt="{heading}">')
    parts.append("<h2>All figures</h2><p>Median (smallest…largest sample). # is the rank; = cannot "
                 "be told apart from one beside it in this run.")
    parts += [f"<pre>{html.escape(t)}</pre>" for t in tables(result)]
    parts.append("<p>" + "<br>".join(map(html.escape, report.foot_lines(result))))
    path = os.path.join(directory, "index.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(parts) + "\n")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: page.py RESULT.json DIRECTORY")
    print(make(results.load(sys.argv[1]), sys.argv[2]))
