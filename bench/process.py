# SPDX-License-Identifier: BSD-2-Clause
"""process.py — the programs of a run: relays, peers and the load tools of `shunt bench`

Each runs in a process group of its own, in the network namespace it belongs to, and dies with us.
Its output goes to files, so that nobody ever waits for us to read. A relay is up when the kernel
says that it listens: it is not asked by connecting, which would be the first connection it
carries.
"""
import json
import os
import signal
import subprocess
import time

LISTEN = "0A"


class Failed(Exception):
    """A program did not do what it was started for. The text is for people."""


class Program:
    def __init__(self, argv, directory, name):
        self.name, self.argv = name, argv
        self.out = os.path.join(directory, f"{name}.out")
        self.err = os.path.join(directory, f"{name}.err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.proc = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, start_new_session=True)

    @property
    def pid(self):
        return self.proc.pid

    def words(self, which="err"):
        with open(getattr(self, which), encoding="utf-8", errors="replace") as f:
            return f.read()

    def running(self):
        return self.proc.poll() is None

    def fail(self, what):
        last = " | ".join(self.words().strip().splitlines()[-3:])
        raise Failed(f"{self.name}: {what}" + (f": {last}" if last else ""))

    def until(self, found, what, seconds=10):
        deadline = time.monotonic() + seconds
        while not (answer := found()):
            if not self.running():
                self.fail(f"ended with {self.proc.returncode} before {what}")
            if time.monotonic() > deadline:
                self.fail(f"not {what} after {seconds} s")
            time.sleep(0.005)
        return answer

    def until_said(self, word, seconds=10):
        return self.until(lambda: word in self.words(), f"'{word}'", seconds)

    def until_listening(self, port, seconds=10):
        self.until(lambda: port in listening(self.pid), f"listening on port {port}", seconds)

    def signal(self, number):
        if self.running():
            os.killpg(self.pid, number)

    def stop(self, seconds=5):
        """By its pid, which is its group's: workers go with it."""
        self.signal(signal.SIGTERM)
        try:
            self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.proc.wait()

    def result(self, seconds):
        """What a load tool measured, once it has ended by itself. One that failed says so in it."""
        try:
            self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end within {seconds} s")
        try:
            return json.loads(self.words("out"))
        except ValueError:
            return self.fail(f"ended with {self.proc.returncode} and no result")

    def stopped_result(self):
        """The same, but it is told to end."""
        self.signal(signal.SIGTERM)
        return self.result(5)


def listening(pid):
    """The TCP ports on which anybody listens in the network namespace of pid."""
    ports = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
                lines = f.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports
