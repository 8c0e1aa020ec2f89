# SPDX-License-Identifier: BSD-2-Clause
"""plot.py — pictures of a result, by gnuplot: each as SVG and as PNG

Whoever sees one has not read the code: every axis says what it is and in which unit, bars carry
their figure, whiskers are the smallest and the largest sample. A contender has the same colour in
all of them: shunt's are green where the kernel moves the bytes and grey where it copies, peers are
of other colours.
"""
import math
import os
import subprocess

from result import ranges

COLOURS = {
    "floor": "#222222", "graft": "#7ac943", "auto": "#12b886",
    "splice": "#0a7d33", "splice-16k": "#0a7d33", "splice-64k": "#0a7d33", "splice-256k": "#0a7d33",
    "copy-16k": "#d0d0d0", "copy-64k": "#b4b4b4", "copy-256k": "#949494", "copy-1m": "#747474",
    "haproxy-splice": "#e8a33d", "haproxy": "#c4501b", "nginx": "#2a5fa5", "nginx-256k": "#86b1e0",
    "socat": "#8a4fa0",
    "split-splice": "#0a7d33", "split-copy": "#949494", "icecast": "#c4501b",
}
OTHERS = ("#c02060", "#20a0a0", "#808000", "#a06040")
FONT = "DejaVu Sans"
FAR = 1.5  # times as high as all others, if they are
MANY = 5   # or more: such a bar is cut off


def colour(name, all_names):
    return COLOURS.get(name) or OTHERS[list(all_names).index(name) % len(OTHERS)]


def quoted(text):
    return ('"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("_", "\\\\_")
            .replace("\n", "\\n") + '"')


def block(name, lines):
    return [f"${name} << EOD", *lines, "EOD"]


def draw(script, directory, name, width=1100, height=560):
    """The same script twice. Returns the name, or None without gnuplot."""
    for kind, terminal in (
            ("svg", f'svg size {width},{height} dynamic font "{FONT},14" background "#ffffff"'),
            ("png", f'pngcairo size {width},{height} font "{FONT},11" background "#ffffff"')):
        text = "\n".join([f"set terminal {terminal}", f"set output '{directory}/{name}.{kind}'",
                          *script, ""])
        done = subprocess.run(["gnuplot"], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"gnuplot: {done.stderr.strip()[:400]}")
    return name


STYLE = [
    "set encoding utf8", "set border 3 lc rgb '#555555'", "set tics nomirror out scale 0.5",
    "set grid ytics lc rgb '#e4e4e4' lw 1 lt 1",
    "set key outside right top Left reverse samplen 1 spacing 1.2",
    "set style fill solid 1 noborder", "set pointintervalbox 0",
]


def far_above(c, found, names):
    """Is it so, wherever it takes part? It would leave the others no room."""
    groups = [(of[c].median, [of[o].median for o in names if o in of and o != c])
              for _, of in found if c in of]
    return all(len(others) >= MANY and mine > FAR * max(others) for mine, others in groups)


def top_of(found, names):
    """The largest sample of those that are not far above all others."""
    near = [c for c in names if not far_above(c, found, names)]
    return max(of[c].max for _, of in found for c in near or names if c in of)


def bar(x, r, highest, digits):
    """A line of data: where, median, whisker, place of the figure, figure. A bar that is cut off says so."""
    cut = r.median > highest
    most = min(r.max, highest)
    return (f"{x} {min(r.median, highest)} {min(r.min, most)} {most} {max(0, most)} "
            f"{r.median:.{digits}f}{'↑' if cut else ''}")


def bars(result, groups, metric, y_label, title, labels, skip=("floor",)):
    """Bars in groups, [(work, connections, text below)]; None if there is nothing to be shown."""
    found = [(text, ranges(result, work, n, metric)) for work, n, text in groups]
    found = [(text, of) for text, of in found if any(c not in skip for c in of)]
    names = ordered({c for _, of in found for c in of if c not in skip}, result)
    if not found or not names:
        return None
    script, plots, ticks = [], [], []
    highest = top_of(found, names)
    lowest = min([0.0] + [r.min for _, of in found for c, r in of.items() if c in names])
    places, at = {}, 0.0
    for g, (text, of) in enumerate(found):
        here = [c for c in names if c in of]
        for c in here:
            places[g, c] = at
            at += 1
        ticks.append(f"{quoted(text)} {at - (len(here) + 1) / 2}")
        at += 1.2
    for i, c in enumerate(names):
        rows = [(places[g, c], of[c]) for g, (_, of) in enumerate(found) if c in of]
        digits = 0 if highest > 30 else 1
        script += block(f"b{i}", [bar(x, r, highest, digits) for x, r in rows])
        plots.append(f"$b{i} using 1:2 with boxes lc rgb '{colour(c, names)}' "
                     f"title {quoted(labels.get(c, c))}")
    for i in range(len(names)):
        plots.append(f"$b{i} using 1:3:(0):($4-$3) with vectors nohead lw 1.5 lc rgb '#333333' "
                     "notitle")
        plots.append(f"$b{i} using 1:5:6 with labels rotate by 90 left offset 0,0.5 font ',9' "
                     "notitle")
    script += [*STYLE, f"set title {quoted(title)}", f"set ylabel {quoted(y_label)}",
               "set boxwidth 0.86", f"set xrange [-1:{at - 1.2}]",
               f"set yrange [{lowest * 1.15}:{highest * 1.18}]",
               f"set bmargin {2.5 + 1.5 * max(text.count(chr(10)) for text, _ in found)}",
               f"set xtics ({', '.join(ticks)}) scale 0", "set xzeroaxis lt 1 lc rgb '#555555'",
               "plot " + ", \\\n  ".join(plots)]
    return script


def ordered(names, result):
    """As the contenders stand in the result."""
    known = list(result["contenders"])
    return sorted(names, key=lambda c: known.index(c) if c in known else len(known))


# -- latency --

SHARES = (0, 50, 90, 99, 99.9)
LAST = 3.3   # on that axis: 99.95
ROW = 265    # pixels


def nines(percent):
    """90 is at 1, 99 at 2, 99.9 at 3."""
    return -math.log10(max(1e-5, 1 - percent / 100))


def time_ticks():
    """10 us, 20 us, 50 us, … 1 s."""
    for exponent in range(7):
        for digit in (1, 2, 5):
            us = digit * 10 ** exponent
            if us < 1000:
                yield f"'{us} us' {us}"
            else:
                yield f"'{us // 1000} ms' {us}" if us < 10 ** 6 else f"'{us // 10 ** 6} s' {us}"


def curve(buckets):
    """[(place on the axis, us)]; it ends where fewer than ten samples are left."""
    whole = sum(c for _, c in buckets)
    seen, points = 0, []
    for top, count in buckets:
        points.append((nines(100 * seen / whole), top))
        seen += count
        if whole - seen < 10:
            break
    return [p for p in points if p[0] <= LAST] or [(0, 1)]


def panel(p, of, title, names, labels, last_row):
    """One of the multiplot's."""
    curves = {c: curve(of[c]) for c in names if c in of}
    script, plots = [], []
    for i, (c, points) in enumerate(curves.items()):
        script += block(f"l{p}_{i}", [f"{x} {y}" for x, y in points])
        look = {"splice": "lw 3.5", "graft": "lw 3.5", "floor": "lw 2 dt 2"}.get(c, "lw 2")
        plots.append(f"$l{p}_{i} using 1:2 with lines {look} lc rgb '{colour(c, names)}' "
                     f"title {quoted(labels.get(c, c))}")
    every = [y for points in curves.values() for _, y in points]
    below = "'of 100 round trips, so many are faster'" if last_row else "''"
    key = "set key at screen 0.775,screen 0.93 left top Left reverse samplen 1.5 spacing 1.3"
    return script + [f"set title {quoted(title)}", f"set xlabel {below}",
                     f"set yrange [{min(every) / 1.2}:{max(every) * 1.3}]",
                     key if p == 0 else "unset key", "plot " + ", \\\n  ".join(plots)]


def latency(result, cases, labels):
    """A panel for each [(work, connections, title)]: (script, height). Each has a scale of its own."""
    panels = []
    for work, n, title in cases:
        of = {d["contender"]: d["buckets"] for d in result["distributions"]
              if (d["work"], d["connections"]) == (work, n)}
        if of:
            panels.append((title, of))
    if not panels:
        return None, 0
    names = ordered({c for _, of in panels for c in of}, result)
    down = math.ceil(len(panels) / 2)
    height = ROW * down + 110
    script = [*STYLE, "set logscale y", f"set xrange [0:{LAST}]",
              "set xtics (" + ", ".join(f"'{p:g}' {nines(p)}" for p in SHARES) + ")",
              "set ytics (" + ", ".join(time_ticks()) + ")",
              f"set multiplot layout {down},2 margins 0.06,0.76,{60 / height},{1 - 80 / height} "
              "title 'Round trips through a relay (lower is better; "
              "each panel has a scale of its own)' "
              f"spacing 0.07,{75 / height}"]
    for p, (title, of) in enumerate(panels):
        script += panel(p, of, title, names, labels, p >= len(panels) - 2)
    return [*script, "unset multiplot"], height


# -- units --

UNITS = ((16, "16K"), (64, "64K"), (256, "256K"), (1024, "1M"))
LEVELS = ("haproxy", "haproxy-splice", "nginx")


def unit_points(of, engine):
    """[(KiB, Range)]: what has no unit in its name splices by 1M."""
    for kib, text in UNITS:
        r = of.get(f"{engine}-{text.lower()}")
        if not r and (engine, kib) == ("splice", 1024):
            r = of.get("splice")
        if r:
            yield kib, r


def units(result, work, n, metric, y_label, title, labels):
    """Cost against unit size, and the peers as lines across; None if there are no such points."""
    of = ranges(result, work, n, metric)
    script, plots, ends = [], [], [0.0]
    for engine, name in (("splice", "splice"), ("copy", "copy-1m")):
        points = list(unit_points(of, engine))
        if len(points) < 2:
            return None
        ends += [x for _, r in points for x in (r.min, r.max)]
        script += block(engine, [f"{kib} {r.median} {r.min} {r.max}" for kib, r in points])
        look = f"lc rgb '{COLOURS[name]}'"
        plots.append(f"${engine} using 1:2 with linespoints lw 3 pt 7 ps 1 {look} "
                     f"title {quoted('shunt, ' + engine)}")
        plots.append(f"${engine} using 1:3:(0):($4-$3) with vectors nohead lw 1.5 {look} notitle")
    for c in LEVELS:
        if c in of:
            plots.append(f"{of[c].median} with lines dt 2 lw 2 lc rgb '{COLOURS[c]}' "
                         f"title {quoted(labels.get(c, c))}")
            ends.append(of[c].median)
    return [*script, *STYLE, "set logscale x 2", "set xrange [11:1500]",
            f"set yrange [{min(ends) - 0.05 * max(ends)}:{max(ends) * 1.1}]",
            "set xzeroaxis lt 1 lc rgb '#555555'",
            f"set title {quoted(title)}", f"set ylabel {quoted(y_label)}",
            "set xlabel 'bytes moved at a time (size of the pipe, or of the buffer)'",
            "set xtics (" + ", ".join(f"'{t}' {k}" for k, t in UNITS) + ")",
            "plot " + ", \\\n  ".join(plots)]


def possible():
    path = os.environ.get("PATH", "").split(":")
    return any(os.access(os.path.join(d, "gnuplot"), os.X_OK) for d in path)
