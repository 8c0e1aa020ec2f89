# SPDX-License-Identifier: BSD-2-Clause
"""Clients that say nothing, or not enough: server-first protocols share the port, slow heads run out of
time, and one deadline holds for the whole head."""
import socket
import time

from hellos import hello
from services import RESET, ask, dial, read_all

PLACES = ("loopback",)
HEAD = hello(b"a.test")


def door(serve, service, engine, head="300ms", **listen):
    web, mail = service("web"), service("mail", greets=True)
    s = serve(engine, {
        "listen": [{"look": ["tls", "http", "ssh"], "default": "web", **listen}],
        "backend": {"web": {"servers": [web.address]}, "mail": {"servers": [mail.address]}},
        "timeouts": {"head": head}})
    return s, web


def test_a_server_that_speaks_first(engine, serve, service):
    s, web = door(serve, service, engine, on_silence="mail")
    with dial(s.address) as c:
        assert c.recv(100) == b"mail\n"
        words = bytes(range(256)) * 500
        c.sendall(words)
        c.shutdown(socket.SHUT_WR)
        assert read_all(c) == words
    assert ask(s.address, HEAD) == web.says(HEAD)
    silent, spoke = s.came(2)
    assert (silent["backend"], silent["end"], silent.get("proto")) == ("mail", "done", None)
    assert (spoke["backend"], spoke["proto"]) == ("web", "tls")


def test_silence_without_anybody_for_it(engine, serve, service):
    s, web = door(serve, service, engine)
    with dial(s.address) as c:
        assert read_all(c) in (b"", RESET)
    assert s.end()["end"] == "silent"
    assert not web.heard


def test_a_byte_now_and_then_buys_no_time(engine, serve, service):
    """Slow heads, of each kind: they are over when the head's time is, however much of it has come."""
    s, web = door(serve, service, engine, head="700ms", on_silence="mail")
    slow = [HEAD, b"POST / HTTP/1.1\r\nHost: a.test\r\nX: " + b"x" * 200, b"\x16\x03\x01\x02\x00\x01\x00"]
    for head in slow:
        began = time.monotonic()
        with dial(s.address) as c:
            try:
                for byte in head:
                    c.sendall(bytes([byte]))
                    time.sleep(0.1)
                    assert time.monotonic() - began < 60, "it goes on for ever"
            except OSError:
                pass
            assert read_all(c) in (b"", RESET)
    lines = s.ends(3)
    assert {(f["end"], f["up"]) for f in lines} == {("head-timeout", 0)}
    assert all(700 <= f["dur_ms"] < 10_000 for f in lines), lines
    assert s.said("a client is too slow") and not web.heard


def test_it_finishes_or_resets_while_it_is_looked_at(engine, serve, service):
    s, web = door(serve, service, engine, head="10s")
    assert ask(s.address, HEAD[:50]) in (b"", RESET)  # a half head, then its end
    assert ask(s.address) in (b"", RESET)              # an end alone
    for said in (HEAD[:50], b""):
        c = dial(s.address)
        c.sendall(said)
        time.sleep(0.1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        c.close()
    assert ask(s.address, HEAD) == web.says(HEAD)      # a whole head, then its end at once
    lines = s.came(5)
    assert [f["end"] for f in lines[:2]] == ["bad-head", "client-gone"]
    assert {f["end"] for f in lines[2:4]} <= {"client-gone", "client-reset"}
    assert lines[4]["end"] == "done"
