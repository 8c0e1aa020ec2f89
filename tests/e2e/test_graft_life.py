# SPDX-License-Identifier: BSD-2-Clause
"""Grafts live longer than the relay that made them, by thousands, and are cleaned up after."""
import hashlib
import json
import os
import signal
import time

import pytest

from actors import LONG, need, same_bytes
from field import QUIET
from test_nginx import CONF
from world import CLIENT, SERVER

PLACES = ("field",)


@pytest.fixture
def grown(field, graft, echo, swarm):
    """grown(count, ...): so many connections that are grafts, all of them: relay and swarm."""
    def start(count, *args, first=40_000):
        r = graft("--target", echo().address, *args)
        w = swarm(r)
        w.order(f"open {count}")
        for size in (first, 100, 100, 100):
            w.order(f"round {size}")
            time.sleep(0.1)
        field.loses_sockets()
        return r, w
    return start


def restart(r, graft, *args):
    """Another relay where r was: same listener, same target."""
    target = r.argv[r.argv.index("--target") + 1]
    return graft("--listen", r.address, "--target", target, *args)


def test_two_thousand(field, grown):
    """Each byte arrives where it belongs, and the relay's kernel has no socket for any of them."""
    r, w = grown(2000, first=3000)
    assert r.fds()["socket"] < 50
    w.order("round 20000")
    w.order("close")
    lines = r.ends(2000, 30)
    assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", 23300, 23300)}
    assert min(field.grafted(f) for f in lines) >= 40_000


def test_killed(field, grown, graft):
    """SIGKILL while thirty transfers are under way: all of them end well, and a new relay adopts them
    and tells of each, with all of its bytes."""
    r, w = grown(30)
    w.say(f"round {5 << 20}")
    time.sleep(0.1)
    r.signal(signal.SIGKILL)
    r.left = True
    r.wait()
    time.sleep(0.2)
    again = restart(r, graft)
    w.answer()
    w.order("round 1000")
    w.order("close")
    lines = again.ends(30)
    total = 40_300 + (5 << 20) + 1000
    assert {(f["end"], f["up"], f["down"], f["adopted"]) for f in lines} == {
        ("done", total, total, "yes")}
    assert len({f["conn"] for f in lines}) == 30
    assert min(field.grafted(f) if "graft" in f else f["up"] + f["down"] for f in lines) > 10 << 20


def test_new_ones_beside_adopted_ones(field, grown, graft, swarm):
    """Ports of adopted grafts are not given out again."""
    r, w = grown(40)
    r.signal(signal.SIGKILL)
    r.left = True
    r.wait()
    again = restart(r, graft)
    v = swarm(again)
    v.order("open 200")
    for _ in range(3):
        v.order("round 5000")
        w.order("round 5000")
    v.order("close")
    w.order("close")
    lines = again.ends(240)
    assert {f["end"] for f in lines} == {"done"}
    assert {f["up"] for f in lines if "adopted" in f} == {55_300}
    assert {f["up"] for f in lines if "adopted" not in f} == {15_000}


def test_a_half_closed_one_is_adopted(field, pair, graft):
    """The FIN of one side was before the restart, the other one's comes after."""
    r, c, s = pair(["both:60k", *QUIET, "send:10", "shut", "read:all", "tell"],
                   ["both:60k", *QUIET, "read:all", "go", "send:3m", "shut", "tell"])
    s.ready()
    field.loses_sockets()
    r.signal(signal.SIGKILL)
    r.left = True
    r.wait()
    again = restart(r, graft)
    s.go()
    same_bytes(c.done().told(0), s.done().told(0))
    line = again.end()
    assert (line["end"], line["up"], line["down"]) == (
        "done", (60 << 10) + 310, (60 << 10) + 300 + (3 << 20))


def test_drained(field, grown, graft):
    """SIGUSR1: the relay goes at once, its grafts go on without it, and are adopted."""
    r, w = grown(20)
    began = time.monotonic()
    r.signal(signal.SIGUSR1)
    r.leaves()
    assert time.monotonic() - began < 2
    assert {f["end"] for f in r.ends(20)} == {"left"}
    w.order("round 300000")
    again = restart(r, graft)
    w.order("round 1000")
    w.order("close")
    assert {(f["end"], f["up"], f["down"]) for f in again.ends(20)} == {("done", 341_300, 341_300)}


@pytest.mark.parametrize("keep", ["keep", "reset"])
def test_on_exit(field, graft, pair, keep):
    """SIGTERM leaves grafts alone, or ends both of their connections, as was asked for."""
    r, c, s = pair(["both:60k", *QUIET, "go", "send:1" if keep == "keep" else "expect:reset", "shut", "tell"],
                   ["both:60k", *QUIET, "read:1" if keep == "keep" else "expect:reset", "tell"],
                   "--on-exit", keep)
    c.ready()
    field.loses_sockets()
    r.stop()
    assert r.end()["end"] in (("left",) if keep == "keep" else ("stop", "stopped", "shutdown"))
    c.go().done()
    s.done()


def test_idle_timeout(field, pair):
    """A graft on which nothing moves is ended, at both ends."""
    r, c, s = pair(["both:60k", *QUIET, "expect:reset", "tell"],
                   ["both:60k", *QUIET, "expect:reset", "tell"],
                   "--idle-timeout", "1s")
    field.loses_sockets()
    c.done(8)
    s.done(8)
    assert r.end()["end"] == "idle"


def test_adopted_ones_that_idle(field, grown, graft):
    """They are ended by who adopted them, at both ends, and told of."""
    r, w = grown(5)
    r.signal(signal.SIGKILL)
    r.left = True
    r.wait()
    again = restart(r, graft, "--idle-timeout", "1s")
    lines = again.ends(5)
    assert {(f["end"], f["adopted"], f["up"], f["down"]) for f in lines} == {("idle", "yes", 40_300, 40_300)}
    w.say("round 1")
    assert w.wait(10) == 1  # each was reset
    assert json.loads(field.status("list", "--json"))["grafts"] == []


def test_slots_are_used_up(field, graft, echo, swarm):
    """The rest is spliced, and when slots come free, they are used again."""
    r = graft("--target", echo().address, "--graft-slots", "8")
    w = swarm(r)
    for times in (1, 2):
        w.order("open 30")
        for _ in range(4):
            w.order("round 9000")
            time.sleep(0.1)
        w.order("close")
        lines = r.ends(30 * times)[30 * (times - 1):]
        assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", 36_000, 36_000)}
        assert sum(field.grafted(f) > 0 for f in lines) == 8
        assert {f.get("declined") for f in lines if not field.grafted(f)} == {"slots"}
        told, = json.loads(field.status("status", "--json"))["folders"]
        assert told["declined"]["slots"] == 22 * times
        time.sleep(2.5)  # until the slots are free


def test_a_tuple_again(field, graft, server, client):
    """The client's port is used again at once, for the same listener: no graft of before is in its
    way. First after an end in order, then after resets."""
    words = ["both:3000", "pause:60", "both:3000", "pause:60", "both:3000"]
    ends = {"client": [*words, "expect:eof", "close"], "server": [*words, "shut", "expect:eof", "close"]}
    broken = {"client": [*words, "flushed", "reset"], "server": [*words, "expect:reset", "close"]}
    s = server("n:4", "accept", *ends["server"], "accept", *broken["server"])
    r = graft("--target", s.address)
    rounds = [w for _ in range(4) for how in (ends, broken)
              for w in (f"connect:{r.address}", *how["client"])]
    client(r, *rounds[1:], before=("from:10.91.1.1:7777",)).done()
    s.done()
    lines = r.ends(8)
    assert {(f["up"], f["down"]) for f in lines} == {(9000, 9000)}
    assert sum(field.grafted(f) > 0 for f in lines) >= 6


@pytest.mark.skipif(not LONG, reason="the long run's (SHUNT_LONG=1)")
def test_killed_with_nginx_and_curl(field, cast, graft, tmp_path):
    """Thirty downloads of 100 MB by curl from nginx."""
    need("nginx", "curl")
    (tmp_path / "www").mkdir()
    body = os.urandom(1 << 20) * 100
    (tmp_path / "www/file").write_bytes(body)
    address = f"{field.server_host}:{field.free_port()}"
    (tmp_path / "nginx.conf").write_text(CONF.format(dir=tmp_path, address=address))
    cast.run([*field.prefix(SERVER), "nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"),
              "-e", str(tmp_path / "error.log")])
    time.sleep(1)
    r = graft("--target", address, after="32K")
    curls = [cast.run([*field.prefix(CLIENT), "sh", "-c", "curl -sS --limit-rate 20M "
                       f"http://{r.address}/file | sha256sum"], "curl") for _ in range(30)]
    field.until(lambda: len(json.loads(field.status("list", "--json"))["grafts"]) == 30, "the last of them")
    field.loses_sockets(seconds=30)
    r.signal(signal.SIGKILL)
    r.left = True
    r.wait()
    again = restart(r, graft)
    want = hashlib.sha256(body).hexdigest()
    assert {c.done(120).text("stdout").split()[0] for c in curls} == {want}
    lines = again.ends(30)
    assert {f["end"] for f in lines} == {"done"}
    assert all(f["down"] > len(body) and f["down"] < len(body) + 1000 for f in lines)
