# SPDX-License-Identifier: BSD-2-Clause
"""shunt bench: what it tells is what happened. Counts and contents, never how fast."""
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from actors import ROOT, SHUNT, Child

pytestmark = pytest.mark.places("loopback")
TOOLS = ("source", "sink", "echo", "ping", "connect", "idle")
KB, MB = 1 << 10, 1 << 20


class Tool(Child):
    """`shunt bench TOOL --json`."""

    @property
    def address(self):
        def found():
            return re.findall(r"^listening (\S+)$", self.text(), re.M)
        return self.until(found, what="its address")[0]

    def told(self, code=0):
        """Its result, once it has ended by itself with this exit code."""
        ended = self.wait()
        assert ended == code, f"{self.name} ended with {ended}\n{self.text('stdout')}\n{self.text()}"
        assert len(self.lines["stdout"]) == 1, "more than the result on stdout"
        facts = json.loads(self.lines["stdout"][0])
        assert facts["tool"] == self.name
        assert sum(facts["timeline"]["counts"]) == self.counted(facts)
        c = facts["connections"]
        assert sum(facts["errors"].values()) >= c["failed"]
        return facts

    def counted(self, facts):
        for name in ("bytes", "round_trips", "done", "held"):
            if name in facts:
                return facts[name]
        raise AssertionError("it counts nothing")


@pytest.fixture
def bench(cast):
    """bench(tool, ...): it runs."""
    def start(tool, *args):
        return cast.add(Tool([SHUNT, "bench", tool, "--json", *map(str, args)], tool))
    return start


@pytest.fixture
def listen(bench):
    """listen(tool, ...): it runs, and its address is known."""
    def start(tool, *args):
        t = bench(tool, "127.0.0.1:0", *args)
        assert t.address
        return t
    return start


def all_well(facts, connections):
    c = facts["connections"]
    assert (c["up"], c["ended"]) == (connections, connections), facts["errors"]
    assert (c["failed"], c["unfinished"]) == (0, 0)
    assert facts["errors"] == {}


def in_order(latency, count):
    assert latency["count"] == count == sum(n for _, n in latency["buckets"])
    values = [latency[x] for x in ("min", "p50", "p90", "p99", "p999", "max")]
    assert values == sorted(values) and values[0] > 0
    assert latency["min"] <= latency["mean"] <= latency["max"]
    tops = [top for top, _ in latency["buckets"]]
    assert tops == sorted(set(tops))
    assert tops[-1] >= latency["max"] * 0.999


class Meddler:
    """A proxy for one connection at a time, that lets change(offset, bytes) change what passes."""

    def __init__(self, to, change):
        self.to, self.change = to, change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        host, port = self.to.rsplit(":", 1)
        at = 0
        with near, socket.create_connection((host, int(port))) as far:
            while data := near.recv(64 * KB):
                far.sendall(self.change(at, data))
                at += len(data)
            far.shutdown(socket.SHUT_WR)
            far.recv(1)


def changed(where, how):
    """Change the byte at `where`, in each connection."""
    def change(at, data):
        i = where - at
        return data[:i] + how(data[i]) + data[i + 1:] if 0 <= i < len(data) else data
    return change


# -- bytes --

@pytest.mark.parametrize("how", ("sendfile", "write"))
@pytest.mark.parametrize("count", (1, 200))
def test_all_that_is_sent_arrives(relay, listen, bench, engine, how, count):
    sink = listen("sink", "--verify", "-n", count)
    r = relay(engine, "--target", sink.address)
    source = bench("source", r.address, "-n", count, "--total", 64 * MB + 7, "--how", how)
    sent, came = source.told(), sink.told()
    all_well(sent, count)
    all_well(came, count)
    assert sent["bytes"] == came["bytes"] == 64 * MB + 7
    assert (came["verified"], came["wrong"], came["first_wrong"]) == (True, 0, None)
    assert sent["stopped"] == came["stopped"] == "done"
    assert sent["how"] == how and sent["gbps"] > 0 and came["gbps"] > 0
    assert sent["started"] <= sent["all_up"] <= sent["first"] < sent["last"]


def test_downloads(relay, listen, bench, engine):
    source = bench("source", "--listen", "127.0.0.1:0", "-n", 20, "--bytes", 3 * MB)
    r = relay(engine, "--target", source.address)
    sink = bench("sink", "--connect", r.address, "-n", 20, "--verify", "--bytes", 3 * MB)
    came, sent = sink.told(), source.told()
    all_well(came, 20)
    all_well(sent, 20)
    assert came["bytes"] == sent["bytes"] == 60 * MB and came["wrong"] == 0


def test_thousands(relay, listen, bench):
    sink = listen("sink", "--verify")
    r = relay("splice", "--target", sink.address)
    sent = bench("source", r.address, "-n", 2000, "--total", "200M").told()
    came = sink.told()
    all_well(sent, 2000)
    all_well(came, 2000)
    assert sent["bytes"] == came["bytes"] == 200 * MB and came["wrong"] == 0


def test_for_a_time(listen, bench):
    sink = listen("sink", "--verify")
    sent = bench("source", sink.address, "-n", 8, "--for", "300ms").told()
    came = sink.told()
    all_well(sent, 8)
    assert sent["stopped"] == "time" and came["stopped"] == "done"
    assert sent["bytes"] == came["bytes"] > 0 and came["wrong"] == 0


def test_discarding_counts_what_checking_counts(listen, bench):
    sink = listen("sink", "-n", 3)
    sent = bench("source", sink.address, "-n", 3, "--bytes", "10000001").told()
    came = sink.told()
    assert sent["bytes"] == came["bytes"] == 30000003
    assert came["verified"] is False


def test_unix_sockets_and_a_slow_sink(bench, tmp_path):
    sink = bench("sink", f"unix:{tmp_path}/s", "--verify", "--slow", "20M", "-n", 3)
    sent = bench("source", sink.address, "-n", 3, "--bytes", 2 * MB).told()
    came = sink.told()
    all_well(came, 3)
    assert sent["bytes"] == came["bytes"] == 6 * MB and came["wrong"] == 0
    assert sent["congestion"] is None
    assert not os.path.exists(f"{tmp_path}/s")


def test_ipv6_and_a_local_address(bench):
    sink = bench("sink", "[::1]:0", "--verify", "-n", 4)
    all_well(bench("source", sink.address, "-n", 4, "--bytes", "1M", "--from", "[::1]").told(), 4)
    assert sink.told()["bytes"] == 4 * MB


def test_thin_streams(relay, listen, bench):
    sink = listen("sink", "--verify", "-n", 50)
    r = relay("splice", "--target", sink.address)
    sent = bench("source", r.address, "-n", 50, "--piece", "16K", "--every", "10ms",
                 "--bytes", "80K").told()
    came = sink.told()
    all_well(sent, 50)
    assert sent["bytes"] == came["bytes"] == 50 * 80 * KB and came["wrong"] == 0
    assert sent["pieces"] == 50 * 5 and sent["late_pieces"] <= sent["pieces"]


# -- what is wrong is noticed --

@pytest.mark.parametrize("where", (8, 70001, 5 * MB - 1))
def test_a_flipped_byte(listen, bench, where):
    sink = listen("sink", "--verify", "-n", 2)
    meddler = Meddler(sink.address, changed(where, lambda b: bytes([b ^ 1])))
    good = bench("source", sink.address, "--bytes", 5 * MB).told()
    bad = bench("source", meddler.address, "--bytes", 5 * MB).told()
    came = sink.told(code=3)
    assert came["bytes"] == good["bytes"] + bad["bytes"] == 10 * MB
    assert (came["wrong"], came["first_wrong"]) == (1, {"connection": 1, "at": where})
    assert came["connections"]["ended"] == 2, "wrong bytes are read to their end"


@pytest.mark.parametrize("how", (lambda b: b"", lambda b: bytes([b, b])), ids=("lost", "doubled"))
def test_a_lost_or_doubled_byte(listen, bench, how):
    sink = listen("sink", "--verify", "-n", 1)
    meddler = Meddler(sink.address, changed(123456, how))
    bench("source", meddler.address, "--bytes", MB).told()
    came = sink.told(code=3)
    assert came["wrong"] == 1 and 123456 <= came["first_wrong"]["at"] <= 123456 + 8
    assert abs(came["bytes"] - MB) == 1


def test_a_short_stream(listen, bench):
    sink = listen("sink", "--bytes", MB + 1, "-n", 2)
    bench("source", sink.address, "--bytes", MB).told()
    bench("source", sink.address, "--bytes", MB + 1).told()
    came = sink.told(code=3)
    assert (came["wrong"], came["first_wrong"]) == (1, {"connection": 0, "at": MB})


@pytest.mark.parametrize("tool", ("source", "sink", "ping", "connect", "idle"))
def test_nobody_listens(place, bench, tool):
    way = ["--connect"] if tool == "sink" else []
    facts = bench(tool, *way, f"127.0.0.1:{place.free_port()}", "-n", 3, "--for",
                  "200ms").told(code=3)
    assert facts["connections"]["up"] == 0 and facts["connections"]["failed"] >= 3
    assert list(facts["errors"]) == ["Connection refused"]


def test_a_far_end_that_leaves(listen, bench):
    sink = listen("sink", "--for", "200ms")
    sent = bench("source", sink.address, "-n", 5, "--for", "20s").told(code=3)
    came = sink.told()
    assert sent["connections"]["failed"] == 5 and came["connections"]["unfinished"] == 5
    assert sent["bytes"] >= came["bytes"] > 0


def test_cut_is_no_failure(relay, listen, bench, engine):
    sink = listen("sink", "--cut", "--verify", "-n", 40)
    r = relay(engine, "--target", sink.address)
    sent = bench("source", r.address, "-n", 40, "--for", "300ms", "--cut").told()
    came = sink.told()
    all_well(sent, 40)
    all_well(came, 40)
    assert sent["bytes"] >= came["bytes"] > 0 and came["wrong"] == 0


# -- answers --

@pytest.mark.parametrize("size", (1, 1000, 3 * MB))
def test_round_trips(relay, listen, bench, engine, size):
    echo = listen("echo", "-n", 5)
    r = relay(engine, "--target", echo.address)
    facts = bench("ping", r.address, "-n", 5, "--size", size, "--for", "500ms").told()
    all_well(facts, 5)
    assert facts["round_trips"] >= 5 and facts["size"] == size and facts["per_second"] > 0
    in_order(facts["latency_us"], facts["round_trips"])
    # one more of each connection is not measured
    assert echo.told()["bytes"] == (facts["round_trips"] + 5) * size


def test_round_trips_at_a_pace(listen, bench):
    echo = listen("echo", "-n", 10)
    facts = bench("ping", echo.address, "-n", 10, "--every", "20ms", "--for", "600ms").told()
    assert 0 < facts["round_trips"] <= 10 * 31
    assert facts["every"] == 0.02
    in_order(facts["latency_us"], facts["round_trips"])
    assert echo.told()["bytes"] == facts["round_trips"] + 10


def test_spinning_is_as_good(listen, bench):
    echo = listen("echo", "-n", 2)
    facts = bench("ping", echo.address, "-n", 2, "--spin", "--for", "200ms").told()
    in_order(facts["latency_us"], facts["round_trips"])
    assert echo.told()["bytes"] == facts["round_trips"] + 2


def test_an_answer_that_never_comes(bench):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ping = bench("ping", f"127.0.0.1:{silent.getsockname()[1]}", "--wait", "300ms")
        facts = ping.told(code=3)
    assert facts["round_trips"] == 0 and facts["connections"]["failed"] == 1
    assert facts["errors"] == {"Connection timed out": 1}


def test_short_connections(relay, listen, bench, engine):
    echo = listen("echo", "--close", "--for", "60s")
    r = relay(engine, "--target", echo.address)
    facts = bench("connect", r.address, "-n", 20, "--for", "500ms").told()
    count = facts["done"]
    assert count > 0
    all_well(facts, count)
    in_order(facts["latency_us"], count)
    in_order(facts["connect_us"], count)
    r.ends(count)
    echo.proc.send_signal(signal.SIGTERM)
    all_well(came := echo.told(), count)
    assert came["bytes"] == count * 64


@pytest.mark.parametrize("who", ("client", "reset"))
def test_short_connections_closed_by_the_client(listen, bench, who):
    echo = listen("echo", "--request", 100, "--answer", 3000, "--for", "60s")
    facts = bench("connect", echo.address, "-n", 5, "--for", "200ms", "--request", 100, "--answer",
                  3000, "--close-by", who, "--from", "127.0.0.1", "--from", "127.0.0.2").told()
    all_well(facts, facts["done"])
    assert facts["done"] > 0
    echo.proc.send_signal(signal.SIGTERM)
    came = echo.told(code=0 if who == "client" else 3)
    assert came["answers"] == facts["done"] and came["bytes"] == 100 * facts["done"]


def test_a_server_that_does_not_close(listen, bench):
    echo = listen("echo", "--for", "60s")
    connect = bench("connect", echo.address, "-n", 2, "--for", "100ms", "--wait", "200ms")
    facts = connect.told(code=3)
    assert facts["done"] == 0 and facts["connections"]["unfinished"] == 2
    assert "--close" in connect.text()


def test_idle_connections(relay, listen, bench):
    echo = listen("echo", "--for", "60s")
    r = relay("splice", "--target", echo.address, "--workers", "1")
    idle = bench("idle", r.address, "-n", 2000, "--for", "0")
    idle.until(lambda: "ready 2000" in idle.lines["stderr"], what="ready")
    r.sockets_become(4001)
    idle.proc.send_signal(signal.SIGTERM)
    facts = idle.told()
    all_well(facts, 2000)
    assert (facts["held"], facts["lost"], facts["stopped"]) == (2000, 0, "signal")
    r.ends(2000)


def test_idle_connections_that_have_said_something(listen, bench):
    echo = listen("echo", "--for", "60s")
    facts = bench("idle", echo.address, "-n", 10, "--trips", 7, "--for", "10ms").told()
    all_well(facts, 10)
    echo.proc.send_signal(signal.SIGTERM)
    assert (facts["held"], echo.told()["bytes"]) == (10, 70)


def test_idle_connections_that_are_lost(listen, bench):
    echo = listen("echo", "--for", "60s")
    idle = bench("idle", echo.address, "-n", 10, "--for", "60s")
    idle.until(lambda: "ready 10" in idle.lines["stderr"], what="ready")
    echo.proc.send_signal(signal.SIGTERM)
    facts = idle.told(code=3)
    assert (facts["held"], facts["lost"]) == (10, 10)


# -- how a run ends --

@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_ends_in_order(listen, bench, number):
    sink = listen("sink", "--verify")
    source = bench("source", sink.address, "-n", 4, "--for", "60s", "--piece", 1000, "--every",
                   "1ms", "--progress")
    source.until(lambda: "source: " in source.text(), 20, "progress")
    source.proc.send_signal(number)
    sent, came = source.told(), sink.told()
    assert sent["stopped"] == "signal" and came["stopped"] == "done"
    all_well(sent, 4)
    assert sent["bytes"] == came["bytes"] > 0 and came["wrong"] == 0


def test_nobody_comes(listen):
    facts = listen("sink", "--wait", "100ms").told(code=3)
    assert facts["stopped"] == "wait" and facts["connections"]["up"] == 0


def test_a_silent_connection_is_not_waited_for_for_ever(listen):
    sink = listen("sink", "--wait", "200ms")
    host, port = sink.address.split(":")
    with socket.create_connection((host, int(port))):
        facts = sink.told(code=3)
    assert facts["stopped"] == "wait" and facts["connections"]["unfinished"] == 1


def test_a_far_end_that_does_not_close(bench):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to = f"127.0.0.1:{silent.getsockname()[1]}"
        facts = bench("source", to, "--bytes", 10, "--wait", "200ms").told(code=3)
    assert facts["bytes"] == 10 and facts["connections"]["unfinished"] == 1


def test_a_port_that_is_taken(listen, bench):
    first = listen("sink")
    second = bench("sink", first.address)
    assert second.wait() == 2 and not second.text("stdout")
    assert first.address in second.text()


# -- for people, and the page --

def run(*args):
    return subprocess.run([SHUNT, "bench", *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)


def test_one_line_for_people(listen):
    sink = listen("sink", "--verify")
    done = run("source", sink.address, "-n", "2", "--bytes", "1M")
    assert done.returncode == 0 and not done.stderr
    assert re.fullmatch(r"source: 2 connections sent 2\.10 MB in [\d.]+ s: [\d.]+ Gb/s\n",
                        done.stdout)


BAD = [
    ([], "usage"),
    (["warp"], "warp"),
    (["snik"], "did you mean sink?"),
    (["source"], "address"),
    (["source", "127.0.0.1:1", "127.0.0.1:2"], "one address"),
    (["source", "127.0.0.1:1", "--listen", "127.0.0.1:2"], "one address"),
    (["source", "127.0.0.1"], "127.0.0.1"),
    (["source", "127.0.0.1:1", "--how", "magic"], "--how"),
    (["source", "127.0.0.1:1", "--bytes", "1M", "--total", "1M"], "--total"),
    (["source", "--listen", "127.0.0.1:1", "--total", "1M"], "-n"),
    (["source", "127.0.0.1:1", "--piece", "16K"], "--every"),
    (["source", "127.0.0.1:1", "--every", "1ms"], "--piece"),
    (["source", "127.0.0.1:1", "--from", "::1"], "--from"),
    (["source", "127.0.0.1:1", "--from", "[::1]"], "--from"),
    (["sink", "127.0.0.1:1", "--from", "127.0.0.1"], "--from"),
    (["sink", "127.0.0.1:1", "--for", "3"], "--for"),
    (["echo", "127.0.0.1:1", "--answer", "10"], "--request"),
    (["ping", "127.0.0.1:1", "--size", "0"], "--size"),
    (["ping", "127.0.0.1:1", "--for", "0"], "--for"),
    (["connect", "127.0.0.1:1", "--close-by", "nobody"], "--close-by"),
    (["idle", "127.0.0.1:1", "-n", "many"], "--connections"),
]


@pytest.mark.parametrize("args,named", BAD, ids=[" ".join(args) or "nothing" for args, _ in BAD])
def test_bad_command_line(args, named):
    done = run(*args)
    assert done.returncode == 1 and not done.stdout
    assert named in done.stderr


def manual():
    spec = importlib.util.spec_from_file_location("manual", f"{ROOT}/tools/manual.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("tool", TOOLS)
def test_the_page_has_each_option(tool):
    with open(f"{ROOT}/man/shunt-bench.1.scd", encoding="utf-8") as f:
        page = f.read()
    section = re.search(rf"^# {tool.upper()}\n.*?(?=^# )", page, re.M | re.S).group()
    as_options = re.sub(r"^# .*\n", "# OPTIONS\n", section, count=1) + "# END\n"
    done = run(tool, "--help")
    assert done.returncode == 0
    assert manual().check_options(f"shunt-bench.1, {tool}", done.stdout, as_options) == []
    assert len(done.stdout.splitlines()) <= 40
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_page_has_each_name_of_the_json(listen, bench):
    sink = listen("sink", "-n", 1)
    results = [bench("source", sink.address, "--bytes", "1M").told(), sink.told()]
    echo = listen("echo", "--close", "-n", 1)
    results += [bench("ping", echo.address, "--for", "1ms", "--every", "1s").told(code=3)]
    results += [echo.told()]
    echo = listen("echo", "--for", "60s")
    results += [bench("connect", echo.address, "--close-by", "reset", "--for", "50ms").told()]
    results += [bench("idle", echo.address, "--for", "50ms").told()]
    with open(f"{ROOT}/man/shunt-bench.1.scd", encoding="utf-8") as f:
        page = re.search(r"^# JSON\n.*?(?=^# )", f.read(), re.M | re.S).group()

    def names(value):
        for key, inner in value.items():
            yield key
            if isinstance(inner, dict) and key != "errors":
                yield from names(inner)
    for name in {n for facts in results for n in names(facts)}:
        assert f"*{name}*" in page, f"shunt-bench.1 does not tell of {name}"
