# SPDX-License-Identifier: BSD-2-Clause
"""actors.py — the processes of a story: peers, swarms, relays and real programs

Each is a child whose output is gathered line by line, so that a story can wait for a word, and
each ends with the story, by its pid. A relay that leaves must leave well: by itself, with exit code
0, with a log in order and without a word from a sanitizer.
"""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SHUNT_BUILD", os.path.join(ROOT, "build"))
SHUNT = os.environ.get("SHUNT", os.path.join(BUILD, "shunt"))
PEER = os.environ.get("PEER", os.path.join(BUILD, "tests/e2e/peer"))
DENY = os.environ.get("DENY", os.path.join(BUILD, "tests/e2e/deny"))
LONG = os.environ.get("SHUNT_LONG") == "1"

# Seconds after which what must come is taken for lost: a guard against waiting for ever, far above what it takes on a
# machine that has much else to do. How fast something is no story asks by this.
PATIENCE = 60

SANITIZER = re.compile(r"(Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:")
END_FIELDS = ("conn", "client", "listen", "server", "connect_ms", "dur_ms", "up", "down",
              "engine", "end")
ADOPTED_LACK = ("connect_ms",)  # it was connected by another process
ENGINES_KNOWN = ("copy", "splice", "graft")
TICK = 1 / os.sysconf("SC_CLK_TCK")


def sanitized():
    """Is the relay built with a sanitizer? Then its memory and its calls are not its own."""
    with open(SHUNT, "rb") as f:
        program = f.read()
    return b"__asan_init" in program or b"__ubsan" in program


def need(*tools):
    """Skip the story if a real program it plays with is not here."""
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


def same_bytes(one, other):
    """Two peers told what they sent and read: each read what the other one sent."""
    for here, there in ((one, other), (other, one)):
        assert (here["sent"], here["sent_sha"]) == (there["read"], there["read_sha"])


def moved_by(line, engine):
    """Bytes of an ended connection that this engine moved: a line names the engine of most, and
    counts what others did."""
    if line["engine"] != engine:
        return line.get(engine, 0)
    return line["up"] + line["down"] - sum(line.get(e, 0) for e in ENGINES_KNOWN
                                           if e != engine)


def sides(who, mine, others):
    """(what is the client's, what is the server's), if `mine` is of the side `who`."""
    return (mine, others) if who == "client" else (others, mine)


def traced(pid):
    """Are all of its threads?"""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as f:
            if "TracerPid:\t0\n" in f.read():
                return False
    return True


class Child:
    """A process. All its output is kept; it dies with us, whatever happens."""

    def __init__(self, argv, name, env=None):
        self.name, self.argv = name, argv
        self.lines = {"stdout": [], "stderr": []}
        self.news = threading.Condition()
        self.proc = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            bufsize=1, env={**os.environ, **env} if env else None)
        self.readers = [threading.Thread(target=self.gather, args=(which,), daemon=True)
                        for which in self.lines]
        for reader in self.readers:
            reader.start()

    @property
    def pid(self):
        return self.proc.pid

    def gather(self, which):
        for line in getattr(self.proc, which):
            with self.news:
                self.lines[which].append(line.rstrip("\n"))
                self.heard(which, line)
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def heard(self, which, line):
        """A line came. For those who read along."""

    def text(self, which="stderr"):
        return "\n".join(self.lines[which])

    def until(self, found, seconds=PATIENCE, what="what was waited for"):
        """Wait until found() is neither None nor False nor empty, and return it."""
        deadline = time.monotonic() + seconds
        with self.news:
            while not (result := found()):
                left = deadline - time.monotonic()
                gone = self.proc.poll() is not None and not any(
                    r.is_alive() for r in self.readers)
                assert left > 0 and not gone, (
                    f"{self.name}: {what} did not come"
                    + (f" (it ended with {self.proc.returncode})" if gone else "")
                    + f"\n{self.text('stdout')}\n{self.text()}")
                self.news.wait(min(left, 0.1))
        return result

    def wait(self, seconds=PATIENCE + 10):
        """Until it ends by itself. Returns its exit code."""
        try:
            code = self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end\n{self.text()}") from None
        for reader in self.readers:
            reader.join(5)
        return code

    def done(self, seconds=PATIENCE + 10):
        """Until it ends by itself, with exit code 0."""
        code = self.wait(seconds)
        assert code == 0, f"{self.name} ended with {code}\n{self.text()}"
        return self

    def kill(self):
        """Make sure that it is gone."""
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        for reader in self.readers:
            reader.join(5)
        for pipe in (self.proc.stdin, self.proc.stdout, self.proc.stderr):
            try:
                pipe.close()
            except OSError:
                pass


class Peer(Child):
    """A scripted peer (tests/peer.c tells its words)."""

    @property
    def address(self):
        def found():
            return [line.split(" ", 1)[1] for line in self.lines["stdout"]
                    if line.startswith("listening ")]
        return self.until(found, what="its address")[0]

    def ready(self, times=1):
        """Until it has reached its `go` (for the n-th time)."""
        self.until(lambda: self.lines["stdout"].count("ready") >= times, what="ready")
        return self

    def go(self):
        self.proc.stdin.write("go\n")
        self.proc.stdin.flush()
        return self

    def told(self, nth=None):
        """What it told: all, or the n-th, for which it may be waited."""
        def facts():
            return [json.loads(line) for line in self.lines["stdout"] if line.startswith("{")]
        if nth is None:
            return facts()
        self.until(lambda: len(facts()) > nth, what=f"fact number {nth}")
        return facts()[nth]


class Swarm(Child):
    """Thousands of connections in one process (tests/swarm.c)."""

    answers = 0

    def say(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def answer(self, seconds=PATIENCE):
        self.until(lambda: len(self.lines["stdout"]) > self.answers, seconds, "the answer")
        self.answers += 1

    def order(self, line, seconds=PATIENCE):
        self.say(line)
        self.answer(seconds)


class Relay(Child):
    """`shunt relay`, its log read as JSON."""

    def __init__(self, argv, name):
        self.left = False
        # lines of listeners, of connections that ended, and all that has a message
        self.starts, self.ended, self.messages = [], [], []
        super().__init__(argv, name)

    def heard(self, which, line):
        try:
            fields = json.loads(line)
        except ValueError:
            return
        if not isinstance(fields, dict):
            return
        if "msg" in fields:
            self.messages.append(fields)
        if "conn" in fields and "end" in fields:
            self.ended.append(fields)
        elif "listen" in fields and "engine" in fields and "conn" not in fields:
            self.starts.append(fields)

    def listeners(self):
        return list(self.starts)

    @property
    def address(self):
        return self.listeners()[0]["listen"]

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def ends(self, count=None, seconds=PATIENCE):
        """The lines of connections that ended; with a count, waits for as many and no more."""
        if count is not None:
            self.until(lambda: len(self.ended) >= count, seconds, f"line {count} of an ended one")
            assert len(self.ended) == count, f"{len(self.ended)} ended, not {count}"
        return list(self.ended)

    def came(self, count):
        """The same in the order in which they came: who ends first may be logged last."""
        return sorted(self.ends(count), key=lambda f: f["conn"])

    def end(self, seconds=PATIENCE):
        return self.ends(1, seconds)[0]

    def signal(self, number):
        self.proc.send_signal(number)

    def leaves(self, seconds=PATIENCE):
        """Until it has left by itself, and well."""
        self.left = True
        code = self.wait(seconds)
        self.seemly()
        assert code == 0, f"the relay left with {code}"

    def refuses(self, code, seconds=PATIENCE):
        """Until it has left because it could not start. Returns what it said."""
        self.left = True
        assert self.wait(seconds) == code, f"not exit code {code}\n{self.text()}"
        return self.text()

    def stop(self):
        if not self.left:
            self.signal(signal.SIGTERM)
            self.leaves()

    def seemly(self):
        """What is true of every log: no crash in it, and one whole line for each connection."""
        assert not SANITIZER.search(self.text()), "a sanitizer spoke up"
        assert not SANITIZER.search(self.text("stdout")), "a sanitizer spoke up"
        ends = self.ends()
        for line in ends:
            wanted = [f for f in END_FIELDS if not (line.get("adopted") and f in ADOPTED_LACK)]
            missing = [f for f in wanted if f not in line]
            assert not missing, f"{missing} missing in {line}"
        names = collections.Counter((f["conn"], f.get("adopted")) for f in ends)
        twice = [name for name, n in names.items() if n > 1]
        assert not twice, f"more than one line for connections {twice[:5]}"

    # -- what it costs, from /proc --

    def ticks(self):
        """Clock ticks of CPU it has used, user and system."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def rests(self, seconds=1, most=3):
        """Until it has used next to no CPU for so long. First it may finish what it is about: who spins never does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            before = self.ticks()
            time.sleep(seconds)
            if (used := self.ticks() - before) <= most:
                return
            assert time.monotonic() < deadline, f"busy although nothing moves: {used} ticks in {seconds} s"

    def links(self):
        """What its descriptors are, as /proc has it."""
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                yield os.readlink(f"/proc/{self.pid}/fd/{fd}")
            except FileNotFoundError:
                continue

    def fds(self):
        """Its descriptors by kind: socket, pipe, other."""
        kinds = (link.split(":")[0] for link in self.links())
        return collections.Counter(kind if kind in ("socket", "pipe") else "other" for kind in kinds)

    def sockets_become(self, count, seconds=PATIENCE):
        """Until it holds exactly so many sockets."""
        deadline = time.monotonic() + seconds
        while (now := self.fds()["socket"]) != count:
            assert time.monotonic() < deadline, f"{now} sockets are open, not {count}"
            time.sleep(0.02)

    def at_its_doors(self):
        """Of its sockets those at the TCP ports where clients come: is it a listener? One who waits outside is none."""
        ports = {f"{int(line['listen'].rsplit(':', 1)[1]):04X}" for line in self.listeners()
                 if not line["listen"].startswith("unix:")}
        mine = set(self.links())
        for family in ("tcp", "tcp6"):
            with open(f"/proc/{self.pid}/net/{family}", encoding="ascii") as f:
                for fields in map(str.split, f):
                    if fields[1].rsplit(":", 1)[-1] in ports and f"socket:[{fields[9]}]" in mine:
                        yield fields[3] == "0A"

    def shuts(self):
        """Until nobody gets in any more."""
        self.until(lambda: not any(self.at_its_doors()), what="the end of its listeners")

    def memory_kb(self, field):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1))

    def memory_falls(self, field, below):
        """Until that is less than `below` KiB: what it gives back, it gives back a little after its cause."""
        deadline = time.monotonic() + PATIENCE
        while (now := self.memory_kb(field)) >= below:
            assert time.monotonic() < deadline, f"{field} is {now} KiB, not less than {below}"
            time.sleep(0.05)
        return now


class Serve(Relay):
    """`shunt serve`, and the file that it reads."""

    def __init__(self, argv, name, file):
        self.file = file
        super().__init__(argv, name)

    def where(self, nth):
        """The address of the n-th of its listeners that began to listen."""
        self.until(lambda: len(self.starts) > nth, what=f"listener {nth}")
        return self.starts[nth]["listen"]

    def said(self, word):
        """What it has said with this word in it."""
        return [m for m in self.messages if word in m["msg"]]

    def hears(self, word, times=1):
        return self.until(lambda: len(self.said(word)) >= times and self.said(word), what=f"'{word}'")

    def reload(self, text=None):
        """Read the file again, with this text. Returns whether it was taken."""
        if text is not None:
            with open(self.file, "w", encoding="utf-8") as f:
                f.write(text)
        before = len(self.said("reloaded"))
        self.signal(signal.SIGHUP)
        return "not reloaded" not in self.hears("reloaded", before + 1)[before]["msg"]


class Cast:
    """Everyone in one story."""

    def __init__(self):
        self.children = []
        self.relays = []

    def add(self, child):
        self.children.append(child)
        if isinstance(child, Relay):
            self.relays.append(child)
        return child

    def run(self, argv, name=None):
        """A real program."""
        return self.add(Child(argv, name or os.path.basename(argv[0])))

    def leave(self):
        """Relays first and by the rules, then everyone. Raises what a relay did wrong."""
        wrong = None
        for relay in self.relays:
            try:
                relay.stop()
            except AssertionError as e:
                wrong = wrong or e
        for child in reversed(self.children):
            child.kill()
        if wrong:
            raise wrong
