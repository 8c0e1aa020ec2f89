# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of heads that never become whole: each costs its socket and little more, others are served
meanwhile, and when they are gone all of it has come back."""
import socket

import pytest

from actors import PATIENCE, sanitized
from hellos import hello
from services import ask, split

PLACES = ("loopback",)
MANY = 5000
HEAD = hello(b"a.test", pad=1500)


def dial_many(address, say):
    crowd = []
    for _ in range(MANY):
        c = socket.create_connection(split(address), timeout=PATIENCE)
        c.sendall(say)
        crowd.append(c)
    return crowd


def leave(crowd):
    for c in crowd:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.close()


@pytest.mark.alone
def test_5000_at_once(engine, serve, service):
    web = service("web")
    s = serve(engine, {
        "listen": [{"look": ["tls"], "default": "web"}],
        "backend": {"web": {"servers": [web.address]}}, "timeouts": {"head": "200s"}})
    assert ask(s.address, HEAD) == web.says(HEAD)
    s.ends(1)
    fds, start = s.fds(), s.memory_kb("VmRSS")
    most = start + 4096
    for _ in range(2):
        crowd = dial_many(s.address, HEAD[:1000])
        s.sockets_become(fds["socket"] + MANY)
        s.rests(0.5, 2)
        held = s.memory_kb("VmRSS") - start
        assert s.fds()["pipe"] == fds["pipe"]
        assert ask(s.address, HEAD) == web.says(HEAD)  # others are served
        if not sanitized():
            assert held < MANY * 4, "more than 4 KiB for each"
        leave(crowd)
        s.sockets_become(fds["socket"])
        if not sanitized():
            most = s.memory_falls("VmRSS", most) + 1024  # and not more each time
        assert ask(s.address, HEAD) == web.says(HEAD)
    s.sockets_become(fds["socket"])
    assert s.fds() == fds
    s.until(lambda: len(s.ended) >= 2 * MANY)
