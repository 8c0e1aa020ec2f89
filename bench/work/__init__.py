# SPDX-License-Identifier: BSD-2-Clause
"""work — what the contenders are given to do; one file for each kind

To add a kind, put a file beside this one with a list WORKS of objects of a class derived from
Work. It says which cases there are (one table each), who takes part, and how one sample is taken:
everything on a Stage, which ends all it started. A sample is a dict with

    metrics   {metric: figure}, those of Work.metrics
    used      what measure.between() says of the window
    raw       anything worth keeping
    buckets   of a latency histogram, where there is one

`busy_ms_per_gb`, the cost over the floor, and its like are not measured but computed from a total:
a metric that names such a total in `less_floor` is that total less the floor's median in the same
case.
"""
import dataclasses
import importlib
import pkgutil
import sys


@dataclasses.dataclass(frozen=True)
class Metric:
    unit: str
    label: str               # heads the column
    more_is_better: bool = False
    less_floor: str = ""     # computed: that metric less the floor's
    digits: int = 0
    ranked: bool = False     # the table ranks by it


@dataclasses.dataclass(frozen=True)
class Case:
    work: str                # names the rows: "relay", "latency-1k-bulk"
    title: str
    connections: int
    seconds: float           # that one sample will take, about
    what: dict = dataclasses.field(default_factory=dict)
    extras: tuple = ()       # contenders that take part only here
    contenders: tuple = ()   # if not those of its kind of work
    rounds: int = 0          # samples of each, if that is not what the settings say

    @property
    def name(self):
        return f"{self.work} n={self.connections}"


class Work:
    name = ""
    order = 50
    contenders = ("floor", "graft", "splice", "copy-256k", "haproxy", "haproxy-splice", "nginx")
    metrics = {}

    def summary(self):
        """The first line of its file, behind its name."""
        return sys.modules[type(self).__module__].__doc__.split(": ", 1)[1].splitlines()[0]

    def impossible(self, place):
        """Why it cannot be done in such a place, or None."""
        return None

    def takes(self, contender):
        """Is it one that can do this at all, if it was asked for by name?"""
        return not hasattr(contender, "split")

    def cases(self, settings):
        """All of them; settings.quick asks for few."""
        raise NotImplementedError

    def sample(self, stage, contender, case):
        raise NotImplementedError


def load():
    found = []
    for module in pkgutil.iter_modules(__path__):
        found += importlib.import_module(f"{__name__}.{module.name}").WORKS
    return {w.name: w for w in sorted(found, key=lambda w: (w.order, w.name))}
