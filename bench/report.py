# SPDX-License-Identifier: BSD-2-Clause
"""report.py — the tables on the terminal: one for each case, a line for each contender, best first

A figure is the median of its samples, the smallest and the largest stand behind it. `#` is the
rank by the first ranked column; `=` behind it says that one before or after it cannot be told
apart from it in this run.
"""
import contenders as all_contenders
import work as all_works
from result import ranges
from stats import ranks

ALMOST = 0.9  # of all connections


def number(x, digits):
    if digits and abs(x) >= 1000:
        digits = 0
    text = f"{x:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def figure(r, digits):
    if r is None:
        return ""
    if r.min == r.max:
        return number(r.median, digits)
    return f"{number(r.median, digits)} ({number(r.min, digits)}…{number(r.max, digits)})"


def columns(work, result, title):
    """[(name, Metric, {contender: Range})] of what was measured."""
    found = []
    for name, metric in work.metrics.items():
        of = ranges(result, title["work"], title["connections"], name)
        if of:
            found.append((name, metric, of))
    return found


def head(columns_):
    """The ranks, by the first ranked column; without any, by nothing."""
    for _, metric, of in columns_:
        if metric.ranked:
            return ranks(of, metric.more_is_better), of, metric
    return {}, {}, None


def table(work, result, title, labels):
    """Lines of one table."""
    cols = columns(work, result, title)
    rank, by, metric = head(cols)
    sign = -1 if metric and metric.more_is_better else 1
    names = sorted({c for _, _, of in cols for c in of},
                   key=lambda c: sign * by[c].median if c in by else float("-inf"))
    lines = [["#", title["title"] + f", {title['connections']:,} connection"
              + ("s" if title["connections"] > 1 else ""),
              *(f"{m.label}, {m.unit}" if m.unit != "1" else m.label for _, m, _ in cols)]]
    for name in names:
        place = f"{rank[name][0]}{'=' if rank[name][1] else ' '}" if name in rank else ""
        lines.append([place, labels.get(name, name),
                      *(figure(of.get(name), m.digits) for _, m, of in cols)])
    return aligned(lines)


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    out = []
    for line in lines:
        cells = [cell.ljust(w) if i == 1 else cell.rjust(w)
                 for i, (cell, w) in enumerate(zip(line, widths))]
        out.append("  ".join(cells).rstrip())
    out.insert(1, "-" * max(len(line) for line in out))
    return out


def work_of(name):
    return all_works.load()[name]


def labels_of(result):
    known = {name: c.label for name, c in all_contenders.load().items()}
    return {**known, **{name: facts["label"] for name, facts in result["contenders"].items()}}


def head_lines(result):
    m, p, s = result["machine"], result["place"], result["settings"]
    yield (f"{result['date']}, Linux {m['kernel']}, {m['cpus']} x {m['cpu']}"
           + (" (virtual)" if m["virtual"] else "") + f", {m['memory_gib']} GiB")
    yield f"{p['kind']}: {p['wires']}; {p['congestion']}; {p['hosts']}; not pinned"
    yield (f"{s['rounds']} samples of each in turn, {s['window']:g} s after {s['warm']:g} s of "
           f"warm-up; the source sends by {s['how']}; median (min…max)")
    versions = {}
    for facts in result["contenders"].values():
        if facts.get("version"):
            versions.setdefault(facts["version"], facts["label"].split(",")[0])
    yield ", ".join(f"{label} {version}" for version, label in versions.items())


def foot_lines(result):
    if result["disturbed"] > result["settings"]["disturbed"]:
        yield (f"others used up to {100 * result['disturbed']:.0f} % of the machine during a "
               f"sample, although {result['repeated']} were repeated: distrust what is wide")
    elif result["repeated"]:
        yield (f"{result['repeated']} samples were repeated, because others used the machine "
               "meanwhile")
    yield from not_all_grafts(result)
    yield from result["notes"]


def not_all_grafts(result):
    """Where a contender was to hand all connections over, and could not."""
    fewest = {}
    for s in result["samples"]:
        if "settled_s" in s["raw"]:
            key = (s["work"], s["connections"])
            fewest[key] = min(fewest.get(key, s["connections"]), s["raw"]["grafted"])
    for (work, n), grafted in fewest.items():
        if grafted < ALMOST * n:
            yield f"{work} n={n}: of {n:,} connections no more than {grafted:,} were grafts in a sample"


def show(result, out):
    labels = labels_of(result)
    for line in head_lines(result):
        print(line, file=out)
    for title in result["titles"]:
        if any(r["work"] == title["work"] and r["connections"] == title["connections"]
               for r in result["rows"]):
            print(file=out)
            for line in table(work_of(title["kind"]), result, title, labels):
                print(line, file=out)
    print(file=out)
    for line in foot_lines(result):
        print(line, file=out)
