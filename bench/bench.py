#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py — what shunt costs and gains, beside copying, beside its peers, beside the floor

    place.py       source — relay — sink: three network namespaces, or the loopback
    contenders/    who relays: one file each
    work/          what they are given to do: one file for each kind
    run.py         who is measured when; stage.py: one sample; process.py: its programs
    measure.py     the machine
    stats.py       medians, ranges, and what may be claimed
    result.py      the result as JSON; report.py: as tables; page.py, plot.py: as pictures
    comparing.py   two results side by side
    check.py       does it hold what is wanted of it?

The figures' meaning is in README.md beside this file.
"""
import argparse
import os
import resource
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import check  # noqa: E402
import contenders as all_contenders  # noqa: E402
import page  # noqa: E402
import place as places  # noqa: E402
import report  # noqa: E402
import result as results  # noqa: E402
import work as all_works  # noqa: E402
from run import Bench, Plan, Progress, Runner, Settings  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = {"rounds": 2, "window": 0.4, "warm": 0.2, "limit": 165.0}
QUICK_CONTENDERS = ("floor", "graft", "splice", "copy-64k", "haproxy", "haproxy-splice", "nginx",
                    "split-splice", "split-copy")


def names(text):
    return [n for n in text.split(",") if n]


def numbers(text):
    return tuple(int(n) for n in names(text))


def arguments(argv):
    p = argparse.ArgumentParser(prog="bench.py", description="What shunt costs and gains.")
    p.add_argument("--quick", action="store_true",
                   help="fewer cases, contenders and samples: under 3 minutes")
    p.add_argument("--work", type=names, metavar="NAME,...", help="only these kinds of work")
    p.add_argument("--contenders", type=names, metavar="NAME,...", help="only these")
    p.add_argument("--connections", type=numbers, default=(), metavar="N,...",
                   help="only cases with so many")
    p.add_argument("--repeat", type=int, metavar="N", help="samples of each")
    p.add_argument("--window", type=float, metavar="SECONDS",
                   help="how long one sample is measured")
    p.add_argument("--once", action="store_true",
                   help="no sample is taken again because others used the machine meanwhile")
    p.add_argument("--how", choices=("sendfile", "write"), default="sendfile",
                   help="how the source sends")
    p.add_argument("--json", metavar="FILE", help="write the result there, not to bench/results")
    p.add_argument("--page", metavar="DIRECTORY", help="make the page with pictures there")
    p.add_argument("--check", action="store_true",
                   help="say what of the wanted is reached; exit 1 if not all")
    p.add_argument("--loopback", action="store_true", help="no namespaces, even as root")
    p.add_argument("--list", action="store_true", help="kinds of work and contenders")
    p.add_argument("--plan", action="store_true",
                   help="what would be measured, and how long it would take")
    p.add_argument("--shunt", metavar="PROGRAM",
                   default=os.path.join(places.ROOT, "build", "shunt"))
    return p.parse_args(argv)


def die(text):
    sys.exit(f"bench: {text}")


def check_names(what, asked, known):
    for name in asked or ():
        if name not in known:
            die(f"there is no {what} {name}; there are {', '.join(known)}")


def settings_of(args):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    s = Settings(quick=args.quick, once=args.once, how=args.how, connections=args.connections,
                 files=min(hard, 1 << 20), **(QUICK if args.quick else {}))
    if args.repeat:
        s.limit *= max(1.0, args.repeat / s.rounds)
        s.rounds, s.repeat = max(1, args.repeat), True
    if args.window:
        s.window, s.limit = args.window, s.limit * max(1.0, args.window / s.window)
    return s


def those_here(bench, chosen, everyone):
    """Contenders that can take part; a word about those that cannot."""
    here = {}
    for name, c in everyone.items():
        if chosen and name not in chosen:
            continue
        why_not = c.missing(bench)
        if not why_not:
            here[name] = c
        elif chosen or not c.extra:
            print(f"bench: without {c.label}: {why_not}", file=sys.stderr)
    return here


def possible(bench, works):
    """Kinds of work that can be done here; a word about those that cannot."""
    for work in works:
        why_not = work.impossible(bench.place)
        if why_not:
            print(f"bench: without {work.name}: {why_not}", file=sys.stderr)
        else:
            yield work


def minutes(seconds):
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


def show_plan(plan, settings):
    for name, samples, seconds in plan.kinds():
        print(f"{name:16}{samples:4} samples  {minutes(seconds):>5} min")
    print(f"{'all of it':16}{plan.samples():4} samples  {minutes(plan.seconds()):>5} min, at most "
          f"{minutes(settings.limit)}")


def show_list():
    print("work:")
    for name, w in all_works.load().items():
        print(f"  {name:16}{w.summary()}")
    print("contenders:")
    for name, c in all_contenders.load().items():
        print(f"  {name:16}{c.label}: {c.settings()}"
              + (" (only where units are compared)" if c.extra else ""))


def run(args, works, everyone):
    settings = settings_of(args)
    place = places.choose(args.loopback)
    try:
        if place.why_not:
            print(f"bench: on the loopback, not in namespaces ({place.why_not}): no floor, so no "
                  "cost over it; congestion control is the host's", file=sys.stderr)
        bench = Bench(args.shunt, place, settings)
        chosen = args.contenders or (list(QUICK_CONTENDERS) if args.quick else None)
        here = those_here(bench, chosen, everyone)
        plan = Plan(list(possible(bench, works)), here, args.contenders, settings)
        if not plan.steps:
            die("nothing to do: no case has so many connections, or nobody is here for it")
        if args.plan:
            return show_plan(plan, settings)
        print(f"bench: {plan.samples()} samples, about {minutes(plan.seconds())} min",
              file=sys.stderr)
        began = time.time()
        runner = Runner(bench, plan, Progress(plan))
        runner.all()
        facts = {n: {"label": c.label, "version": c.version(bench), "settings": c.settings(),
                     "extra": c.extra} for n, c in here.items()}
        return results.make(bench, plan, runner, began, facts)
    finally:
        place.remove()


def keep(args, result):
    """Where it was asked for; of a whole run, in bench/results."""
    whole = not (args.work or args.contenders or args.connections or args.quick)
    name = os.path.join(HERE, "results", results.file_name(result["machine"], result["date"]))
    to, pictures = args.json, args.page
    if whole and not to:
        to, pictures = name, pictures or name.removesuffix(".json")
    try:
        if to:
            os.makedirs(os.path.dirname(os.path.abspath(to)), exist_ok=True)
            results.save(result, to)
            print(f"the result: {os.path.relpath(to)}")
        if pictures:
            print("the page: " + os.path.relpath(page.make(result, pictures)))
    except OSError as e:
        die(f"the result could not be kept: {e}")


def main(argv):
    args = arguments(argv)
    everyone, works = all_contenders.load(), all_works.load()
    if args.list:
        return show_list()
    check_names("contender", args.contenders, everyone)
    check_names("work", args.work, works)
    if not os.access(args.shunt, os.X_OK):
        die(f"no program at {args.shunt}: build it (make build), or name it by --shunt")
    args.shunt = os.path.abspath(args.shunt)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        chosen = [w for n, w in works.items() if not args.work or n in args.work]
        result = run(args, chosen, everyone)
    except KeyboardInterrupt:
        return 130
    if args.plan:
        return 0
    report.show(result, sys.stdout)
    keep(args, result)
    return check.show(result, sys.stdout) if args.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
