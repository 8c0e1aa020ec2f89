# SPDX-License-Identifier: BSD-2-Clause
"""The payload's part of a checksum is carried along, never made anew: what leaves is right, and what came
damaged arrives damaged, for the receiver to find."""
import json
import os
import sys
import time

import pytest

from actors import same_bytes
from field import QUIET
from world import CLIENT, RELAY, SERVER

PLACES = ("field",)
SUMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sums.py")
DEVICES = {CLIENT: ["w1"], RELAY: ["w1r", "w2r"], SERVER: ["w2"]}
BAD = "TcpInCsumErrors"


@pytest.fixture
def watched(field, cast):
    """watched(): look at what leaves by each device from now on; called, the result tells of it."""
    def start():
        children = [cast.run([*field.prefix(who), sys.executable, SUMS, *devices], f"sums of {who}")
                    for who, devices in DEVICES.items()]
        for c in children:
            c.until(lambda c=c: c.lines["stdout"], what="ready")

        def finish():
            for c in children:
                c.proc.stdin.close()
            return {who: json.loads(c.done().lines["stdout"][1])
                    for who, c in zip(DEVICES, children, strict=True)}
        return finish
    return start


@pytest.mark.parametrize("family", [4, 6])
def test_nothing_is_offloaded(field, pair, watched, family):
    """No device makes sums or gathers packets: all of them are the hosts' own, and right."""
    field.offload(False)
    host = field.server_host6 if family == 6 else None
    args = ("--listen", f"{field.relay_host6}:0") if family == 6 else ()
    words = ["both:60k", *QUIET, "go", "both:3m", "shut", "expect:eof", "tell"]
    r, c, s = pair(words, words, *args, host=host)
    for peer in (c, s):
        peer.ready()
    field.loses_sockets()
    finish = watched()
    for peer in (c, s):
        peer.go()
    same_bytes(c.done().told(0), s.done().told(0))
    assert field.grafted(r.end()) >= 6 << 20
    told = finish()
    print(told)
    assert [t["wrong"] for t in told.values()] == [[], [], []]
    full = (3 << 20) // 1448
    assert told[RELAY]["payloads"] >= 2 * full
    assert min(told[who]["payloads"] for who in (CLIENT, SERVER)) >= full
    assert {field.counter(who, BAD) for who in DEVICES} == {0}


def test_a_wrong_bit_is_found_by_the_receiver(field, pair):
    """One packet in ten to the relay has a wrong bit in its payload. After the cut the server's kernel finds
    it, and nobody before."""
    field.insert(CLIENT)
    field.wire_up(flip=True)
    field.offload(False)
    ours = ["both:60k", *QUIET, "go", "send:6m", "shut", "expect:eof", "tell"]
    theirs = ["both:60k", *QUIET, "check:0", "read:all", "shut", "tell"]
    r, c, s = pair(ours, theirs)
    c.ready()
    field.loses_sockets()
    time.sleep(0.1)
    before = {who: field.counter(who, BAD) for who in (RELAY, SERVER)}
    c.go()
    c.done(60)
    s.done()
    assert s.told(0)["read_sha"] == c.told(0)["sent_sha"]
    line = r.end()
    assert line["end"] == "done" and field.grafted(line) >= 6 << 20
    after = {who: field.counter(who, BAD) for who in (RELAY, SERVER)}
    print(f"{BAD}: {before} before, {after} after")
    assert after[RELAY] == before[RELAY]
    assert after[SERVER] - before[SERVER] > (6 << 20) // 1448 // 20
