# SPDX-License-Identifier: BSD-2-Clause
"""SIGUSR1: the ports are free at once, a transfer that runs is finished, then it leaves by itself."""
import signal
import socket

from actors import PATIENCE
from hellos import hello
from services import RESET, ask, dial, read_all, take

PLACES = ("loopback",)
HEAD = hello(b"a.test")
MORE = bytes(range(256)) * 4000


def test_a_live_transfer(engine, serve, service):
    web = service("web")
    keys = {"listen": [{"look": ["tls"], "default": "web"}], "backend": {"web": {"servers": [web.address]}}}
    s = serve(engine, keys)
    with dial(s.address) as c, dial(s.address) as half:
        half.sendall(HEAD[:20])
        c.sendall(HEAD)
        assert take(c, 4 + len(HEAD)) == web.says(HEAD)
        s.signal(signal.SIGUSR1)
        s.hears("draining")
        successor = serve_at(serve, engine, keys, s.address)
        assert ask(successor.address, HEAD) == web.says(HEAD)
        half.sendall(HEAD[20:])  # it was in, and is served
        half.shutdown(socket.SHUT_WR)
        assert read_all(half) == web.says(HEAD)
        assert s.proc.poll() is None
        c.settimeout(PATIENCE)
        got = b""
        for i in range(0, len(MORE), 64_000):
            c.sendall(MORE[i:i + 64_000])
            got += take(c, len(MORE[i:i + 64_000]))
        c.shutdown(socket.SHUT_WR)
        got += read_all(c)
        assert got == MORE
    s.leaves()
    assert [f["end"] for f in s.ends(2)] == ["done"] * 2


def serve_at(serve, engine, keys, address):
    """A successor at this address, as soon as it is free."""
    for _ in range(50):
        s = serve(engine, {**keys, "listen": [{**keys["listen"][0], "address": address}]}, starts=False)
        if s.until(lambda: s.listeners() or [s.proc.poll()] != [None]) is not True:
            return s
        assert "held by" in s.refuses(2)
    raise AssertionError("the port does not become free")


def test_its_time_is_limited(engine, serve, service):
    web = service("web")
    s = serve(engine, {"listen": [{"default": "web"}], "backend": {"web": {"servers": [web.address]}},
                       "timeouts": {"drain": "500ms"}})
    with dial(s.address) as c:
        c.sendall(b"x")
        assert take(c, 5) == b"web\nx"
        s.signal(signal.SIGUSR1)
        assert read_all(c) == RESET
    s.leaves()
    assert s.end()["end"] == "drain"
