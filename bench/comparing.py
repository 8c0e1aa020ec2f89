# SPDX-License-Identifier: BSD-2-Clause
"""comparing.py — two results side by side: what changed, beside the noise, and which rankings
changed

A change is told in per cent of the first result; noise is half the range of the samples, the
larger one of both. Of a cost over the floor both are in per cent of the whole machine's cost,
which is what was measured: a cost near zero would else change by any amount. `*` marks what lies
outside of both ranges and of the margin.
"""
import argparse
import sys

import report
import result as results
from stats import Range, claims, surely_less


def key(row):
    return row["work"], row["connections"], row["metric"], row["contender"]


def pairs(a, b):
    """[(key, unit, Range, Range)] of all rows that are in both, in the order of the first."""
    theirs = {key(row): row for row in b["rows"]}
    for row in a["rows"]:
        if key(row) in theirs:
            yield key(row), row["unit"], Range.from_row(row), Range.from_row(theirs[key(row)])


def change(a, b):
    """(change, noise, is it one), the first two in parts of a, or of what a's margin is of."""
    scale = a.of or abs(a.median)
    if not scale:
        return 0.0, 0.0, False
    return ((b.median - a.median) / scale, max(a.spread(), b.spread()),
            surely_less(a, b) or surely_less(b, a))


def tables(a, b):
    """{(work, connections, metric): {contender: (unit, Range, Range)}}"""
    found = {}
    for (work, n, metric, who), unit, ra, rb in pairs(a, b):
        found.setdefault((work, n, metric), {})[who] = (unit, ra, rb)
    return found


def lines_of(name, of, labels):
    work, n, metric = name
    unit = next(iter(of.values()))[0]
    lines = [["", f"{work}, n={n}, {metric}", f"before, {unit}", f"after, {unit}", "change",
              "noise"]]
    for who, (_, ra, rb) in of.items():
        part, noise, real = change(ra, rb)
        digits = 2 if max(abs(ra.median), abs(rb.median)) < 20 else 0
        lines.append(["*" if real else "", labels.get(who, who), report.figure(ra, digits),
                      report.figure(rb, digits), f"{100 * part:+.1f} %", f"±{100 * noise:.1f} %"])
    return report.aligned(lines)


def rankings(a, b, metrics):
    """What one result claims and the other contradicts, or no longer claims:
    [(kind, table, better, worse)]."""
    for name, of in tables(a, b).items():
        if name[2] not in metrics:
            continue
        more = metrics[name[2]].more_is_better
        ca = claims({w: r[1] for w, r in of.items()}, more)
        cb = claims({w: r[2] for w, r in of.items()}, more)
        for winner, loser in sorted(ca):
            if (loser, winner) in cb:
                yield "turned", name, winner, loser
            elif (winner, loser) not in cb:
                yield "lost", name, winner, loser
        for winner, loser in sorted(cb - ca):
            if (loser, winner) not in ca:
                yield "new", name, winner, loser


def all_metrics():
    return {name: m for w in report.all_works.load().values() for name, m in w.metrics.items()
            if m.ranked}


TEXT = {
    "turned": "{0}: before, {1} was better than {2}; now it is worse",
    "lost": "{0}: {1} was better than {2}; now they cannot be told apart",
    "new": "{0}: {1} is better than {2}; before, they could not be told apart",
}


def show(a, b, out, every=False):
    """1 if a ranking turned round."""
    labels = {**report.labels_of(a), **report.labels_of(b)}
    metrics = all_metrics()
    for path in ("machine", "place"):
        for field in a[path]:
            if a[path][field] != b[path].get(field):
                print(f"not the same {field}: {a[path][field]}; {b[path].get(field)}", file=out)
    for name, of in tables(a, b).items():
        if every or name[2] in metrics:
            print(file=out)
            for line in lines_of(name, of, labels):
                print(line, file=out)
    changed = list(rankings(a, b, metrics))
    print(file=out)
    for kind, (work, n, metric), winner, loser in changed:
        where = f"{work}, n={n}, {metric}"
        print(TEXT[kind].format(where, labels.get(winner, winner), labels.get(loser, loser)),
              file=out)
    turned = sum(c[0] == "turned" for c in changed)
    lost = sum(c[0] == "lost" for c in changed)
    new = len(changed) - turned - lost
    print(f"rankings: {turned} turned round, {lost} no longer claimed, {new} new", file=out)
    return 1 if turned else 0


def main(argv):
    p = argparse.ArgumentParser(prog="compare",
                                description="Two results of make bench side by side.")
    p.add_argument("before")
    p.add_argument("after")
    p.add_argument("--every", action="store_true",
                   help="all metrics, not only those that are ranked")
    args = p.parse_args(argv)
    try:
        a, b = results.load(args.before), results.load(args.after)
    except (OSError, ValueError) as e:
        sys.exit(f"compare: {e}")
    return show(a, b, sys.stdout, args.every)
