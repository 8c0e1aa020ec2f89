# SPDX-License-Identifier: BSD-2-Clause
"""Under a service manager: it hands over a socket, is told how things stand, and hears that we live."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from actors import PATIENCE, ROOT, SHUNT
from services import ask

PLACES = ("loopback",)
ENGINES = ("splice",)
# What a manager does: a socket that listens is number 3, and the environment says so.
HAND_OVER = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=False)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)  # if it was number 3 before
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """It listens to what it is told (sd_notify(3))."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)
        self.told = []

    def hears(self, begin):
        """The next message that begins so; those before it are kept."""
        while True:
            self.told.append(self.socket.recv(4096).decode())
            if self.told[-1].startswith(begin):
                return self.told[-1]


@pytest.fixture
def manager(tmp_path):
    m = Manager(tmp_path / "notify")
    yield m
    m.socket.close()


def conf_of(web, **more):
    return {"listen": [{"default": "web"}], "backend": {"web": {"servers": [web.address]}}, **more}


def test_is_told_of_each_step(engine, serve, service, manager):
    web = service("web")
    before = time.monotonic_ns() // 1000
    s = serve(engine, conf_of(web), before=["env", f"NOTIFY_SOCKET={manager.path}"])
    assert manager.hears("READY=1") == "READY=1"
    assert ask(s.address, b"x") == web.says(b"x")
    assert re.fullmatch(r"STATUS=\d+ connections, 1 ended", manager.hears("STATUS="))
    for good in (True, False):
        assert s.reload(None if good else "what: is this") == good
        usec = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.hears("RELOADING=1")).group(1))
        assert before < usec <= time.monotonic_ns() // 1000
        assert manager.hears("READY=1") == "READY=1"
    s.signal(signal.SIGTERM)
    assert manager.hears("STOPPING=1") == "STOPPING=1"
    s.leaves()
    assert not any("WATCHDOG" in m for m in manager.told)


def test_hears_that_we_live(engine, serve, service, manager):
    """As often as it wants to, and not from a process that hangs."""
    s = serve(engine, conf_of(service("web")),
              before=["env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=400000"])
    for _ in range(4):
        manager.hears("WATCHDOG=1")
    s.signal(signal.SIGUSR1)
    manager.hears("STOPPING=1")
    s.leaves()


def test_a_socket_that_was_handed_over(engine, serve, service, conf, cast):
    """It is ours from the start: who came before we were up is served; and over a reload."""
    web = service("web")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = conf(engine, conf_of(web, listen=[{"address": "fd:3", "default": "web"}]))
    s = serve(engine, text, before=[sys.executable, "-c", HAND_OVER, str(port)])
    assert s.address == f"127.0.0.1:{port}"
    assert ask(s.address, b"x") == web.says(b"x")
    assert s.reload(text)
    assert ask(s.address, b"y") == web.says(b"y")
    assert len(s.starts) == 1, "it is the same socket"


def test_a_socket_that_is_none(engine, serve, service):
    s = serve(engine, conf_of(service("web"), listen=[{"address": "fd:9", "default": "web"}]), starts=False)
    said = s.refuses(2)
    assert "fd:9" in said and "ListenStream=" in said


def test_the_units_are_in_order(tmp_path):
    """As systemd reads them, with the program where this build has it."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for name in ("shunt.service", "shunt.socket"):
        with open(f"{ROOT}/dist/{name}.in" if name.endswith("service") else f"{ROOT}/dist/{name}", encoding="utf-8") as f:
            (tmp_path / name).write_text(f.read().replace("@bindir@/shunt", SHUNT))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "shunt.service"),
                           str(tmp_path / "shunt.socket")], capture_output=True, text=True, check=False,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    assert done.returncode == 0 and "shunt." not in done.stderr, done.stderr
