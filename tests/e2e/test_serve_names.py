# SPDX-License-Identifier: BSD-2-Clause
"""Names that change, that are not there, whose name server says nothing."""
import json
import os
import sys
import time

import pytest

import world as worlds
from actors import SHUNT, Relay
from serving import logged, serving

PLACES = ("world",)
ZONE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zone.py")
# `ip netns exec` has given us mounts of our own.
ASKING = ["sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"']


@pytest.fixture
def zone(place, cast, tmp_path):
    """zone({...}): from now on the name server of the relay's host says so (zone.py)."""
    file = tmp_path / "zone.json"

    def say(known):
        fresh = tmp_path / "zone.new"
        fresh.write_text(json.dumps(known))
        os.replace(fresh, file)
    say({})
    child = cast.run([*place.prefix(worlds.RELAY), sys.executable, ZONE, "127.0.0.1", "53", str(file)],
                     "name server")
    child.until(lambda: "answering" in child.lines["stdout"])
    return say


@pytest.fixture
def asking(place, tmp_path):
    """Words before a command that asks that name server."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    return [*place.prefix(worlds.RELAY), *ASKING, str(resolv)]


@pytest.fixture
def serve_name(place, cast, asking, tmp_path):
    """serve_name("_x._tcp.test"): a daemon that brings all to that server."""
    return lambda name: serving(cast, tmp_path, f"{place.relay_host}:0", f'{{servers: ["{name}"]}}', asking)


def srv(server):
    return {"_x._tcp.test SRV": [f"0 0 {server.address.rsplit(':', 1)[1]} h.test"], "h.test A": ["10.91.2.1"]}


def test_a_name_that_changes_takes_new_clients_along(zone, serve_name, echo, client):
    old, new = echo(), echo()
    zone(srv(old))
    s = serve_name("_x._tcp.test")
    stays = client(s, "send:1000", "read:1000", "go", "send:100k", "read:100k", "shut", "expect:eof").ready()
    zone(srv(new))
    line = logged(s, "a name has other addresses")
    assert (line["name"], line["addresses"]) == ("_x._tcp.test", 1)
    client(s, "send:1000", "read:1000", "shut", "expect:eof").done()
    assert s.end()["server"] == new.address
    stays.go().done()
    assert [f["server"] for f in s.ends(2)] == [new.address, old.address]


def test_a_name_that_is_gone_keeps_its_servers(zone, serve_name, echo, client):
    server = echo()
    zone(srv(server))
    s = serve_name("_x._tcp.test")
    zone({})
    line = logged(s, "a name cannot be resolved")
    assert (line["reason"], line["addresses"]) == ("there is no such name", 1)
    client(s, "send:1000", "read:1000", "shut", "expect:eof").done()
    assert s.end()["server"] == server.address
    zone(srv(server))
    logged(s, "a name is resolved again")
    assert sum("a name cannot be resolved" in x for x in s.lines["stderr"]) == 1


def test_a_name_server_that_says_nothing_is_not_waited_for(zone, serve_name, echo, client):
    server = echo()
    zone({"_x._tcp.test SRV": None})
    began = time.monotonic()
    s = serve_name("_x._tcp.test")
    assert time.monotonic() - began < 20
    client(s, "expect:reset").done()
    zone(srv(server))
    logged(s, "a name is resolved again")
    client(s, "send:1000", "read:1000", "shut", "expect:eof").done()
    assert s.ends(2)[1]["server"] == server.address


def test_a_command_line_with_a_wrong_name_does_not_start(zone, asking, cast, place):
    zone({"good.test A": ["10.91.2.1"]})
    r = cast.add(Relay([*asking, SHUNT, "relay", "--listen", f"{place.relay_host}:0",
                        "--target", "good.test:80", "--target", "bad.test:80"], "relay"))
    assert "bad.test:80: there is no such name" in r.refuses(1)
