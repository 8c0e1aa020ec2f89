# SPDX-License-Identifier: BSD-2-Clause
"""shunt relay, by each engine and in units of several sizes. "splice" is what runs without any
option."""
from . import Contender, says


class Shunt(Contender):
    def __init__(self, order, engine, unit=None, extra=False):
        self.engine, self.unit, self.order, self.extra = engine, unit, order, extra
        self.name = f"{engine}-{unit.lower()}" if unit else engine
        self.label = f"shunt, {engine}" + (f" {unit}" if unit else "")

    def version(self, bench):
        return says([bench.shunt, "--version"], r"(\d+\.\d+\S*)")

    def command(self, bench, listen, target, directory):
        unit = ["--unit", self.unit] if self.unit else []
        return [bench.shunt, "relay", "--engine", self.engine, *unit, "%s:%d" % listen,
                "%s:%d" % target]

    def settings(self):
        return "shunt relay --engine " + self.engine + (f" --unit {self.unit}" if self.unit else "")


CONTENDERS = [
    Shunt(10, "splice"),
    Shunt(11, "splice", "16K", extra=True),
    Shunt(12, "splice", "64K", extra=True),
    Shunt(13, "splice", "256K", extra=True),
    Shunt(20, "copy", "16K"),
    Shunt(21, "copy", "64K"),
    Shunt(22, "copy", "256K"),
    Shunt(23, "copy", "1M"),
]
