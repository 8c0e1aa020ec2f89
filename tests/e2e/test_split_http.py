# SPDX-License-Identifier: BSD-2-Clause
"""A live stream by HTTP: what a client may ask."""
import re
import socket
import time

import pytest

from actors import PATIENCE, need
from splitting import crowd, feed, split  # noqa: F401

COMES = ("--source", "listen:127.0.0.1:0")
ENGINES = ("splice",)


def ask(s, text, finishes=b""):
    """What is answered to these bytes, to the end; `finishes` goes with a FIN."""
    with socket.create_connection(s.address.rsplit(":", 1), PATIENCE) as c:
        got = b""
        try:
            for part in ([text] if isinstance(text, bytes) else text):
                c.sendall(part)
                time.sleep(0.02)
            if finishes:
                c.sendall(finishes)
                c.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it is not listened to any more: the answer tells
        try:
            while data := c.recv(65536):
                got += data
        except ConnectionResetError:
            pass
    return got.decode("latin-1")


def status(answer):
    return int(re.match(r"HTTP/1\.1 (\d{3}) ", answer)[1])


@pytest.mark.parametrize("request_text, code, more", (
    (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Content-Type: video/mp2t"),
    (b"HEAD /?again HTTP/1.0\r\n\r\n", 200, "Cache-Control: no-store"),
    (b"HEAD http://x HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Connection: close"),
    (b"GET /else HTTP/1.1\r\nHost: x\r\n\r\n", 404, "Content-Length: 0"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "Allow: GET, HEAD"),
    (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, "Allow: GET, HEAD"),
    (b"\x16\x03\x01\x00\x05hello", 400, ""),
    (b"hello\r\n\r\n", 400, ""),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, ""),
))
def test_what_is_asked(engine, request_text, code, more, split):
    s = split(*COMES, "--http", "video/mp2t", "--engine", engine)
    answer = ask(s, request_text)
    assert status(answer) == code and more in answer
    assert answer.endswith("\r\n\r\n")
    line = s.end()
    assert (line["status"], line["end"]) == (code, "done")


def test_a_head_in_pieces(engine, split, feed, crowd):
    """Byte by byte; long; and with what a client says before it is asked to."""
    s = split(*COMES, "--http", "a/b", "--engine", engine)
    text = b"HEAD / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 5000 + b"\r\n\r\n"
    assert status(ask(s, [text[:1], text[1:5], text[5:900], text[900:3000], text[3000:]])) == 200
    assert status(ask(s, text + b"HEAD / HTTP/1.1\r\n\r\n")) == 200
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 70000
    assert status(ask(s, endless)) == 400


def test_get_is_live(engine, split, feed, crowd):
    s = split(*COMES, "--http", "a/b", "--engine", engine, "--align", "1024", "--on-source-end",
              "close")
    c = crowd(s, "-n", 50, "-g")
    feed(s.source_address, "-c", 4000, "-r", 4 << 20).result()
    heard = c.result()
    assert (heard["blocks_least"], heard["blocks_most"], heard["gaps"], heard["bad"],
            heard["fin"]) == (4000, 4000, 0, 0, 50)
    assert {(e["status"], e["end"]) for e in s.ends(50)} == {(200, "done")}


def test_one_too_many(engine, split, feed, crowd):
    s = split(*COMES, "--http", "a/b", "--engine", engine, "--max-subscribers", "1")
    crowd(s, "-n", 1, "-g")
    feed(s.source_address, "-c", 1 << 40, "-r", 1 << 20)
    s.message("source is here")
    answer = ask(s, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(answer) == 503 and "Retry-After" in answer


def test_half_a_head_is_not_waited_for(engine, split):
    s = split(*COMES, "--http", "a/b", "--engine", engine)
    assert status(ask(s, b"GET / HTTP/1.1\r\nHo")) == 408
    assert s.end()["status"] == 408
    with socket.create_connection(s.address.rsplit(":", 1), PATIENCE) as gone:
        gone.shutdown(socket.SHUT_WR)
        assert gone.recv(100) == b""
    assert s.ends(2)[1]["end"] == "client-gone"
    assert status(ask(s, b"", finishes=b"GET / HT")) == 400  # no more can come


def test_curl(split, feed, cast):
    need("curl")
    s = split(*COMES, "--http", "a/b", "--on-source-end", "close")
    c = cast.run(["curl", "-sS", "-D", "-", "-o", "/dev/null", "-w", "%{size_download}\n",
                  f"http://{s.address}/"])
    s.until(lambda: c.text("stdout").startswith("HTTP/1.1 200"))
    feed(s.source_address, "-c", 3000, "-r", 8 << 20).result()
    c.done()
    assert c.lines["stdout"][-1] == str(3000 * 1024)
