# SPDX-License-Identifier: BSD-2-Clause
"""One stream in, many out: nobody misses a byte whom nothing excuses, and nobody slows the others."""
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

from actors import PATIENCE, SHUNT, Child, need, sanitized, traced
from ports import free_port
from splitting import crowd, feed, split  # noqa: F401

BLOCK = 1024
COMES = ("--source", "listen:127.0.0.1:0")


def blocks(megabytes):
    return int(megabytes * (1 << 20)) // BLOCK


def every(result, subscribers, of):
    """All of them had all of it."""
    want = {"heard": subscribers, "blocks_least": of, "blocks_most": of, "first_latest": 0, "gaps": 0,
            "bad": 0, "torn": 0}
    assert {k: result[k] for k in want} == want


@pytest.mark.parametrize("workers", (1, 2))
def test_twenty_get_all_of_it(engine, workers, split, feed, crowd):
    """8 MB at 4 MB/s, and an end soon after the source's."""
    s = split(*COMES, "--engine", engine, "--workers", str(workers), "--on-source-end", "close", "--lag", "16M")
    c = crowd(s, "-n", 20)
    f = feed(s.source_address, "-c", blocks(8), "-r", 4 << 20)
    told, heard = f.result(), c.result()
    every(heard, 20, blocks(8))
    assert heard["fin"] == 20
    assert heard["ended_ms"] - told["ended_ms"] < 20_000
    ends = s.ends(20)
    assert {(e["end"], e["bytes"], e["skips"]) for e in ends} == {("done", 8 << 20, 0)}
    if engine == "splice":
        assert all(e["engine"] == "splice" and e.get("copy", 0) < 1 << 20 for e in ends), ends


@pytest.mark.parametrize("workers", (1, 2))
def test_one_of_ten_never_reads(engine, workers, split, feed, crowd):
    """The others and the source are not slowed; what is held stays under what was said."""
    s = split(*COMES, "--engine", engine, "--workers", str(workers), "--on-source-end", "close",
              "--lag", "4M", "--align", str(BLOCK))
    c = crowd(s, "-n", 10, "-d", 1)
    before, most = s.memory_kb("VmRSS"), 0
    f = feed(s.source_address, "-c", blocks(32), "-r", 12 << 20)
    while f.proc.poll() is None:
        held = s.in_pipes() + 1024 * (s.memory_kb("VmRSS") - before)
        most = max(most, held)
        time.sleep(0.05)
    every(c.result(), 9, blocks(32))
    assert f.result()["longest_send_ms"] < 20_000
    if not sanitized():  # its memory is its own then; threads and code that is used first count as well
        assert most <= s.memory + (3 << 20), most
    deaf = [e for e in s.ends(10) if e["skips"]]
    assert len(deaf) == 1 and deaf[0]["skipped"] % BLOCK == 0


def test_joins_and_leaves(engine, split, feed, crowd):
    """300 come and go, orderly or not; the others miss nothing, and nothing of them is left."""
    s = split(*COMES, "--engine", engine, "--align", str(BLOCK), "--workers", "1")
    f = feed(s.source_address, "-c", 1 << 40, "-r", 4 << 20)
    s.message("source is here")
    before = s.fds()
    c = crowd(s, "-n", 10)
    for i in range(30):
        c.part(10, ("fin", "reset")[i % 2])
        time.sleep(0.05)
    s.until(lambda: len(s.ended) >= 300, what="the end of those who passed")
    heard = c.enough()
    assert (heard["gaps"], heard["bad"]) == (0, 0)
    assert (heard["passing"], heard["passed"]) == (300, 300)
    s.ends(310)
    s.sockets_become(before["socket"])
    assert s.fds()["pipe"] <= max(before["pipe"], 2 * 16 + 8), "pipes of those who left"
    f.kill()


def test_five_hundred(engine, split, feed, crowd):
    """Every one gets every block after its join."""
    s = split(*COMES, "--engine", engine, "--align", str(BLOCK), "--on-source-end", "close",
              "--lag", "32M")
    f = feed(s.source_address, "-c", blocks(5), "-r", 1 << 19)
    s.message("source is here")
    c = crowd(s, "-n", 500, "-j", 3000)
    told, heard = f.result(), c.result()
    assert told["blocks"] == blocks(5)
    assert (heard["heard"], heard["gaps"], heard["bad"], heard["torn"]) == (500, 0, 0, 0)
    assert heard["next_least"] == blocks(5) and heard["fin"] == 500
    assert {e["skips"] for e in s.ends(500)} == {0}


def test_skips_are_whole_packets(engine, split, feed, crowd, cast):
    """One reads too slowly: he gets gaps, and never a torn packet."""
    s = split(*COMES, "--engine", engine, "--lag", "1M", "--align", "188", "--workers", "1",
              "--on-source-end", "close")
    blocks_of_all = 40 << 20 >> 7
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        host, port = s.address.rsplit(":", 1)
        slow.connect((host, int(port)))
        f = feed(s.source_address, "-s", 188, "-c", blocks_of_all, "-r", 20 << 20)
        got = b""
        while data := slow.recv(30000):
            got += data
            time.sleep(0.005 if len(got) < 6 << 20 else 0)
        f.result()
    numbers = [int.from_bytes(got[i:i + 8], "big") for i in range(0, len(got), 188)]
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    line = s.end()
    assert len(got) % 188 == 0 and min(steps) == 1 and numbers[0] == 0
    gaps = [x - 1 for x in steps if x > 1]
    never = blocks_of_all - 1 - numbers[-1]  # a last skip, with nothing behind it
    assert 0 < len(gaps) <= line["skips"]  # two with nothing between them are one gap
    assert (sum(gaps) + never) * 188 == line["skipped"]
    assert line["bytes"] == len(got)


def test_lag_closes(engine, split, feed, crowd):
    s = split(*COMES, "--engine", engine, "--lag", "1M", "--on-lag", "close", "--workers", "1")
    c = crowd(s, "-n", 3, "-d", 1, "-b", blocks(24))
    feed(s.source_address, "-c", blocks(24), "-r", 8 << 20, "-e", "hold")
    heard = c.result()
    line = s.ended[0]
    assert (line["end"], line["skips"]) == ("lag", 0) and line["lag"] >= 256 << 10
    assert (heard["blocks_least"], heard["gaps"]) == (blocks(24), 0)


@pytest.mark.parametrize("workers", (1, 2))
def test_the_source_waits(engine, workers, split, feed, crowd):
    """Lossless: who stands still stops the source, and all go on when he does."""
    s = split(*COMES, "--engine", engine, "--lag", "1M", "--on-lag", "wait",
              "--on-source-end", "close", "--workers", str(workers), "--source-timeout", "1s")
    c = crowd(s, "-n", 3)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        host, port = s.address.rsplit(":", 1)
        slow.connect((host, int(port)))
        f = feed(s.source_address, "-c", blocks(64), "-r", 48 << 20)
        time.sleep(1.2)  # after 1.4 s TCP asks again whether it may go on, should the first word of that be lost, then after 3
        assert f.proc.poll() is None, "the source was not slowed"
        got = 0
        while data := slow.recv(1 << 20):
            got += len(data)
    f.result()
    every(c.result(), 3, blocks(64))
    assert got == 64 << 20
    assert {(e["skips"], e["bytes"]) for e in s.ends(4)} == {(0, 64 << 20)}


def test_burst(engine, split, feed, crowd):
    """A new one begins so far before the live point, at the next border, and misses nothing from there."""
    s = split(*COMES, "--engine", engine, "--burst", "1M", "--align", "1000", "--workers", "1")
    first = crowd(s, "-s", 1000, "-n", 1, "-b", 4000)
    feed(s.source_address, "-s", 1000, "-c", 4000, "-r", 2 << 20, "-e", "hold")
    heard = first.result()
    assert (heard["blocks_least"], heard["gaps"]) == (4000, 0)
    late = crowd(s, "-s", 1000, "-n", 3, "-b", (1 << 20) // 1000).result()
    assert (late["blocks_least"], late["blocks_most"]) == ((1 << 20) // 1000,) * 2
    assert (late["first_latest"], late["next_least"]) == (4000 - (1 << 20) // 1000, 4000)
    assert late["gaps"] == late["bad"] == 0


def test_subscribers_outlive_their_source(engine, split, feed, crowd):
    """Three sources after one another, one of which is cut off in the middle of a packet."""
    s = split(*COMES, "--engine", engine, "--align", "1000")
    c = crowd(s, "-s", 1000, "-n", 5, "-b", 1500)
    feed(s.source_address, "-s", 1000, "-c", 1000, "-r", 1 << 20).result()
    s.message("source is gone", 1)
    with socket.create_connection(s.source_address.rsplit(":", 1), PATIENCE) as torn:
        torn.sendall(bytes(555))
        s.message("source is here", 2)
    s.message("source is gone", 2)
    feed(s.source_address, "-s", 1000, "-c", 500, "-r", 1 << 20).result()
    s.message("source is gone", 3)
    heard = c.result()
    assert (heard["blocks_least"], heard["blocks_most"], heard["bad"]) == (1500, 1500, 0)
    assert heard["gaps"] == 5  # each counts once from 0 again


def test_a_second_source(engine, split, feed, crowd):
    """Refused while there is one, or it takes over."""
    s = split(*COMES, "--engine", engine)
    f = feed(s.source_address, "-c", 1 << 40, "-r", 1 << 20)
    s.message("source is here")
    with pytest.raises(ConnectionResetError):  # connect() itself may be told of it
        with socket.create_connection(s.source_address.rsplit(":", 1), PATIENCE) as second:
            while True:
                second.sendall(bytes(1000))
                time.sleep(0.05)
    assert f.proc.poll() is None
    t = split(*COMES, "--engine", engine, "--takeover")
    feed(t.source_address, "-c", 1 << 40, "-r", 1 << 20)
    t.message("source is here")
    second = feed(t.source_address, "-c", 1000, "-r", 1 << 20)
    t.message("source is here", 2)
    assert t.message("source is gone")["end"] == "taken-over"
    second.result()


def test_it_goes_to_its_source_again_and_again(engine, split, feed, crowd):
    address = f"127.0.0.1:{free_port()}"
    s = split("--source", address, "--engine", engine, "--retry", "100ms")
    s.message("cannot reach the source")
    c = crowd(s, "-n", 2, "-b", 600)
    for turn in (1, 2):
        feed(f"listen:{address}", "-c", 300, "-r", 1 << 20).result()
        s.message("source is gone", turn)
        time.sleep(0.3)  # nobody is there meanwhile
    heard = c.result()
    assert (heard["blocks_least"], heard["blocks_most"], heard["next_least"]) == (600, 600, 300)
    assert (heard["gaps"], heard["bad"], heard["torn"]) == (2, 0, 0)


def test_a_silent_source_is_given_up(engine, split, crowd):
    s = split(*COMES, "--engine", engine, "--source-timeout", "300ms", "--on-source-end", "close")
    c = crowd(s, "-n", 2)
    with socket.create_connection(s.source_address.rsplit(":", 1), PATIENCE) as source:
        source.sendall(bytes(2 * BLOCK))
        assert s.message("source is gone")["end"] == "silent"
        heard = c.result()
    assert heard["reset"] == 2  # it was no end


def test_a_reset_is_no_end(engine, split, feed, crowd):
    s = split(*COMES, "--engine", engine, "--on-source-end", "close")
    c = crowd(s, "-n", 4)
    feed(s.source_address, "-c", 500, "-r", 1 << 20, "-e", "reset").result()
    heard = c.result()
    assert (heard["reset"], heard["fin"], heard["gaps"]) == (4, 0, 0)
    assert {e["end"] for e in s.ends(4)} == {"source-lost"}


def test_addresses(engine, split, feed, crowd, tmp_path):
    """IPv4, IPv6 and Unix, for source and subscribers."""
    s = split("--source", f"listen:unix:{tmp_path}/in", "--listen", "127.0.0.1:0", "--listen",
              "[::1]:0", "--listen", f"unix:{tmp_path}/out", "--engine", engine,
              "--on-source-end", "close")
    before = s.fds()["socket"]
    crowds = [crowd(x["listen"], "-n", 2) for x in s.listeners()]
    s.sockets_become(before + 6)
    feed(f"unix:{tmp_path}/in", "-c", 2000, "-r", 4 << 20).result()
    for c in crowds:
        every(c.result(), 2, 2000)
    s.ends(6)


def test_limits(engine, split, feed, crowd):
    """One too many is refused, one who takes nothing is ended."""
    s = split(*COMES, "--engine", engine, "--max-subscribers", "2", "--idle-timeout", "1s",
              "--workers", "1", "--lag", "1M")
    crowd(s, "-n", 2, "-d", 2)
    with socket.create_connection(s.address.rsplit(":", 1), PATIENCE) as third:
        assert third.recv(1) == b""
    feed(s.source_address, "-c", 1 << 40, "-r", 20 << 20)
    assert [e["end"] for e in s.ends(2)] == ["idle"] * 2


def test_drain(engine, split, feed, crowd):
    """No new ones; those who are there get all of it, and then it leaves."""
    s = split(*COMES, "--engine", engine)
    c = crowd(s, "-n", 6)
    f = feed(s.source_address, "-c", 3000, "-r", 1 << 20)
    s.message("source is here")
    s.signal(signal.SIGUSR1)
    s.until(lambda: any(f.get("msg", "").startswith("draining") for f in s.said), what="draining")
    time.sleep(0.3)  # and its workers know of it
    with pytest.raises(OSError), socket.create_connection(s.address.rsplit(":", 1), 1) as late:
        late.sendall(b"x")
        assert late.recv(1) != b""
        raise AssertionError("somebody was let in")
    f.result()
    every(c.result(), 6, 3000)
    s.leaves()
    assert {e["end"] for e in s.ends(6)} == {"done"}


def test_drain_has_an_end(engine, split, feed, crowd):
    s = split(*COMES, "--engine", engine, "--drain-timeout", "500ms")
    c = crowd(s, "-n", 3)
    feed(s.source_address, "-c", 1 << 40, "-r", 1 << 20)
    s.message("source is here")
    s.signal(signal.SIGUSR1)
    s.leaves()
    assert {e["end"] for e in s.ends(3)} == {"drain"}
    assert c.result()["reset"] == 3


def test_stop(engine, split, feed, crowd):
    s = split(*COMES, "--engine", engine)
    crowd(s, "-n", 5)
    feed(s.source_address, "-c", 1 << 40, "-r", 1 << 20)
    s.message("source is here")
    time.sleep(0.3)
    s.signal(signal.SIGTERM)
    s.leaves()
    assert {e["end"] for e in s.ends(5)} == {"stop"}


def test_metrics(engine, split, feed, crowd):
    """What is counted, seen from outside while it runs."""
    s = split(*COMES, "--engine", engine, "--admin", "127.0.0.1:0", "--workers", "2")
    door = s.message("metrics, connections and health are told over HTTP")["admin"]

    def get(path):
        try:
            with urllib.request.urlopen(f"http://{door}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    assert get("/healthz") == (503, "no source\n")
    def counted():
        found = dict(re.findall(r"^(shunt_split_\w+(?:{[^}]*})?) (\d+)$", get("/metrics")[1], re.M))
        return {name: int(n) for name, n in found.items()}

    def those(value, begin):
        return [n for name, n in value.items() if name.startswith(begin)]

    def all_have_it():
        value = counted()
        lags = those(value, "shunt_split_subscriber_lag_bytes")
        return value["shunt_split_source_bytes_total"] == 1000 * BLOCK and lags == [0] * 8 and value

    c = crowd(s, "-n", 8)
    f = feed(s.source_address, "-c", 1000, "-r", 1 << 20, "-e", "hold")
    s.message("source is here")
    s.until(lambda: get("/healthz") == (200, "ok\n"), what="health")
    value = s.until(all_have_it, what="all of it")
    assert (value["shunt_split_subscribers"], value["shunt_split_sources_total"]) == (8, 1)
    assert value["shunt_split_held_bytes"] <= value["shunt_split_memory_bytes"]
    moved = sum(those(value, "shunt_split_bytes_total"))
    assert moved >= 8 * 1000 * BLOCK  # what crossed to the other worker is in it
    assert get("/else")[0] == 404
    f.kill()
    c.kill()


def test_payload_is_never_copied(split, feed, crowd, cast, tmp_path):
    """strace sees no payload read or written, but for the beginning of the stream."""
    need("strace")
    if sanitized():
        pytest.skip("a sanitizer makes calls of its own")
    s = split(*COMES, "--engine", "splice", "--on-source-end", "close", "--workers", "2",
              "--on-lag", "wait")  # strace makes it slow
    out = tmp_path / "trace"
    tracer = cast.run(["strace", "-f", "-qq", "-e", "signal=none", "-e",
                       "trace=read,write,readv,writev,recvfrom,recvmsg,sendto,sendmsg,splice,tee",
                       "-o", str(out), "-p", str(s.pid)])
    s.until(lambda: traced(s.pid) or tracer.proc.poll() is not None, what="strace")
    if tracer.proc.poll() is not None:
        pytest.skip(f"strace cannot attach here: {tracer.text()}")
    c = crowd(s, "-n", 10)
    feed(s.source_address, "-c", blocks(64), "-r", 64 << 20).result()
    every(c.result(), 10, blocks(64))
    tracer.proc.send_signal(signal.SIGINT)
    tracer.wait()
    copied = given = 0
    for line in out.read_text().splitlines():
        m = re.match(r"\d+ +(\w+)\((\d+).*= (\d+)", line)
        if m and m[1] not in ("splice", "tee") and m[2] != "2":
            copied += int(m[3])
        elif m:
            given += int(m[3]) if m[1] == "splice" else 0
    assert copied <= 2 << 20, "payload went by read, write, recv or send"  # of 64 MB in, and 640 out
    assert given >= 11 * (62 << 20)


def test_an_ordinary_user(split, feed, crowd):
    """Smaller units, said at start; nobody misses anything."""
    if os.geteuid():
        pytest.skip("it is one already")
    s = split(*COMES, "--on-source-end", "close", before=("setpriv", "--reuid=65534", "--regid=65534",
                                                          "--clear-groups"))
    line = s.listeners()[0]
    assert line["unit"] == "256K" and "ordinary user" in line["reason"]
    c = crowd(s, "-n", 100)
    feed(s.source_address, "-c", blocks(6), "-r", 4 << 20).result()
    every(c.result(), 100, blocks(6))  # less than --lag: nobody is too slow, on however busy a machine


@pytest.mark.parametrize("args, what", (
    (("--listen", ":0"), "the source is missing"),
    (("--source", "127.0.0.1:1"), "where subscribers come is missing"),
    (("--source", "127.0.0.1:1", "--listen", ":0", "--takeover"), "takeover is for a source that"),
    (("--source", "nowhere", "--listen", ":0"), '--source: source: "nowhere"'),
    (("--source", "listen:x", "--listen", ":0"), '--source: source: "listen:x"'),
    (("--source", "127.0.0.1:1", "--listen", ":0", "--http", "mp3"), "a type is like video/mp2t"),
    (("--source", "127.0.0.1:1", "--listen", ":0", "--lag", "1M", "--unit", "1M"), "4M together"),
    (("--source", "127.0.0.1:1", "--listen", ":0", "--lag", "1k"), "too small"),
))
def test_usage(args, what, cast):
    c = cast.add(Child([SHUNT, "split", *args], "split"))
    assert c.wait() == 1 and what in c.text(), c.text()


def test_a_port_that_is_taken(split):
    s = split(*COMES)
    other = split(*COMES, "--listen", s.address, starts=False)
    assert "cannot listen on" in other.refuses(2)
