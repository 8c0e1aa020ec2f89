# SPDX-License-Identifier: BSD-2-Clause
"""Unix sockets on either side, and the files they are."""
import os
import socket
import stat

import pytest

from actors import same_bytes

PLACES = ("loopback",)  # a file lies in no network
WORDS = ["both:300001", "shut", "expect:eof", "tell"]


def talks(c, s):
    c.done()
    s.done()
    same_bytes(c.told(0), s.told(0))


@pytest.fixture
def paths(tmp_path):
    return [f"unix:{tmp_path}/{name}" for name in ("relay", "server")]


@pytest.mark.parametrize("listen_unix,target_unix", [(True, False), (False, True), (True, True)],
                         ids=["client", "server", "both"])
def test_either_side(engine, listen_unix, target_unix, paths, relay, server, client):
    big = ["both:5m", "shut", "expect:eof", "tell"]
    s = server("accept", *big, host=paths[1] if target_unix else None)
    listen = ("--listen", paths[0]) if listen_unix else ()
    r = relay(engine, *listen, "--target", s.address)
    talks(client(r, *big), s)
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", 5 << 20, 5 << 20)
    if listen_unix:
        assert r.address == line["listen"] == paths[0]
    if target_unix:
        assert line["server"] == paths[1]


def test_half_close(engine, paths, relay, server, client):
    s = server("accept", "read:all", "send:2m", "shut", "tell", host=paths[1])
    r = relay(engine, "--listen", paths[0], "--target", s.address)
    talks(client(r, "send:2m", "shut", "read:all", "tell"), s)


def test_socket_file_goes_at_exit(engine, paths, relay):
    r = relay(engine, "--listen", paths[0], "--target", paths[1])
    path = paths[0][5:]
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    r.stop()
    assert not os.path.exists(path)


def test_stale_file_is_replaced(engine, paths, relay, server, client):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(paths[0][5:])
    s = server("accept", *WORDS)
    r = relay(engine, "--listen", paths[0], "--target", s.address)
    talks(client(r, *WORDS), s)


def test_live_one_is_refused(engine, paths, relay, echo, client):
    s = echo()
    first = relay(engine, "--listen", paths[0], "--target", s.address)
    second = relay(engine, "--listen", paths[0], "--target", s.address, starts=False)
    text = second.refuses(2)
    assert paths[0] in text and str(first.pid) in text
    client(first, "both:300001", "shut", "expect:eof").done()


def test_file_that_is_no_socket_stays(engine, paths, relay):
    path = paths[0][5:]
    with open(path, "w", encoding="ascii") as f:
        f.write("precious")
    r = relay(engine, "--listen", paths[0], "--target", paths[1], starts=False)
    assert paths[0] in r.refuses(2)
    with open(path, encoding="ascii") as f:
        assert f.read() == "precious"
