# SPDX-License-Identifier: BSD-2-Clause
"""Limits: of the whole, of a backend, of one client's address."""
from actors import PATIENCE
from services import RESET, ask, dial, read_all, take

PLACES = ("loopback",)


def in_and_up(address, name):
    """A client that has been brought to a server."""
    c = dial(address)
    c.sendall(b"x")
    assert take(c, len(name) + 2) == name.encode() + b"\nx"
    return c


def test_of_one_client(engine, serve, service):
    web = service("web")
    s = serve(engine, {"listen": [{"default": "web"}], "backend": {"web": {"servers": [web.address]}},
                       "limits": {"per_client": 3}})
    guests = [in_and_up(s.address, "web") for _ in range(3)]
    assert ask(s.address) in (b"", RESET)
    assert s.end()["end"] == "per-client"
    guests.pop().close()
    s.ends(2)
    assert ask(s.address, b"again") == web.says(b"again")
    for c in guests:
        c.close()


def test_of_one_client_behind_a_proxy(engine, serve, service):
    """It is the address in the header that counts."""
    web = service("web")
    s = serve(engine, {"listen": [{"default": "web", "accept_proxy": True}],
                       "backend": {"web": {"servers": [web.address]}}, "limits": {"per_client": 1}})

    def from_(host):
        c = dial(s.address)
        c.sendall(b"PROXY TCP4 %s 192.0.2.1 1000 443\r\nx" % host)
        return c
    first = from_(b"198.51.100.1")
    assert take(first, 5) == b"web\nx"
    with from_(b"198.51.100.1") as again:
        assert read_all(again) in (b"", RESET)
    with from_(b"198.51.100.2") as other:
        assert take(other, 5) == b"web\nx"
    assert s.came(2)[0]["client"] == "198.51.100.1:1000"
    assert [f["end"] for f in s.came(2)] == ["per-client", "done"]
    first.close()


def test_of_a_backend(engine, serve, service):
    web = service("web")
    s = serve(engine, {"listen": [{"default": "web"}],
                       "backend": {"web": {"servers": [web.address], "max_connections": 2}}})
    guests = [in_and_up(s.address, "web") for _ in range(2)]
    assert ask(s.address) in (b"", RESET)
    assert s.end()["end"] == "backend-full"
    guests.pop().close()
    s.ends(2)
    assert ask(s.address, b"again") == web.says(b"again")
    guests.pop().close()


def test_of_the_whole(engine, serve, service):
    """Those above it wait outside until somebody has left."""
    web = service("web")
    s = serve(engine, {"listen": [{"default": "web"}], "backend": {"web": {"servers": [web.address]}},
                       "limits": {"connections": 2}})
    guests = [in_and_up(s.address, "web") for _ in range(2)]
    with dial(s.address) as waiting:
        waiting.sendall(b"y")
        waiting.settimeout(0.4)
        try:
            assert waiting.recv(10) is None, "it was let in"
        except TimeoutError:
            pass
        waiting.settimeout(PATIENCE)
        guests.pop().close()
        assert take(waiting, 5) == b"web\ny"
    assert s.said("limit of connections")
    guests.pop().close()
    assert {f["end"] for f in s.ends(3)} == {"done"}
