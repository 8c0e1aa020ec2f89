# SPDX-License-Identifier: BSD-2-Clause
"""Two sides that speak TCP differently, and hops of different size: they are made to agree, or they
stay spliced; nothing fails either way."""
import json

import pytest

from actors import same_bytes
from field import QUIET
from world import CLIENT, RELAY, SERVER

PLACES = ("field",)
WORDS = ["both:60k", *QUIET, "both:6m", "shut", "expect:eof", "tell"]
SIZE = (60 << 10) + 300 + (6 << 20)
BOTH = (CLIENT, SERVER)
ALL = (CLIENT, RELAY, SERVER)


def play(field, pair, declined=None, host=None, listen=None):
    """Full duplex. It becomes a graft, or it is said why not."""
    args = ("--listen", f"{listen}:0") if listen else ()
    r, c, s = pair(WORDS, WORDS, *args, host=host)
    same_bytes(c.done().told(0), s.done().told(0))
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", SIZE, SIZE)
    assert (field.grafted(line) > 0) == (declined is None), f"{line}\n{field.status('status')}"
    assert line.get("declined") == declined
    told, = json.loads(field.status("status", "--json"))["folders"]
    assert {why for why, n in told["declined"].items() if n} == ({declined} if declined else set())


@pytest.mark.parametrize("option, value, who, declined", [
    ("tcp_timestamps", 0, (CLIENT,), None),  # our own SYN does without it, too
    ("tcp_timestamps", 0, (SERVER,), "timestamps"),
    ("tcp_timestamps", 0, BOTH, None),
    ("tcp_sack", 0, (CLIENT,), None),
    ("tcp_sack", 0, (SERVER,), "sack"),
    ("tcp_sack", 0, BOTH, None),
    ("tcp_window_scaling", 0, (CLIENT,), None),
    ("tcp_window_scaling", 0, (SERVER,), None),
    ("tcp_ecn", 1, (CLIENT,), "ecn"),
    ("tcp_ecn", 1, (SERVER,), None),  # it would, but nobody asks
    ("tcp_ecn", 1, ALL, None),
    ("tcp_ecn", 0, ALL, None),
])
def test_options(field, pair, option, value, who, declined):
    for host in who:
        field.sysctl(host, **{option: value})
    play(field, pair, declined)


def test_nothing_at_all(field, pair):
    """No option but the segment size."""
    for host in BOTH:
        field.sysctl(host, tcp_timestamps=0, tcp_sack=0, tcp_window_scaling=0)
    play(field, pair)


@pytest.mark.parametrize("devices", [("w1", "w1r"), ("w2", "w2r")])
@pytest.mark.parametrize("mtu", [1280, 9000])
def test_a_hop_of_another_size(field, pair, devices, mtu):
    who = CLIENT if devices[0] == "w1" else SERVER
    for host, dev in ((who, devices[0]), (RELAY, devices[1])):
        field.ip(host, "link", "set", dev, "mtu", str(mtu))
    play(field, pair)


def test_ipv6(field, pair):
    play(field, pair, host=field.server_host6, listen=field.relay_host6)


def test_ipv6_in_and_ipv4_out(field, pair):
    """Two families cannot be made one."""
    play(field, pair, "family", listen=field.relay_host6)


@pytest.mark.parametrize("hop", BOTH)
@pytest.mark.parametrize("family", [4, 6])
def test_a_path_that_shrinks(field, pair, hop, family):
    """Behind a router the path gets narrower after the cut: what the router says of it reaches the
    sender, who knows nothing of the connection that it is said about."""
    field.insert(hop)
    field.route(hop)
    host = field.server_host6 if family == 6 else None
    args = ("--listen", f"{field.relay_host6}:0") if family == 6 else ()
    sender = ["both:60k", *QUIET, "go", "send:6m", "shut", "expect:eof", "tell"]
    other = ["both:60k", *QUIET, "read:all", "shut", "tell"]
    words = (other, sender) if hop == CLIENT else (sender, other)
    r, c, s = pair(*words, *args, host=host)
    sending, reading = (s, c) if hop == CLIENT else (c, s)
    sending.ready()
    field.loses_sockets()
    field.ip("box", "link", "set", "boxa", "mtu", "1300")
    sending.go()
    c.done(30)
    s.done()
    assert reading.told(0)["read_sha"] == sending.told(0)["sent_sha"]
    line = r.end()
    assert line["end"] == "done" and field.grafted(line) >= 6 << 20
