# SPDX-License-Identifier: BSD-2-Clause
"""What happens to the machine under grafts: programs taken off, links that go, neighbours that change,
addresses translated, peers on the same host, a forged reset."""
import json
import os
import sys
import time

import pytest

from actors import PEER, Peer, need, same_bytes
from field import QUIET, counted
from world import CLIENT, RELAY, SERVER

PLACES = ("field",)
HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ["both:60k", *QUIET, "go", "both:3m", "shut", "expect:eof", "tell"]
MOVED = (60 << 10) + 300 + (3 << 20)


@pytest.fixture
def living(field, pair):
    """living(...): a pair that is a graft and waits; a function that lets it go on, to its end."""
    def start(*args):
        r, c, s = pair(WORDS, WORDS, *args)
        for peer in (c, s):
            peer.ready()
        field.loses_sockets()

        def finish():
            for peer in (c, s):
                peer.go()
            same_bytes(c.done().told(0), s.done().told(0))
            return counted(r, field, MOVED, MOVED, 6 << 20)
        return r, finish
    return start


def said(r, words, seconds=10):
    return r.until(lambda: [line for line in r.lines["stderr"] if words in line], seconds, words)


def devices(field):
    told, = json.loads(field.status("status", "--json"))["folders"]
    return {d["name"] for d in told["devices"]}


def links(field):
    """The pins of TCX links."""
    return [os.path.join(folder, name) for folder, _, names in os.walk(f"{field.bpffs}/shunt") for name in names
            if name.startswith("link-")]


def test_programs_taken_off(field, living):
    """Somebody detaches ours from each device. It is noticed, mended and told; grafts go on."""
    need("bpftool")
    r, finish = living()
    pins = links(field)
    if not pins:
        pytest.skip("no TCX here; filters are tried by graft-device")
    for pin in pins:
        field.do(RELAY, "bpftool", "link", "detach", "pinned", pin)
    for dev in ("w1r", "w2r"):
        for way in ("in", "out"):
            said(r, f"on the way {way} of {dev} our program was missing; it is there again")
    assert devices(field) == {"lo", "w1r", "w2r"}
    finish()


def test_pins_taken_away(field, living):
    """Somebody empties the folder: links without a pin go with it."""
    r, finish = living()
    if not links(field):
        pytest.skip("no TCX here")
    for pin in links(field):
        os.unlink(pin)
    said(r, "on the way in of w2r our program was missing; it is there again")
    finish()


def test_another_link_takes_over(field, living):
    """The link to the server goes down, and there is another way, by a device that came later."""
    _, finish = living()
    field.wire_more()
    field.until(lambda: "w3r" in devices(field), "the programs on w3r")
    for who, dev in ((RELAY, "w2r"), (SERVER, "w2")):
        field.ip(who, "link", "set", dev, "down")
    finish()
    assert int(field.do(RELAY, "cat", "/sys/class/net/w3r/statistics/tx_bytes")) > 3 << 20


def test_a_neighbour_gets_another_card(field, living):
    _, finish = living()
    field.ip(SERVER, "link", "set", "w2", "address", "02:00:00:00:12:34")
    field.ip(RELAY, "neigh", "flush", "dev", "w2r")
    finish()


@pytest.mark.parametrize("listed", [True, False])
def test_our_own_address_is_translated(field, pair, listed):
    """On the way to the server our packets get another address, which no socket tells: it is never cut,
    and said to be so. Without translation the same words make a graft."""
    if listed:
        field.translate()
    words = ["both:1000", "pause:100"] * 45
    r, c, s = pair([*words, "shut", "expect:eof", "tell"], [*words, "expect:eof", "shut", "tell"])
    same_bytes(c.done().told(0), s.done().told(0))
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", 45_000, 45_000)
    assert (field.grafted(line) > 0) != listed
    assert line.get("declined") == ("device" if listed else None)
    told, = json.loads(field.status("status", "--json"))["folders"]
    assert told["declined"]["device"] == listed


@pytest.mark.parametrize("theirs", [SERVER, RELAY, CLIENT])
@pytest.mark.parametrize("ours", [CLIENT, RELAY])
def test_who_is_where(field, cast, graft, ours, theirs):
    """Peers on the relay's own host, by lo; and both behind the same device (a hairpin)."""
    at = {SERVER: field.server_host, RELAY: "127.0.0.1", CLIENT: "10.91.1.1"}[theirs]
    words = ["both:60k", *QUIET, "both:6m", "shut", "expect:eof", "tell"]
    s = cast.add(Peer([*field.prefix(theirs), PEER, f"listen:{at}:0", "accept", *words], "server"))
    r = graft("--target", s.address)
    c = cast.add(Peer([*field.prefix(ours), PEER, f"connect:{r.address}", *words], "client"))
    same_bytes(c.done().told(0), s.done().told(0))
    moved = (60 << 10) + 300 + (6 << 20)
    counted(r, field, moved, moved, 10 << 20)


def test_a_forged_reset(field, cast, graft, echo):
    """A reset just beside the byte that is waited for: its receiver does not believe it (RFC 5961), and the
    graft lives on, though the program took it for one."""
    r = graft("--target", echo().address)
    c = cast.run([*field.prefix(CLIENT), sys.executable, os.path.join(HERE, "forge.py"), r.address, "w1"], "forge")
    c.until(lambda: "forged" in c.lines["stdout"], 20, "forged")
    states = set()
    while c.proc.poll() is None:
        states |= {g["state"] for g in json.loads(field.status("list", "--json"))["grafts"]}
        time.sleep(0.05)
    told = json.loads(c.done().lines["stdout"][-1])
    assert {"over", "live"} <= states
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", told["sent"], told["sent"])
    assert field.counter(SERVER, "TcpExtTCPChallengeACK") >= 1
