# SPDX-License-Identifier: BSD-2-Clause
"""Wires that lose, double and hold up packets, on every hop and in every direction: no byte is wrong,
and nobody waits longer than with plain splicing."""
import json

import pytest

from actors import LONG, PEER, same_bytes
from world import CLIENT, SERVER

PLACES = ("field",)
TO = ("--connect-timeout", "30s", "--target")  # three SYNs in a row may be lost, of so many


@pytest.fixture
def mixed(field, cast):
    """mixed(relay, count, at_once, seed, most): so many connections of mixed kinds; what they told."""
    def start(r, count, at_once, seed, most, seconds=100):
        child = cast.run([*field.prefix(CLIENT), PEER, "-t", str(seconds), "mixed", r.address,
                          str(count), str(at_once), str(seed), most], "mixed")
        child.done(seconds)
        return json.loads(child.text("stdout"))
    return start


@pytest.fixture
def mixed_server(field, cast):
    """The other end of them: its address. It ends with the story, or with a word about what went wrong."""
    child = cast.run([*field.prefix(SERVER), PEER, "-t", "3000" if LONG else "100", "mixed-server",
                      f"{field.server_host}:0"], "mixed-server")
    child.until(lambda: child.lines["stdout"], what="its address")
    yield child.lines["stdout"][0].split()[1]
    assert child.proc.poll() is None, child.text()


def told(r, field, count, seconds=20):
    """The lines of all that ended: none in error; how many became grafts."""
    lines = r.ends(count, seconds)
    assert {line["end"] for line in lines} <= {"done", "client-reset", "server-reset"}
    return sum(field.grafted(line) > 0 for line in lines)


BAD = {"loss": "TcpRetransSegs", "twice": "TcpExtTCPDSACKOldSent", "late": "TcpExtTCPOFOQueue"}


def was_bad(field, wire):
    """The ends have noticed."""
    assert sum(field.counter(who, BAD[wire]) for who in (CLIENT, SERVER)) > 0


@pytest.mark.parametrize("wire", ["good", "loss", "twice", "late"])
def test_mixed_kinds(field, graft, mixed_server, mixed, wire):
    """Half a thousand connections of six kinds."""
    if wire != "good":
        field.spoil(wire)
    count = 500 if wire == "loss" else 300
    r = graft(*TO, mixed_server)
    result = mixed(r, count, 60, 1, "100k")
    assert result["done"] == count
    grafts = told(r, field, count)
    print(f"{grafts} of {count} were grafted; {result}")
    assert grafts > count // 10
    field.loses_sockets()


@pytest.mark.parametrize("wire", ["loss", "twice", "late"])
def test_bulk(field, graft, server, client, wire):
    """Each direction on its own, and both at once, below TCP, over a bad wire."""
    field.spoil(wire)
    words = ["send:8m", "read:8m", "both:8m", "shut", "expect:eof", "tell"]
    theirs = ["read:8m", "send:8m", "both:8m", "shut", "expect:eof", "tell"]
    s = server("accept", *theirs, before=("-t", "100"))
    r = graft("--target", s.address)
    c = client(r, *words, before=("-t", "100")).done(100)
    same_bytes(c.told(0), s.done().told(0))
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", 16 << 20, 16 << 20)
    assert field.grafted(line) > 8 << 20
    if wire != "late":  # few packets, and large ones: by chance none of them came late
        was_bad(field, wire)


@pytest.mark.skipif(not LONG, reason="the long run's (SHUNT_LONG=1)")
def test_soak(field, graft, relay, mixed_server, mixed):
    """50,000 connections of mixed kinds with loss. The first 20,000 of them also by splice, by turns: as grafts
    they take no longer."""
    field.spoil("loss")
    r = graft(*TO, mixed_server)
    plain = relay("splice", *TO, mixed_server)
    took = {"graft": [], "splice": []}
    for seed in range(1, 11):
        for name, by in ("graft", r), ("splice", plain):
            if by is plain and seed > 4:
                continue
            result = mixed(by, 5000, 120, seed, "60k", 600)
            assert result["done"] == 5000
            took[name].append(result["p99_ms"])
    grafts = told(r, field, 50_000, 30)
    told(plain, field, 20_000, 30)
    print(f"{grafts} of 50000 were grafted; p99 in ms: {took}")
    assert grafts > 5000
    field.loses_sockets()
    graft_p99, splice_p99 = sorted(took["graft"][:4]), sorted(took["splice"])
    assert graft_p99[1] <= splice_p99[2] * 1.2 + 50, took
