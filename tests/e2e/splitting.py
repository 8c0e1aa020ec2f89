# SPDX-License-Identifier: BSD-2-Clause
"""splitting.py — who plays in the stories of `shunt split`: the splitter, its source, its crowd"""
import array
import fcntl
import json
import os
import re
import termios

import pytest

from actors import BUILD, PATIENCE, SHUNT, Child, Relay

CROWD = os.environ.get("CROWD", os.path.join(BUILD, "tests/e2e/crowd"))
SUB_FIELDS = ("sub", "client", "listen", "dur_ms", "bytes", "skips", "skipped", "lag", "engine",
              "end")
PIPE_SIZE = 1032  # F_GETPIPE_SZ
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text):
    """Bytes of "8M", "1.50M"."""
    number, unit = re.fullmatch(r"([\d.]+)([KMG]?)", text).groups()
    return float(number) * UNITS[unit]


class Split(Relay):
    """`shunt split`, its log read as JSON."""

    def __init__(self, argv, name):
        self.said = []
        super().__init__(argv, name)

    def heard(self, which, line):
        try:
            fields = json.loads(line)
        except ValueError:
            return
        if not isinstance(fields, dict):
            return
        self.said.append(fields)
        if "sub" in fields and "end" in fields:
            self.ended.append(fields)
        elif fields.get("msg") == "listening":
            self.starts.append(fields)

    def seemly(self):
        ends, self.ended = self.ended, []
        super().seemly()
        self.ended = ends
        for line in ends:
            missing = [f for f in SUB_FIELDS if f not in line]
            assert not missing, f"{missing} missing in {line}"
        assert len({line["sub"] for line in ends}) == len(ends), "two lines for one subscriber"

    def message(self, msg, times=1, seconds=PATIENCE):
        """The n-th line that says so."""
        def found():
            return [f for f in self.said if f.get("msg") == msg]
        self.until(lambda: len(found()) >= times, seconds, f"{msg!r}, {times} times")
        return found()[times - 1]

    @property
    def source_address(self):
        return self.listeners()[0]["source_listen"]

    @property
    def memory(self):
        return size(self.listeners()[0]["memory"])

    def came(self):
        """How many subscribers it has had by TCP."""
        return len(self.ended) + list(self.at_its_doors()).count(False)

    def in_pipes(self):
        """Bytes that lie in its pipes."""
        total, seen = 0, set()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            path = f"/proc/{self.pid}/fd/{fd}"
            try:
                name = os.readlink(path)
                if not name.startswith("pipe:") or name in seen:
                    continue
                mine = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            seen.add(name)
            waiting = array.array("i", [0])
            fcntl.ioctl(mine, termios.FIONREAD, waiting)
            os.close(mine)
            total += waiting[0]
        return total


class Crowd(Child):
    """tests/crowd.c: a source of numbered blocks, or those who count them."""

    def ready(self):
        self.until(lambda: "ready" in self.lines["stdout"], what="ready")
        return self

    @property
    def address(self):
        def found():
            return [line.split(" ", 1)[1] for line in self.lines["stdout"]
                    if line.startswith("listening ")]
        return self.until(found, what="its address")[0]

    def part(self, count, how):
        before = self.lines["stdout"].count("joined")
        self.proc.stdin.write(f"part {count} {how}\n")
        self.proc.stdin.flush()
        self.until(lambda: self.lines["stdout"].count("joined") > before, what="joined")

    def enough(self):
        """It shall tell what it has heard."""
        self.proc.stdin.write("enough\n")
        self.proc.stdin.flush()
        return self.result()

    def result(self, seconds=2 * PATIENCE):
        self.done(seconds)
        return json.loads(next(x for x in self.lines["stdout"] if x.startswith("{")))


@pytest.fixture
def split(cast):
    """split("--source", ...): a running splitter, on a port of the loopback."""
    def start(*args, before=(), starts=True):
        if "--listen" not in args:
            args = ("--listen", "127.0.0.1:0", *args)
        argv = [*before, SHUNT, "split", "--log", "json", *args]
        s = cast.add(Split(argv, "split"))
        if starts:
            s.until(lambda: len(s.listeners()) == args.count("--listen"), what="listening lines")
        return s
    return start


@pytest.fixture
def feed(cast):
    """feed(ADDR, "-c", 1000, ...): a source; its address is ADDR or, if it listens, known."""
    def start(to, *args):
        return cast.add(Crowd([CROWD, "feed", to, *map(str, args)], "feed"))
    return start


@pytest.fixture
def crowd(cast):
    """crowd(SPLIT, "-n", 20, ...): subscribers, all there, and known to the splitter, if it is no address."""
    def start(to, *args):
        if isinstance(to, str):
            return cast.add(Crowd([CROWD, "hear", to, *map(str, args)], "crowd")).ready()
        before = to.came()
        c = start(to.address, *args)
        count = args[args.index("-n") + 1] if "-n" in args else 1
        to.until(lambda: to.came() >= before + count, what=f"{count} subscribers")
        return c
    return start
