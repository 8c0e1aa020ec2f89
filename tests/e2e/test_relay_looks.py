# SPDX-License-Identifier: BSD-2-Clause
"""`shunt relay` that looks: by name, host and protocol, with PROXY headers in and out; one command, no file."""
import pytest

from hellos import hello
from services import RESET, ask

PLACES = ("loopback",)
HTTP = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"


def test_each_to_its_own(engine, relay, service):
    names = ("a", "b", "site", "ssh", "tls", "rest")
    to = {n: service(n) for n in names}
    r = relay(engine, "--sni", f"a.test={to['a'].address}", "--sni", f"*.b.test={to['b'].address}",
              "--http-host", f"www.test={to['site'].address}", "--ssh", to["ssh"].address,
              "--tls", to["tls"].address, "--default", to["rest"].address, "--head-timeout", "300ms")
    for name, said in (("a", hello(b"a.test")), ("b", hello(b"x.b.test")), ("tls", hello(b"b.test")),
                       ("tls", hello(None)), ("site", HTTP % b"www.test"), ("rest", HTTP % b"other.test"),
                       ("ssh", b"SSH-2.0-me\r\n"), ("rest", b"\0\0\0\0what")):
        assert ask(r.address, said) == to[name].says(said), said
    lines = r.came(8)
    assert [f["backend"] for f in lines] == ["sni:a.test", "sni:*.b.test", "tls", "tls", "host:www.test", "default",
                                             "ssh", "default"]
    assert [f["proto"] for f in lines] == ["tls"] * 4 + ["http"] * 2 + ["ssh", "unknown"]


def test_silence_is_for_ssh(engine, relay, service):
    ssh, web = service("ssh", greets=True), service("web")
    r = relay(engine, "--ssh", ssh.address, "--default", web.address, "--head-timeout", "200ms")
    assert ask(r.address, b"GET /", pause=0.1) == web.says(b"GET /")
    answer = ask(r.address, b"", b"late", pause=0.5)
    assert answer == ssh.says(b"late")


def test_no_default_no_service(engine, relay, service):
    a = service("a")
    r = relay(engine, "--sni", f"a.test={a.address}")
    assert ask(r.address, hello(b"b.test")) in (b"", RESET)
    assert ask(r.address, hello(b"a.test")) == a.says(hello(b"a.test"))
    assert [f["end"] for f in r.came(2)] == ["no-route", "done"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_proxy_headers_in_and_out(engine, relay, service, version):
    web = service("web")
    inner = relay(engine, "--target", web.address, "--send-proxy", "v1")  # shows what it was told
    outer = relay(engine, "--target", inner.address, "--send-proxy", version)
    inner.stop()
    inner = relay(engine, "--listen", inner.address, "--accept-proxy", "--send-proxy", "v1", "--target", web.address)
    answer = ask(outer.address, b"hello")
    line = outer.end()
    host, port = line["client"].split(":")
    _, here = outer.address.split(":")
    told = f"PROXY TCP4 {host} 127.0.0.1 {port} {here}\r\n".encode()
    assert answer == web.says(told + b"hello")
    assert inner.end()["client"] == line["client"], "the first source is the client"
