# SPDX-License-Identifier: BSD-2-Clause
"""HTTP heads: by their Host, and nobody is brought to a server by one that can be read in two ways."""
import pytest

from services import RESET, ask

PLACES = ("loopback",)
BODY = bytes(range(256)) * 200


def head(*lines, request=b"POST /p HTTP/1.1"):
    return b"\r\n".join([request, *lines, b"", b""])


@pytest.fixture
def hosts(serve, service):
    def start(engine):
        site, other = service("site"), service("other")
        s = serve(engine, {
            "listen": [{"look": ["http"], "routes": [{"host": ["www.test", "*.w.test"], "backend": "site"}],
                        "default": "other"}],
            "backend": {"site": {"servers": [site.address]}, "other": {"servers": [other.address]}}})
        return s, site, other
    return start


def test_by_host(engine, hosts):
    """In one piece, or a byte at a time; with a port, in other letters, behind other headers."""
    s, site, other = hosts(engine)
    for line in (b"Host: www.test", b"host:WWW.Test:8080", b"Host: x.y.w.test", b"Host:   www.test  "):
        h = head(b"User-Agent: a", b"X-Long: " + b"x" * 5000, line, b"Content-Length: 51200")
        assert ask(s.address, h + BODY) == site.says(h + BODY), line
    h = head(b"Host: www.test", b"Content-Length: 51200")
    assert ask(s.address, *[bytes([b]) for b in h], BODY, pause=0.001) == site.says(h + BODY)
    h = head(b"Host: www2.test", b"Content-Length: 51200")
    assert ask(s.address, h + BODY) == other.says(h + BODY)
    lines = s.came(6)
    assert [f["host"] for f in lines] == ["www.test", "www.test", "x.y.w.test", "www.test", "www.test", "www2.test"]
    assert {(f["proto"], f["end"]) for f in lines} == {("http", "done")}


AMBIGUOUS = {
    "two hosts": head(b"Host: www.test", b"Host: evil.test"),
    "the other way round": head(b"Host: evil.test", b"Host: www.test"),
    "none": head(b"Accept: */*"),
    "NUL": head(b"Host: www.test\0.evil"),
    "folded": head(b"Host: www.test\r\n  .evil"),
    "space before the colon": head(b"Host : www.test"),
    "bare LF": head(b"Host: evil.test\nHost: www.test"),
    "a list": head(b"Host: www.test, evil.test"),
    "target is another": head(b"Host: www.test", request=b"GET http://evil.test/ HTTP/1.1"),
}


@pytest.mark.parametrize("text", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_can_be_read_in_two_ways(engine, hosts, text):
    s, site, other = hosts(engine)
    assert ask(s.address, text) in (b"", RESET, other.says(text))
    assert not site.heard
    line = s.end()
    assert line["end"] == "bad-head" and line["reason"] or line["backend"] == "other", line


def test_no_http_at_all(engine, hosts):
    s, site, other = hosts(engine)
    assert ask(s.address, b"\x00\x01\x02 what") == other.says(b"\x00\x01\x02 what")
    assert not site.heard
    assert s.end()["proto"] == "unknown"
