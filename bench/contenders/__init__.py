# SPDX-License-Identifier: BSD-2-Clause
"""contenders — who can carry a connection from source to sink; one file each

To add one, put a file beside this one with a list CONTENDERS of objects of a class derived from
Contender. They are found by themselves and stand in tables in the order of their `order`.
"""
import importlib
import pkgutil
import re
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOST = 20000


class Contender:
    name = ""       # for the command line
    label = ""      # for people
    order = 50
    most = MOST     # more connections than that are no sensible question
    extra = False   # takes part only where it is asked for, or where the work says so
    processes = True

    def missing(self, bench):
        """Why it cannot take part here, or None."""
        return None

    def version(self, bench):
        return None

    def prepare(self, stage):
        """Make what it needs before it is started, and give stage.callback() what undoes that: it is
        undone once the contender has ended. Raises Failed."""

    def ready(self, program):
        """Its port is open. Wait for what else it needs before the first connection. Raises Failed."""

    def settle(self, stage, connections, patience):
        """Wait, so many seconds at the most, until so many connections that are up are carried in the way that is to be
        measured. What came of it, for the raw sample."""
        return {}

    def told(self, stage):
        """What it says at the end of connections that are over, for the raw sample."""
        return {}

    def command(self, bench, listen, target, directory):
        """The command line that listens on `listen` (host, port) and connects to `target`. Configuration
        goes into files in `directory`."""
        raise NotImplementedError

    def settings(self):
        """What is worth knowing about how it is run, in one line."""
        return ""


def which(program):
    import shutil
    return shutil.which(program, path=PATH)


def says(argv, pattern):
    """The first thing like `pattern` that a program prints, or None."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else None


def write(directory, name, text):
    path = f"{directory}/{name}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def load():
    """All of them, by name, in order."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        found += importlib.import_module(f"{__name__}.{module.name}").CONTENDERS
    return {c.name: c for c in sorted(found, key=lambda c: (c.order, c.name))}
