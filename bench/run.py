# SPDX-License-Identifier: BSD-2-Clause
"""run.py — who is measured when

Of each case all contenders are sampled in turn, A B C A B C, so that a machine that changes its
speed changes it for all of them; each turn begins with another one. A sample during which others
used more than DISTURBED of the machine is taken again, a few times; the least disturbed one
counts. What fails is tried once more.

A run is bounded in time: when it gets late, further turns of a case are left out, never the first,
and that is noted.
"""
import dataclasses
import random
import sys
import time

from process import Failed
from stage import Stage

DISTURBED = 0.06  # of all CPUs
AGAIN = 2         # times a disturbed sample is repeated
LATE = 1.25       # repeats may make a run so much longer than planned


@dataclasses.dataclass
class Settings:
    quick: bool = False
    rounds: int = 3
    repeat: bool = False   # the rounds were asked for: they hold for all cases
    window: float = 0.8    # seconds
    warm: float = 0.3
    once: bool = False     # a disturbed sample is as good as any
    how: str = "sendfile"  # how the source sends
    connections: tuple = ()
    files: int = 0         # RLIMIT_NOFILE
    limit: float = 780.0   # seconds for all of it: with building it, a quarter of an hour


@dataclasses.dataclass(eq=False)
class Bench:
    """What samples are taken with."""
    shunt: str
    place: object
    settings: Settings

    @property
    def files(self):
        return self.settings.files


class Plan:
    """All cases, each with its contenders."""

    def __init__(self, works, contenders, chosen, settings):
        self.steps = []
        self.settings = settings
        for work in works:
            for case in work.cases(settings):
                if settings.connections and case.connections not in settings.connections:
                    continue
                names = chosen or [*(case.contenders or work.contenders), *case.extras]
                who = [c for name, c in contenders.items()
                       if name in names and case.connections <= c.most and work.takes(c)]
                if who:
                    self.steps.append((work, case, who))

    def rounds(self, case):
        return self.settings.rounds if self.settings.repeat or not case.rounds else case.rounds

    def seconds(self):
        return sum(case.seconds * len(who) * self.rounds(case) for _, case, who in self.steps)

    def samples(self):
        return sum(len(who) * self.rounds(case) for _, case, who in self.steps)

    def kinds(self):
        """[(kind of work, samples, seconds)]"""
        found = {}
        for work, case, who in self.steps:
            count = len(who) * self.rounds(case)
            samples, seconds = found.get(work.name, (0, 0.0))
            found[work.name] = samples + count, seconds + case.seconds * count
        return [(name, *of) for name, of in found.items()]


class Progress:
    """A line that says how far it is; on a terminal always the same one."""

    def __init__(self, plan, out=sys.stderr):
        self.whole, self.planned = plan.samples(), plan.seconds()
        self.done, self.done_planned = 0, 0.0
        self.began, self.out = time.monotonic(), out
        self.terminal = out.isatty()
        self.said = 0.0

    def elapsed(self):
        return time.monotonic() - self.began

    def pace(self):
        """Seconds that one planned second takes."""
        return self.elapsed() / self.done_planned if self.done >= 3 else 1.0

    def left(self):
        return max(0.0, (self.planned - self.done_planned) * self.pace())

    def say(self, case, contender):
        now = time.monotonic()
        if not self.terminal and now - self.said < 5:
            return
        self.said = now
        left = round(self.left())
        line = (f"[{self.done + 1}/{self.whole}] {case.name}: {contender.name}, "
                f"{left // 60}:{left % 60:02} left")
        self.out.write(f"\r\033[K{line}" if self.terminal else f"{line}\n")
        self.out.flush()

    def step(self, case, count=1):
        self.done += count
        self.done_planned += case.seconds * count

    def note(self, text):
        self.out.write(("\r\033[K" if self.terminal else "") + f"bench: {text}\n")
        self.out.flush()

    def end(self):
        if self.terminal:
            self.out.write("\r\033[K")


class Runner:
    def __init__(self, bench, plan, progress, dice=None):
        self.bench, self.plan, self.progress = bench, plan, progress
        self.dice = dice or random.Random()
        self.samples, self.notes = [], []
        self.repeated = 0

    def note(self, text):
        self.notes.append(text)
        self.progress.note(text)

    def late(self, step, turn):
        """Is there no time for one more turn of this case, if each later case shall have one?"""
        if turn == 0:
            return False
        needed = sum(case.seconds * len(who) for _, case, who in self.plan.steps[step:])
        return self.progress.elapsed() + needed * self.progress.pace() > self.bench.settings.limit

    def all(self):
        for i, (work, case, who) in enumerate(self.plan.steps):
            for turn in range(self.plan.rounds(case)):
                if self.late(i, turn):
                    left_out = self.plan.rounds(case) - turn
                    self.note(f"{case.name}: only {turn} samples of each, for want of time")
                    self.progress.step(case, left_out * len(who))
                    break
                self.turn(work, case, who, turn)
        self.progress.end()

    def turn(self, work, case, who, turn):
        first = self.dice.randrange(len(who))
        for contender in who[first:] + who[:first]:
            self.progress.say(case, contender)
            sample = self.best_of(work, case, contender)
            self.progress.step(case)
            if sample:
                sample.update(work=case.work, contender=contender.name, turn=turn,
                              connections=case.connections)
                self.samples.append(sample)

    def may_repeat(self):
        return not self.bench.settings.once and self.progress.elapsed() < self.progress.done_planned * LATE + 10

    def best_of(self, work, case, contender):
        best, failures = None, 0
        for attempt in range(1 + AGAIN):
            sample, problem = self.once(work, case, contender)
            if problem:
                failures += 1
                if failures > 1:
                    self.note(f"{case.name}, {contender.name}: {problem}")
                    break
                continue
            sample["attempt"] = attempt
            if not best or sample["used"]["disturbed"] < best["used"]["disturbed"]:
                best = sample
            if best["used"]["disturbed"] <= DISTURBED or attempt == AGAIN or not self.may_repeat():
                break
            self.repeated += 1
        return best

    def once(self, work, case, contender):
        try:
            with Stage(self.bench, contender) as stage:
                return work.sample(stage, contender, case), None
        except Failed as e:
            return None, str(e)
