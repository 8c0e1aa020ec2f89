# SPDX-License-Identifier: BSD-2-Clause
"""Without the rights, the types or the file system that grafts need: `auto` splices and says why, `graft`
refuses with the remedy. With them: one thread keeps the rights, all others drop them. Two relays on one
machine keep out of each other's ports."""
import json
import os

import pytest

from actors import SHUNT, moved_by, same_bytes
from field import RIGHTS
from world import RELAY

PLACES = ("field",)
BIG = ["both:5m", "shut", "expect:eof", "tell"]
ADMIN = 1 << 21  # CAP_SYS_ADMIN, which would do for most of it
NO_BTF = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh")

LACKS = {
    "rights": ({"as_user": "nobody"}, "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN", "run it as root"),
    "one right": ({"within": ("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin")},
                  "CAP_BPF", "run it as root"),
    "bpffs": ({"bpffs": "/proc"}, "/proc", "mount -t bpf bpf /proc"),
    "BTF": ({"within": NO_BTF}, "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF"),
    "bpf()": ({"deny": "bpf=ENOSYS"}, "", ""),
}


def lacking(field, what):
    how, names, remedy = LACKS[what]
    how = dict(how)
    args = ("--bpffs", how.pop("bpffs", field.bpffs), "--graft-after", "1")
    return args, how, names, remedy


@pytest.mark.parametrize("what", LACKS)
def test_auto_goes_on_without(field, relay, server, client, what):
    args, how, names, remedy = lacking(field, what)
    s = server("accept", *BIG)
    r = relay("auto", *args, "--target", s.address, **how)
    start, = r.listeners()
    assert start["engine"] == "splice" and start["reason"].startswith("no graft: ")
    assert names in start["reason"] and remedy in start["reason"], start
    print(start["reason"])
    c = client(r, *BIG).done()
    same_bytes(c.told(0), s.done().told(0))
    line = r.end()
    assert (line["end"], line["engine"], moved_by(line, "graft")) == ("done", "splice", 0)
    assert r.text().count("no graft") == 1
    assert not os.path.exists(f"{field.bpffs}/shunt")


@pytest.mark.parametrize("what", LACKS)
def test_graft_insists(field, relay, what):
    args, how, names, remedy = lacking(field, what)
    said = relay("graft", *args, "--target", "10.91.2.1:1", starts=False, **how).refuses(3)
    assert "no grafts: " in said and names in said and remedy in said, said
    assert said.count("\n") == 0


def test_who_keeps_which_rights(field, graft, echo, swarm):
    r = graft("--target", echo().address, "--workers", "3")
    w = swarm(r)
    w.order("open 3")
    w.order("round 100000")
    held = {}
    for task in os.listdir(f"/proc/{r.pid}/task"):
        with open(f"/proc/{r.pid}/task/{task}/status", encoding="ascii") as f:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in f)
        caps = int(fields["CapEff"], 16) | int(fields["CapPrm"], 16)
        held.setdefault(fields["Name"], []).append(caps & (RIGHTS | ADMIN))
    keeper = held.pop("shunt-keeper")
    assert len(keeper) == 1 and keeper[0] & RIGHTS == RIGHTS
    assert sum(len(caps) for caps in held.values()) >= 3
    assert {c for caps in held.values() for c in caps} == {0}, held


def test_two_side_by_side(field, graft, echo, swarm):
    """Each has its own range; their grafts do not meet."""
    target = echo().address
    ranges = {"40000-44999": None, "45000-49999": None}
    for ports in ranges:
        r = graft("--target", target, "--graft-ports", ports)
        w = swarm(r)
        w.order("open 100")
        ranges[ports] = r, w
    for size in (40_000, 100, 100, 10_000):
        for _, w in ranges.values():
            w.order(f"round {size}")
    field.loses_sockets()
    told = json.loads(field.status("list", "--json"))["grafts"]
    ports = [int(g["from"].rsplit(":", 1)[1]) for g in told]
    assert len(ports) == len(set(ports)) == 200
    assert sum(40000 <= p <= 44999 for p in ports) == sum(45000 <= p <= 49999 for p in ports) == 100
    for r, w in ranges.values():
        w.order("close")
        assert {(f["end"], f["up"], f["down"]) for f in r.ends(100)} == {("done", 50_200, 50_200)}


@pytest.mark.parametrize("ports", ["40000-49999", "49999-51000"])
def test_two_cannot_share_ports(field, graft, relay, ports):
    first = graft("--target", "10.91.2.1:1")
    args = ("--bpffs", field.bpffs, "--graft-ports", ports, "--target", "10.91.2.1:1")
    said = relay("graft", *args, starts=False).refuses(3)
    assert f"process {first.pid}" in said and "give each its own range" in said, said
    start, = relay("auto", *args).listeners()
    assert start["engine"] == "splice" and f"process {first.pid}" in start["reason"], start


def test_ports_that_the_kernel_gives_to_others(field, relay):
    """The range lies in ip_local_port_range and cannot be reserved: /proc/sys is not to be written."""
    how = ("unshare", "-m", "sh", "-c", 'mount -o bind,ro /proc/sys /proc/sys && exec "$@"', "sh")
    args = ("--bpffs", field.bpffs, "--target", "10.91.2.1:1")
    said = relay("graft", *args, starts=False, within=how).refuses(3)
    assert "sysctl -w net.ipv4.ip_local_reserved_ports=40000-49999" in said, said
    field.sysctl(RELAY, ip_local_port_range="50000 60999")
    relay("graft", *args, within=how)  # nobody else would get them anyway


def test_the_same_program_says_it_all(field):
    """`shunt check` knows before."""
    told = field.do(RELAY, SHUNT, "check", check=False)
    assert "graft" in told
