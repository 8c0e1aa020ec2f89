# SPDX-License-Identifier: BSD-2-Clause
"""IPv4, IPv6, both on one port, and names, on either side."""
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


@pytest.mark.places("loopback")
def test_names(engine, relay, server, client):
    s = server("accept", *WORDS)
    r = relay(engine, "--listen", "localhost:0", "--target",
              f"localhost:{s.address.rsplit(':', 1)[1]}")
    talks(client(f"127.0.0.1:{r.port}", *WORDS), s)
