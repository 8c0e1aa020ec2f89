# SPDX-License-Identifier: BSD-2-Clause
"""check.py — what is wanted of shunt, beside a result: a line for each wish, PASS or MISS, with
its figures

What is wanted of the relay by itself is asked of splice; of "auto", which is what runs without any
option, beside it; what is wanted of grafts, of "graft".

"No more than" and "no worse than" mean: within the noise that the run shows, that is, unless the
tables would rank the other one before it (stats.py). Factors ("a quarter of", "2.5 times") are of
medians.
"""
from report import figure
from result import ranges
from stats import margin

PEERS = ("haproxy", "haproxy-splice", "nginx", "nginx-256k")
US = "splice"
UNASKED = "auto"
GRAFT = "graft"
SPLIT, FANOUT_FROM = "split-splice", 10  # subscribers
NEAR_US = 10   # so near forwarding's shall a graft's median round trip be, of one connection;
NEAR = 1.1     # and so many times forwarding's, where many queue for the CPUs
THIN = 0.2     # of what the best relay with sockets costs
GRAFTS_OF = (1, 8, 200)  # connections


class Line:
    def __init__(self, verdict, text):
        self.verdict, self.text = verdict, text

    def __str__(self):
        return f"{self.verdict:4}  {self.text}"


def told(r, unit, digits=1):
    return f"{figure(r, digits)} {unit}"


def not_worse(us, them, more_is_better):
    """The other one is not surely better. Of a single sample nothing is sure: the margin of the tables
    stands for its noise."""
    slack = margin(us, them)
    if more_is_better:
        return us.max + slack >= them.min
    return us.min <= them.max + slack


def against(what, of, other, unit, more_is_better=False, who=US):
    """Is it no worse than another one?"""
    us, them = of.get(who), of.get(other)
    if not us or not them:
        return Line("----", f"{what}, beside {other}: not measured")
    verdict = "PASS" if not_worse(us, them, more_is_better) else "MISS"
    return Line(verdict, f"{what}: {told(us, unit)}; {other} {told(them, unit)}")


def times(what, of, other, unit, factor, at_most, who=US):
    """Is it at most, or at least, so many times the other's?"""
    us, them = of.get(who), of.get(other)
    if not us or not them:
        return Line("----", f"{what}, beside {other}: not measured")
    limit = factor * them.median
    good = us.median <= limit if at_most else us.median >= limit
    ratio = us.median / them.median if them.median else float("inf")
    return Line("PASS" if good else "MISS",
                f"{what}: {told(us, unit)} is {ratio:.2f} times {other}'s {told(them, unit)}, "
                f"{'at most' if at_most else 'at least'} {factor:g} is wanted")


def near(what, of, other, unit, most, who):
    """Is it no more than so much above the other's?"""
    us, them = of.get(who), of.get(other)
    if not us or not them:
        return Line("----", f"{what}, beside {other}: not measured")
    return Line("PASS" if us.median <= them.median + most else "MISS",
                f"{what}: {told(us, unit)}; {other} {told(them, unit)}, at most {most:g} {unit} "
                "more is wanted")


def best(of, names, nobody="a peer"):
    here = [p for p in names if p in of]
    return min(here, key=lambda p: of[p].median) if here else nobody


def titles(result, kind):
    return [(t["work"], t["connections"], t["title"]) for t in result["titles"]
            if t["kind"] == kind]


def of_relay(result):
    for work, n, _ in titles(result, "relay"):
        cost = ranges(result, work, n, "busy_ms_per_gb")
        rate = ranges(result, work, n, "gbit_per_s")
        yield against(f"cost over the floor, n={n}", cost, "haproxy-splice", "ms/GB")
        yield times(f"cost over the floor, n={n}", cost, "copy-64k", "ms/GB", 0.25, True)
        for peer in ("haproxy", "nginx"):
            yield times(f"throughput, n={n}", rate, peer, "Gb/s", 2.5, False)


def of_auto(result):
    """What people get who ask for nothing."""
    for work, n, _ in titles(result, "relay"):
        yield against(f"cost over the floor without any option, n={n}",
                      ranges(result, work, n, "busy_ms_per_gb"), "haproxy-splice", "ms/GB",
                      who=UNASKED)
    for work, n, title in titles(result, "thin"):
        of = ranges(result, work, n, "busy_ms_per_gb")
        yield against(f"thin streams without any option, {title}, n={n}", of, best(of, PEERS),
                      "ms/GB", who=UNASKED)


def of_latency(result):
    for work, n, title in titles(result, "latency"):
        for metric in ("p50_us", "p99_us"):
            of = ranges(result, work, n, metric)
            yield against(f"{title}, n={n}, {metric[:3]}", of, "haproxy", "us")


def of_thin(result):
    for work, n, title in titles(result, "thin"):
        of = ranges(result, work, n, "busy_ms_per_gb")
        yield against(f"thin streams, {title}, n={n}", of, best(of, PEERS), "ms/GB")


def of_connect(result):
    for work, n, title in titles(result, "connect"):
        of = ranges(result, work, n, "conns_per_s")
        yield against(f"{title}, {n} at a time", of, "haproxy", "1/s", more_is_better=True)


def of_memory(result):
    for work, n, _ in titles(result, "memory"):
        for metric, text in (("kib_per_conn_user", "user"), ("kib_per_conn_kernel", "kernel")):
            of = ranges(result, work, n, metric)
            yield against(f"{text} memory of an idle connection", of, "haproxy", "KiB")


def of_grafts(result):
    """Beside forwarding: that is what the kernel could do without any relay."""
    for work, n, _ in titles(result, "relay"):
        if n in GRAFTS_OF:
            yield against(f"cost of a graft, whole machine, n={n}",
                          ranges(result, work, n, "busy_ms_per_gb_total"), "floor", "ms/GB",
                          who=GRAFT)
    for work, n, title in titles(result, "latency"):
        if not work.endswith("-bulk"):
            what, of = f"a graft's {title}, n={n}, p50", ranges(result, work, n, "p50_us")
            yield (near(what, of, "floor", "us", NEAR_US, GRAFT) if n == 1 else
                   times(what, of, "floor", "us", NEAR, True, GRAFT))
    for work, n, title in titles(result, "thin"):
        of = ranges(result, work, n, "busy_ms_per_gb")
        yield times(f"thin streams by grafts, {title}, n={n}", of,
                    best(of, (US, *PEERS), "a relay with sockets"), "ms/GB", THIN, True, GRAFT)


def of_fanout(result):
    """One stream, many subscribers: by reference beside copies of the same size, and beside Icecast."""
    for work, n, title in titles(result, "fanout"):
        of = ranges(result, work, n, "busy_ms_per_gb_total")
        if n >= FANOUT_FROM and work == "fanout":
            yield times(f"fan-out, {title}, n={n}", of, "split-copy", "ms/GB", 0.7, True, SPLIT)
        if n >= FANOUT_FROM and work == "fanout-paced":
            yield times(f"fan-out, {title}, n={n}", of, "icecast", "ms/GB", 0.5, True, SPLIT)


def lines(result):
    for part in (of_relay, of_latency, of_thin, of_connect, of_memory, of_auto, of_grafts, of_fanout):
        yield from part(result)


def show(result, out):
    """Prints them; 1 if any is missed."""
    all_lines = list(lines(result))
    print(file=out)
    for line in all_lines:
        print(line, file=out)
    missed = sum(line.verdict == "MISS" for line in all_lines)
    unknown = sum(line.verdict == "----" for line in all_lines)
    print(f"{len(all_lines) - missed - unknown} reached, {missed} missed, {unknown} not measured",
          file=out)
    return 1 if missed else 0
