# SPDX-License-Identifier: BSD-2-Clause
"""`shunt graft`: what it shows is so, and after detach the machine is as it was before."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from actors import SHUNT, need
from world import RELAY

PLACES = ("field",)
PINGS = ("ping:40", "pause:100", "ping:40")  # a moment in which nobody owes anything
PINGED = 80
KINDS = {"in": "prog", "out": "prog", "link": "link"}  # what is pinned, by how its name begins
RESERVED = ("cat", "/proc/sys/net/ipv4/ip_local_reserved_ports")


def shunt_graft(field, *args):
    """(exit code, stdout, stderr), on the relay's host."""
    done = subprocess.run([*field.prefix(RELAY), SHUNT, "graft", *args, "--bpffs", field.bpffs],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def folders(field):
    return json.loads(field.status("status", "--json"))["folders"]


def grafts(field):
    return json.loads(field.status("list", "--json"))["grafts"]


@pytest.fixture
def live(field, graft, echo, client):
    """live(n): a relay with n grafts, each of which has pinged, and waits for `go` to ping again."""
    def start(count, *args, last=("ping:1", "shut", "expect:eof")):
        s = echo()
        r = graft("--target", s.address, *args)
        clients = [client(r, *PINGS, "go", *last, before=("-t", "60")) for _ in range(count)]
        for c in clients:
            c.ready()
        field.loses_sockets()
        return r, s, clients
    return start


def killed(relay):
    relay.signal(signal.SIGKILL)
    relay.left = True
    relay.wait()


def pinned(field):
    """{(kind, number in the kernel)} of all that is pinned below the field's bpffs."""
    found = set()
    for folder, _, names in os.walk(f"{field.bpffs}/shunt"):
        for name in names:
            kind = KINDS.get(name.split("-")[0], "map")
            told = json.loads(field.do(RELAY, "bpftool", "-j", kind, "show", "pinned",
                                       os.path.join(folder, name)))
            found.add((kind, told["id"]))
    return found


def gone(field, things, seconds=5):
    """Until the kernel knows none of these any more: it takes its time to free them."""
    deadline = time.monotonic() + seconds
    while True:
        known = set()
        for kind in ("prog", "map", "link"):
            told = json.loads(field.do(RELAY, "bpftool", "-j", kind, "show"))
            known |= {(kind, one["id"]) for one in told}
        if not known & things:
            return
        assert time.monotonic() < deadline, f"still there: {known & things}"
        time.sleep(0.1)


def as_before(field, things, reserved):
    """No program, map, link, pin, filter, qdisc or port reservation of ours is left."""
    assert things
    gone(field, things)
    assert not os.path.exists(f"{field.bpffs}/shunt")
    assert "shunt" not in field.do(RELAY, "bpftool", "net")
    assert "clsact" not in field.do(RELAY, "tc", "qdisc", "show")
    assert field.do(RELAY, *RESERVED) == reserved


def test_list_tells_of_each(field, live):
    r, s, clients = live(3)
    for c in clients[:1]:
        c.go().done()
    told = [g for g in grafts(field) if g["state"] == "live"]
    assert {g["conn"] for g in told} | {r.end()["conn"]} == {1, 2, 3}
    for g in told:
        assert (g["listen"], g["server"]) == (r.address, s.address)
        assert g["client"].startswith("10.91.1.1:") and g["from"].startswith("10.91.2.2:")
        assert 40000 <= int(g["from"].split(":")[1]) <= 49999
        for way in ("up", "down"):
            assert g[way] + g[f"before_{way}"] == PINGED
            assert g[way] >= 30 and g[f"{way}_packets"] >= g[way]
        assert g["age_ms"] >= 100 and g["idle_ms"] <= g["age_ms"]
    assert len({g["client"] for g in told}) == len({g["from"] for g in told}) == 2
    for c in clients[1:]:
        c.go().done()


def test_list_as_text_says_the_same(field, live):
    live(2)
    lines = field.status("list").splitlines()
    told = [dict(word.split("=", 1) for word in line.split(" ")) for line in lines]
    for text, one in zip(told, grafts(field), strict=True):
        assert list(text) == list(one)
        assert all(text[key] == str(value) for key, value in one.items()
                   if not key.endswith(("_ms", "_packets")))  # a late ACK is a packet as well


def test_idle_grows_and_bytes_come_live(field, live):
    _, _, clients = live(1, last=("ping:10", "go", "shut", "expect:eof"))
    before = grafts(field)[0]
    time.sleep(0.3)
    later = grafts(field)[0]
    assert later["idle_ms"] >= before["idle_ms"] + 200
    clients[0].go().ready(2)
    after = grafts(field)[0]
    assert after["up"] == before["up"] + 10 and after["idle_ms"] < later["idle_ms"]
    clients[0].go().done()


def test_status_tells_who_and_how(field, live):
    r, _, clients = live(3, "--graft-slots", "1000", "--graft-ports", "41000-41999")
    told, = folders(field)
    assert (told["ports"], told["in_use"], told["pid"]) == ("41000-41999", True, r.pid)
    assert (told["slots"], told["live"], told["draining"], told["making"]) == (1000, 3, 0, 0)
    assert {d["name"] for d in told["devices"]} == {"lo", "w1r", "w2r"}
    assert {d["by"] for d in told["devices"]} <= {"tcx", "clsact"}
    assert told["counts"]["cut"] == 3
    text = field.status("status")
    assert f"ports 41000-41999: used by process {r.pid}\n" in text
    assert "3 of 1000 in use: 3 live" in text and "w1r by " in text
    assert re.search(r"^  cut +3 pairs grafted$", text, re.M)
    for c in clients:
        c.go().done()
    assert "  3 over," not in text
    assert folders(field)[0]["live"] == 0


def test_only_the_ports_asked_for(field, live):
    live(1)
    assert len(folders(field)) == 1
    assert json.loads(field.status("status", "--json", "--ports", "41000-41999"))["folders"] == []
    assert json.loads(field.status("list", "--json", "--ports", "40000-49999"))["grafts"]
    assert json.loads(field.status("list", "--json", "--ports", "40000-49998"))["grafts"] == []


def test_detach_leaves_alone_what_is_in_use(field, live):
    need("bpftool")
    r, _, clients = live(2)
    before = pinned(field)
    for force in ((), ("--force",)):
        code, _, said = shunt_graft(field, "detach", *force)
        assert code == 2 and f"process {r.pid}" in said and f"kill {r.pid}" in said
    assert pinned(field) == before
    for c in clients:
        c.go().done()
    assert {e["end"] for e in r.ends(2)} == {"done"}


def test_detach_wants_force_where_grafts_live(field, live):
    need("bpftool", "tc")
    reserved = field.do(RELAY, *RESERVED)
    r, _, clients = live(3, last=("ping:5", "go", "expect:reset"))
    things = pinned(field)
    assert field.do(RELAY, *RESERVED) != reserved
    killed(r)
    code, _, said = shunt_graft(field, "detach")
    assert code == 2 and "3 grafts live" in said and "--force" in said
    assert pinned(field) == things
    for c in clients:
        c.go().ready(2)  # they go on all the same
    code, told, said = shunt_graft(field, "detach", "--force")
    assert (code, said) == (0, ""), said
    assert "3 grafts reset" in told
    for c in clients:
        c.go().done()  # and have heard of it, though they said nothing
    as_before(field, things, reserved)


def test_servers_hear_of_it_as_well(field, graft, server, client):
    s = server("accept", "read:80", "send:80", "pause:100", "ping:40", "go", "expect:reset")
    r = graft("--target", s.address)
    c = client(r, "send:80", "read:80", "echo", before=("-t", "60"))
    s.ready()
    field.loses_sockets()
    killed(r)
    assert shunt_graft(field, "detach", "--force")[0] == 0
    s.go().done()
    assert c.wait() == 1  # its echo was cut short


def test_detach_without_live_ones_needs_no_force(field, live):
    need("bpftool", "tc")
    reserved = field.do(RELAY, *RESERVED)
    r, _, clients = live(1)
    things = pinned(field)
    clients[0].go().done()
    r.ends(1)
    killed(r)
    code, told, said = shunt_graft(field, "detach")
    assert (code, said) == (0, ""), said
    assert "0 grafts reset" in told
    as_before(field, things, reserved)
    code, told, said = shunt_graft(field, "detach")
    assert (code, told) == (0, "") and "nothing is kept" in said


def test_one_of_two_is_detached(field, live, graft, echo):
    """The one that nobody uses goes, the other stays, and the exit code says that not all went."""
    need("bpftool")
    r, s, clients = live(1, "--graft-ports", "40000-40999")
    first = pinned(field)
    graft("--target", s.address, "--graft-ports", "41000-41999")
    killed(r)
    both = folders(field)
    assert [f["in_use"] for f in both] == [False, True]
    code, told, said = shunt_graft(field, "detach", "--force")
    assert code == 2 and "ports 40000-40999: removed" in told and "ports 41000-41999" in said
    assert folders(field) == [both[1]]
    assert "40000-40999" not in field.do(RELAY, *RESERVED)
    gone(field, {thing for thing in first if thing[0] == "prog"})
    clients[0].go().wait()


def test_what_others_reserved_stays(field, live):
    field.sysctl(RELAY, ip_local_reserved_ports="39990-40010,50001")
    r, _, _ = live(1)
    killed(r)
    assert shunt_graft(field, "detach", "--force")[0] == 0
    assert field.do(RELAY, *RESERVED).strip() == "39990-40010,50001"


def test_a_crash_in_the_middle_of_opening(field):
    """A folder without pins was begun and left: it goes without force."""
    code, told, said = shunt_graft(field, "status")
    assert (code, told) == (0, "") and "nothing is kept" in said
    os.makedirs(f"{field.bpffs}/shunt/v2-{cookie(field)}-40000-49999")
    code, told, _ = shunt_graft(field, "status")
    assert code == 3 and "used by nobody" in told
    assert shunt_graft(field, "detach")[0] == 0
    assert not os.path.exists(f"{field.bpffs}/shunt")


def cookie(field):
    """Of the relay's network namespace."""
    told = field.do(RELAY, "python3", "-c", "import socket; s = socket.socket(); "
                    "print(int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 71, 8), 'little'))")
    return int(told)


@pytest.mark.parametrize("words, names", [
    ([], "what is missing"),
    (["stauts"], "did you mean status?"),
    (["list", "detach"], "one word"),
    (["status", "--force"], "--force is for detach"),
    (["detach", "--json"], "--json is for status and list"),
    (["list", "--ports", "80"], "--ports 80"),
    (["list", "--ports", "2-1"], "--ports 2-1"),
])
def test_a_wrong_command_line_is_refused(words, names):
    done = subprocess.run([SHUNT, "graft", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert names in done.stderr and done.stderr.count("\n") == 1


def test_without_a_bpffs_it_says_how_to_get_one():
    done = subprocess.run([SHUNT, "graft", "status", "--bpffs", "/proc"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "mount -t bpf bpf /proc" in done.stderr
