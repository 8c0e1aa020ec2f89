# SPDX-License-Identifier: BSD-2-Clause
"""Servers that say themselves that they are not well, and servers that want a PROXY header first."""
import socket
import threading

import pytest

from actors import PATIENCE, need
from serving import logged, serving

PLACES = ("loopback",)


class Patient:
    """Answers GET as it feels, and any other client by its name."""

    def __init__(self, name):
        self.name, self.status = name.encode(), 200
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                with self.socket.accept()[0] as c:
                    said = c.recv(4096)
                    c.sendall(f"HTTP/1.1 {self.status} x\r\n\r\n".encode() if said.startswith(b"GET ") else self.name)
        except OSError:
            pass


@pytest.fixture
def serve_backend(cast, tmp_path):
    """serve_backend(BACKEND): a daemon that brings all to this one."""
    return lambda backend: serving(cast, tmp_path, "127.0.0.1:0", backend)


def ask(relay, word=b"who"):
    with socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE) as c:
        c.sendall(word)
        got = b""
        while part := c.recv(4096):
            got += part
        return got


def test_who_is_not_well_gets_nobody(serve_backend):
    a, b = Patient("a"), Patient("b")
    s = serve_backend(f'{{servers: ["{a.address}", "{b.address}"], '
                      'check: {every: 100ms, timeout: 5s, rise: 2, fall: 2, http: /health}}')
    for turn in range(1, 4):
        a.status = 503
        line = logged(s, "a server is down", turn)
        assert (line["backend"], line["server"], line["error"]) == ("b", a.address, "status 503")
        assert [ask(s) for _ in range(20)] == [b"b"] * 20
        a.status = 204
        line = logged(s, "a server is back", turn)
        assert (line["server"], line["reason"]) == (a.address, "2 checks in a row were good")
        assert line["down_ms"] > 0
        assert sorted(ask(s) for _ in range(20)) == [b"a"] * 10 + [b"b"] * 10
    b.status = 500  # and nobody is left
    logged(s, "a server is down", 4)
    a.status = 500
    logged(s, "a server is down", 5)
    with pytest.raises(ConnectionResetError):
        ask(s)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_real_server_behind_a_proxy_header(cast, place, serve_backend, tmp_path, version):
    """Without the header nginx would answer 400, or nothing."""
    need("nginx")
    port = place.free_port()
    (tmp_path / "nginx.conf").write_text(f"""
daemon off; pid {tmp_path}/pid; error_log stderr;
events {{}}
http {{
    access_log {tmp_path}/access; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
    fastcgi_temp_path {tmp_path}/fastcgi; uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi;
    server {{ listen 127.0.0.1:{port} proxy_protocol; location / {{ return 200 "hello"; }} }}
}}
""")
    nginx = cast.run(["nginx", "-c", f"{tmp_path}/nginx.conf", "-e", "stderr", "-p", str(tmp_path)])
    s = serve_backend(f'{{servers: ["127.0.0.1:{port}"], send_proxy: {version}, '
                      'check: {every: 100ms, rise: 1, http: /health}}')

    def checked():
        assert nginx.proc.poll() is None, nginx.text()
        access = tmp_path / "access"
        return access.exists() and sum('"GET /health HTTP/1.1" 200' in x
                                       for x in access.read_text().splitlines()) >= 5
    s.until(checked, what="five good checks")
    assert b"hello" in ask(s, b"GET / HTTP/1.0\r\n\r\n")
    assert "400" not in (tmp_path / "access").read_text()
