# SPDX-License-Identifier: BSD-2-Clause
"""The first thing anybody tries: an origin and a relay in front of it, in one process."""
import hashlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import pytest

from actors import PATIENCE, SHUNT

PLACES = ("loopback",)
WHERE = re.compile(r"an origin on 127\.0\.0\.1:(\d+), a relay in front of it on 127\.0\.0\.1:(\d+)")


@pytest.fixture
def demo(place, cast):
    """demo(...): (process, port of the origin, port of the relay)."""
    def start(*args):
        d = cast.run([SHUNT, "demo", "--port", "0", "--origin-port", "0", *args], "demo")
        said = d.until(lambda: WHERE.search(d.text("stdout")), what="its ports")
        return d, int(said[1]), int(said[2])
    return start


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
        return answer.read()


def test_bytes_are_as_the_origin_says(demo):
    d, origin, relay = demo()
    body = get(relay, "/bytes/20M")
    assert len(body) == 20 << 20
    assert hashlib.sha256(body).hexdigest() in get(relay, "/sha256/20M").decode()
    assert get(origin, "/bytes/1000") == get(relay, "/bytes/1000") == body[:1000]
    assert b"shunt" in get(relay, "/")
    d.until(lambda: d.text().count("end=done") == 4, what="a line for each of four connections")
    d.proc.send_signal(signal.SIGINT)
    d.done()
    most, engine = max((int(n), by) for n, by in re.findall(r"down=(\d+) engine=(\w+)", d.text()))
    assert most > 20 << 20 and engine == "splice"


def test_it_ends_by_itself(demo):
    began = time.monotonic()
    demo("--for", "1s")[0].done()
    assert time.monotonic() - began >= 1


def test_ports_that_are_taken(place):
    with socket.create_server(("127.0.0.1", 0)) as s:
        taken = str(s.getsockname()[1])
        for ports in (("--port", taken, "--origin-port", "0"), ("--port", "0", "--origin-port", taken)):
            done = subprocess.run([SHUNT, "demo", "--for", "1s", *ports], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
            assert done.returncode == 2
            assert f"127.0.0.1:{taken}" in done.stderr
            assert f"another by {ports[ports.index(taken) - 1]}" in done.stderr


class Terminal:
    """One that a program writes to: all that it wrote."""

    def __init__(self):
        self.ours, self.theirs = os.openpty()
        self.text = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while piece := os.read(self.ours, 4096):
                self.text += piece.decode()
        except OSError:  # nobody has the other end any more
            pass
        os.close(self.ours)


def test_the_live_line_moves_while_bytes_do(place):
    """One transfer, and no other event that would wake anybody."""
    t = Terminal()
    with subprocess.Popen([SHUNT, "demo", "--port", "0", "--origin-port", "0"], stdout=t.theirs,
                          stderr=subprocess.DEVNULL) as d:
        os.close(t.theirs)
        try:
            until = time.monotonic() + PATIENCE
            while not WHERE.search(t.text):
                assert time.monotonic() < until, t.text
                time.sleep(0.02)
            with socket.create_connection(("127.0.0.1", int(WHERE.search(t.text)[2]))) as s:
                s.sendall(b"GET /bytes/1T HTTP/1.0\r\n\r\n")
                while not re.search(r"connections: 1 now.* splice [\d.]+[MG].* [\d.]+ [MG]B/s", t.text):
                    assert time.monotonic() < until, t.text
                    s.recv(1 << 20)
                    time.sleep(0.005)
        finally:
            d.send_signal(signal.SIGTERM)
        assert d.wait(PATIENCE) == 0
    t.reader.join(5)
