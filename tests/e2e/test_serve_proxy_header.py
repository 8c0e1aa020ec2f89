# SPDX-License-Identifier: BSD-2-Clause
"""PROXY headers, in from HAProxy and nginx and out to them: whoever the client was and whomever he had
connected to, is still known behind the relay."""
import ipaddress
import socket
import subprocess

import pytest

from actors import PATIENCE, need
from hellos import hello
from ports import free_port
from programs import answers, haproxy, nginx
from services import RESET, ask, dial, read_all

PLACES = ("loopback",)
SIG = b"\r\n\r\n\0\r\nQUIT\n"


def fetch(host, port):
    """What the last server says of who came: its four numbers, and the same as this client knows it."""
    with socket.create_connection((host, port), timeout=PATIENCE) as c:
        here, there = c.getsockname(), c.getpeername()
        c.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        body = read_all(c).rsplit(b"\r\n", 1)[-1].decode().strip()
    return known(body.split()), known([*here[:2], *there[:2]])


def known(four):
    return (ipaddress.ip_address(four[0]), int(four[1]), ipaddress.ip_address(four[2]), int(four[3]))


SENDER = """
frontend f{n}
  bind {host}:{port}
  default_backend b{n}
backend b{n}
  server s {to} {how}
"""
RECEIVER = """
frontend last
  mode http
  timeout http-request 5s
  bind 127.0.0.1:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
"""
NGINX_LAST = """server {{ listen 127.0.0.1:{port} proxy_protocol; location / {{ return 200
 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port"; }} }}"""
HOSTS = {4: "127.0.0.1", 6: "::1"}


@pytest.fixture
def between(serve):
    """A relay that wants a header and sends one."""
    def start(engine, version, to):
        return serve(engine, {"listen": [{"accept_proxy": True, "look": ["http"], "default": "last"}],
                              "backend": {"last": {"servers": [to], "send_proxy": version}}})
    return start


@pytest.mark.parametrize("out", ["v1", "v2"])
def test_from_haproxy_to_haproxy(engine, cast, between, tmp_path, out):
    need("haproxy")
    last = free_port()
    s = between(engine, out, f"127.0.0.1:{last}")
    senders = [(HOSTS[family], free_port(HOSTS[family]), how) for family in (4, 6)
               for how in ("send-proxy", "send-proxy-v2")]
    haproxy(cast, tmp_path, f"127.0.0.1:{senders[0][1]}", RECEIVER.format(port=last) + "".join(
        SENDER.format(n=n, host=host, port=port, how=how, to=s.address)
        for n, (host, port, how) in enumerate(senders)))
    for host, port, _ in senders:
        told, so = fetch(host, port)
        assert told == so
    s.until(lambda: len([f for f in s.ended if f.get("host") == "a.test"]) == 4)
    assert {f["client"].startswith("[::1]") for f in s.ended if f.get("host")} == {True, False}


@pytest.mark.parametrize("out", ["v1", "v2"])
def test_from_nginx_to_nginx(engine, cast, between, tmp_path, out):
    need("nginx")
    built = subprocess.run(["/usr/sbin/nginx", "-V"], capture_output=True, text=True, check=True).stderr
    if "--with-stream" not in built:
        pytest.skip("nginx is built without stream")
    last, first = free_port(), free_port()
    s = between(engine, out, f"127.0.0.1:{last}")
    child = nginx(cast, tmp_path, None, NGINX_LAST.format(port=last), more="""
stream {{ server {{ listen 127.0.0.1:{port}; listen [::1]:{port}; proxy_protocol on; proxy_pass {to}; }} }}
""".format(port=first, to=s.address))
    answers(child, f"127.0.0.1:{last}")
    for host in HOSTS.values():
        told, so = fetch(host, first)
        assert told == so


def test_in_crumbs_with_the_head_behind(engine, serve, service):
    """Header and hello, a byte at a time: neither hides the other."""
    web = service("web")
    s = serve(engine, {"listen": [{"accept_proxy": True, "look": ["tls"], "routes": [{"sni": ["a.test"], "backend": "web"}]}],
                       "backend": {"web": {"servers": [web.address], "send_proxy": "v1"}}})
    v1 = b"PROXY TCP6 2001:db8::1 2001:db8::2 1000 443\r\n"
    v2 = SIG + b"\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb"
    head = hello(b"a.test")
    for said, told in ((v1, b"PROXY TCP6 2001:db8:0:0:0:0:0:1 2001:db8:0:0:0:0:0:2 1000 443\r\n"),
                       (v2, b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n")):
        answer = ask(s.address, *[bytes([b]) for b in said + head], b"more", pause=0.001)
        assert answer.replace(b"2001:db8::", b"2001:db8:0:0:0:0:0:") == web.says(told + head + b"more")
    assert [f["client"] for f in s.came(2)] == ["[2001:db8::1]:1000", "192.0.2.1:56324"]


def test_without_names_our_own_addresses_count(engine, serve, service):
    """LOCAL and UNKNOWN: whoever sent them is the client."""
    web = service("web")
    s = serve(engine, {"listen": [{"accept_proxy": True, "default": "web"}],
                       "backend": {"web": {"servers": [web.address], "send_proxy": "v1"}}})
    for said in (SIG + b"\x20\0\0\0", b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN what ever\r\n"):
        with dial(s.address) as c:
            port = c.getsockname()[1]
            c.sendall(said + b"x")
            c.shutdown(socket.SHUT_WR)
            assert read_all(c) == web.says(b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nx" % (port, s.port))


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", hello(), b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
                                  b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", SIG + b"\x31\x11\0\x0c" + bytes(12), b"PROXY", b""],
                         ids=["http", "tls", "port", "LF", "v3", "half", "nothing"])
def test_no_header_no_service(engine, serve, service, said):
    web = service("web")
    s = serve(engine, {"listen": [{"accept_proxy": True, "default": "web"}], "backend": {"web": {"servers": [web.address]}}})
    assert ask(s.address, said) in (b"", RESET)
    line = s.end()
    assert line["end"] == ("bad-head" if said else "client-gone") and line["up"] == 0
    assert not web.heard
    if said:
        assert s.said("a head that is none")
