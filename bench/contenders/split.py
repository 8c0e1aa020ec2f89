# SPDX-License-Identifier: BSD-2-Clause
"""shunt split, by each engine, in units of the same size: one source, many subscribers"""
from . import Contender, says


class Split(Contender):
    """A splitter takes part in fan-out alone. `at` is (source's address, subscribers' address)."""
    source_says = listener_says = None

    def __init__(self, order, engine):
        self.engine, self.order = engine, order
        self.name, self.label = f"split-{engine}", f"shunt split, {engine} 1M"

    def version(self, bench):
        return says([bench.shunt, "--version"], r"(\d+\.\d+\S*)")

    def options(self, wait):
        return ["--engine", self.engine, "--unit", "1M", "--on-lag", "wait" if wait else "skip"]

    def split(self, bench, source, listen, directory, wait):
        return [bench.shunt, "split", *self.options(wait), "--source", "listen:%s:%d" % source,
                "--listen", "%s:%d" % listen]

    def ready(self, program):
        program.until_said("msg=listening")

    def settings(self):
        return " ".join(["shunt split", *self.options(False)])


CONTENDERS = [Split(60, "splice"), Split(61, "copy")]
