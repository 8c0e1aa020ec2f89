# SPDX-License-Identifier: BSD-2-Clause
"""Real programs at both ends of a graft, and what the relay does meanwhile: nothing."""
import hashlib
import json
import os
import random
import re
import signal
import time

import pytest

from actors import LONG, need, sanitized
from test_nginx import CONF
from test_programs import program, run  # noqa: F401
from world import CLIENT, RELAY, SERVER

PLACES = ("field",)
MEGABYTES = 1024 if LONG else 256


@pytest.fixture
def file_server(field, cast, tmp_path):
    """nginx with one file: its address, and the file's sha256."""
    need("nginx", "curl")
    (tmp_path / "www").mkdir()
    total = hashlib.sha256()
    with open(tmp_path / "www/file", "wb") as f:
        for n in range(MEGABYTES):
            part = random.Random(n).randbytes(1 << 20)
            total.update(part)
            f.write(part)
    address = f"{field.server_host}:{field.free_port()}"
    (tmp_path / "nginx.conf").write_text(CONF.format(dir=tmp_path, address=address))
    child = cast.run([*field.prefix(SERVER), "nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"),
                      "-e", str(tmp_path / "error.log")], "nginx")
    deadline = time.monotonic() + 5
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline and child.proc.poll() is None, child.text()
        time.sleep(0.02)
    return address, total.hexdigest()


def calls_in(cast, tmp_path, r, seconds):
    """How many system calls all of the relay's threads made in that time."""
    need("strace")
    out = tmp_path / "calls"
    s = cast.run(["strace", "-f", "-c", "-qq", "-o", str(out), "-p", str(r.pid)])
    time.sleep(seconds)
    s.proc.send_signal(signal.SIGINT)
    s.wait(10)
    if "ptrace" in s.text():
        pytest.skip(f"strace cannot attach here: {s.text()}")
    table = out.read_text()
    print(table)
    return sum(int(n) for n in re.findall(r"^ +[\d.]+ +[\d.]+ +\d+ +(\d+)", table, re.M)[:-1] or [0])


def test_curl_from_nginx(field, cast, graft, file_server, tmp_path):
    """A large file: it begins with splice, and then the relay has no connection and makes no calls."""
    address, sha = file_server
    r = graft("--target", address, after="32K")
    curl = cast.run([*field.prefix(CLIENT), "sh", "-c",
                     f"curl -sS --limit-rate 100M http://{r.address}/file | sha256sum"], "curl")
    field.until(lambda: r.fds()["socket"] and json.loads(field.status("list", "--json"))["grafts"], "a graft")
    field.loses_sockets()
    if not sanitized():
        before = field.status("list", "--json")
        calls = calls_in(cast, tmp_path, r, 1)
        moved = [json.loads(told)["grafts"][0]["down"] for told in (before, field.status("list", "--json"))]
        assert moved[1] - moved[0] > 30 << 20
        assert calls < 100, f"{calls} calls for {moved[1] - moved[0]} bytes"
    assert curl.done(60).text("stdout").split()[0] == sha
    line = r.end()
    print(line)
    size = MEGABYTES << 20
    assert (line["end"], line["engine"]) == ("done", "graft") and size < line["down"] < size + 1000
    assert line["splice"] + line["copy"] >= 32 << 10
    assert field.grafted(line) > size * 0.9


def test_many_files(field, cast, graft, file_server, tmp_path):
    """Parts of it, many at once, on connections that are used again."""
    address, _ = file_server
    r = graft("--target", address)
    parts = [(n * 70_001, (n * 70_001) + size) for n, size in enumerate([1, 1000, 50_000, 300_000, 2_000_000] * 12)]
    (tmp_path / "urls").write_text("".join(
        f'url = "http://{r.address}/file"\nrange = "{a}-{b - 1}"\noutput = "{tmp_path}/got{n}"\nnext\n'
        for n, (a, b) in enumerate(parts))[:-5])
    cast.run([*field.prefix(CLIENT), "curl", "-sS", "--fail", "-Z", "--parallel-max", "20", "-K",
              str(tmp_path / "urls")], "curl").done()
    with open(tmp_path / "www/file", "rb") as f:
        for n, (a, b) in enumerate(parts):
            f.seek(a)
            assert (tmp_path / f"got{n}").read_bytes() == f.read(b - a), (a, b)
    assert {f["end"] for f in r.ends()} <= {"done", "client-reset"}
    assert sum(field.grafted(f) for f in r.ends()) > 10 << 20


@pytest.mark.parametrize("way", [[], ["-R"], ["--bidir"]], ids=["up", "down", "both"])
def test_iperf3(field, graft, program, way):  # noqa: F811
    """iperf3 tells its streams' directions by the order in which they are accepted: one worker."""
    need("iperf3")
    port = field.free_port()
    r = graft("--workers", "1", "--target",
              program(port, "iperf3", "-s", "-1", "-p", str(port), "-B", field.server_host))
    host, port = r.address.rsplit(":", 1)
    result = json.loads(run(field, CLIENT, "iperf3", "-c", host, "-p", port, "-t", "2", "-P", "2", "-J", *way))
    assert "error" not in result
    assert result["end"]["sum_received"]["bytes"] > 20 << 20
    grafted = sum(field.grafted(line) for line in r.ends(5 if way == ["--bidir"] else 3))
    print(f"{grafted} bytes by grafts")
    assert grafted > 0


def test_socat(field, graft, program):  # noqa: F811
    """socat ends one direction as soon as its input ends, and waits for the other one."""
    need("socat")
    port = field.free_port()
    r = graft("--target", program(port, "socat", f"TCP-LISTEN:{port},bind={field.server_host},fork,reuseaddr",
                                  "EXEC:/bin/cat"))
    data = random.Random(1).randbytes(5_000_000)
    for _ in range(3):
        back = run(field, CLIENT, "socat", "-t", "20", "-", f"TCP:{r.address}", stdin=data)
        assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
    lines = r.ends(3)
    assert {(f["end"], f["up"], f["down"]) for f in lines} == {("done", len(data), len(data))}
    assert sum(field.grafted(f) for f in lines) > 0
