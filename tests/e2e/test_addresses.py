# SPDX-License-Identifier: BSD-2-Clause
"""IPv4, IPv6, both on one port, names, and unix sockets, on either side."""
import os
import socket
import stat

import pytest

from actors import same_bytes

WORDS = ["both:300001", "shut", "expect:eof", "tell"]


def talks(c, s):
    c.done()
    s.done()
    same_bytes(c.told(0), s.told(0))


@pytest.mark.parametrize("server_is", ["v4", "v6"])
@pytest.mark.parametrize("client_is", ["v4", "v6"])
def test_either_kind_on_either_side(engine, client_is, server_is, place, relay, server, client):
    listens = place.relay_host6 if client_is == "v6" else place.relay_host
    s = server("accept", *WORDS,
               host=(place.server_host6 if server_is == "v6" else place.server_host) + ":0")
    r = relay(engine, "--listen", f"{listens}:0", "--target", s.address)
    talks(client(r, *WORDS), s)
    line = r.end()
    assert line["listen"] == r.address == f"{listens}:{r.port}"
    assert line["client"].startswith("[") == (client_is == "v6")
    assert line["server"] == s.address


@pytest.mark.parametrize("wildcard", [":0", "[::]:0"])
def test_both_kinds_on_one_port(engine, wildcard, place, relay, server, client):
    s = server("n:2", "accept", *WORDS, "close")
    r = relay(engine, "--listen", wildcard, "--target", s.address)
    client(f"{place.relay_host}:{r.port}", *WORDS).done()
    client(f"{place.relay_host6}:{r.port}", *WORDS).done()
    s.done()
    v4, v6 = (f["client"] for f in sorted(r.ends(2), key=lambda f: f["client"].startswith("[")))
    assert v4.count(".") == 3 and ":ffff" not in v4, "a v4 client shall look like one"
    assert v6.startswith("[") and "." not in v6


def test_v4_wildcard_is_v4_alone(engine, place, relay, server, client):
    s = server("accept", *WORDS)
    r = relay(engine, "--listen", "0.0.0.0:0", "--target", s.address)
    assert client(f"{place.relay_host6}:{r.port}", *WORDS).wait() == 1
    talks(client(f"{place.relay_host}:{r.port}", *WORDS), s)


def test_several_listeners(engine, place, relay, server, client):
    s = server("n:2", "accept", *WORDS, "close")
    r = relay(engine, "--listen", f"{place.relay_host}:0", "--listen", f"{place.relay_host6}:0",
              "--target", s.address)
    addresses = [f["listen"] for f in r.listeners()]
    assert len(addresses) == 2
    for address in addresses:
        client(address, *WORDS).done()
    s.done()
    assert sorted(f["listen"] for f in r.ends(2)) == sorted(addresses)


def test_names(engine, place, relay, server, client):
    if place.name != "loopback":
        pytest.skip("names are those of this host")
    s = server("accept", *WORDS)
    r = relay(engine, "--listen", "localhost:0", "--target",
              f"localhost:{s.address.rsplit(':', 1)[1]}")
    talks(client(f"127.0.0.1:{r.port}", *WORDS), s)


# -- unix sockets: files, so the place does not matter --

@pytest.fixture
def paths(tmp_path, place):
    if place.name != "loopback":
        pytest.skip("a unix socket is a file: it lies in no network")
    return [f"unix:{tmp_path}/{name}" for name in ("relay", "server")]


@pytest.mark.parametrize("listen_unix,target_unix", [(True, False), (False, True), (True, True)],
                         ids=["client", "server", "both"])
def test_unix_sockets(engine, listen_unix, target_unix, paths, relay, server, client):
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


def test_unix_half_close(engine, paths, relay, server, client):
    s = server("accept", "read:all", "send:2m", "shut", "tell", host=paths[1])
    r = relay(engine, "--listen", paths[0], "--target", s.address)
    talks(client(r, "send:2m", "shut", "read:all", "tell"), s)


def test_unix_socket_file_goes_at_exit(engine, paths, relay):
    r = relay(engine, "--listen", paths[0], "--target", paths[1])
    path = paths[0][5:]
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    r.stop()
    assert not os.path.exists(path)


def test_unix_stale_file_is_replaced(engine, paths, relay, server, client):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(paths[0][5:])
    s = server("accept", *WORDS)
    r = relay(engine, "--listen", paths[0], "--target", s.address)
    talks(client(r, *WORDS), s)


def test_unix_live_one_is_refused(engine, paths, relay, server, client):
    s = server("accept", *WORDS)
    first = relay(engine, "--listen", paths[0], "--target", s.address)
    second = relay(engine, "--listen", paths[0], "--target", s.address, starts=False)
    assert paths[0] in second.refuses(2)
    talks(client(first, *WORDS), s)


def test_unix_file_that_is_no_socket_stays(engine, paths, relay):
    path = paths[0][5:]
    with open(path, "w", encoding="ascii") as f:
        f.write("precious")
    r = relay(engine, "--listen", paths[0], "--target", paths[1], starts=False)
    assert paths[0] in r.refuses(2)
    with open(path, encoding="ascii") as f:
        assert f.read() == "precious"
