# SPDX-License-Identifier: BSD-2-Clause
"""An urgent byte inside a head, behind it, or before it: it is stepped over, and the head is understood."""
import socket
import time

import pytest

from hellos import hello
from services import dial, read_all

PLACES = ("loopback",)
HEAD = hello(b"a.test", pad=300)
MORE = bytes(range(256)) * 100


@pytest.mark.parametrize("at", [0, 1, 7, len(HEAD) // 2, len(HEAD) - 1, len(HEAD), len(HEAD) + 5000])
def test_wherever_it_stands(engine, serve, service, at):
    web = service("web")
    s = serve(engine, {
        "listen": [{"look": ["tls"], "routes": [{"sni": ["a.test"], "backend": "web"}]}],
        "backend": {"web": {"servers": [web.address]}}, "timeouts": {"head": "5s"}})
    data = HEAD + MORE
    with dial(s.address) as c:
        c.sendall(data[:at])
        time.sleep(0.05)
        c.send(b"!", socket.MSG_OOB)
        time.sleep(0.05)
        c.sendall(data[at:])
        c.shutdown(socket.SHUT_WR)
        assert read_all(c) == web.says(data)
    line = s.end()
    assert (line["end"], line["sni"], line["backend"]) == ("done", "a.test", "web"), line
