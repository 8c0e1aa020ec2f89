# SPDX-License-Identifier: BSD-2-Clause
"""`split:` in the file of `shunt serve`: streams beside listeners, by the same options, over reloads and to the end."""
import json
import re
import signal
import socket
import struct
import urllib.error
import urllib.request

import pytest

import exposition
from actors import SHUNT, Serve
from services import ask, dial
from splitting import SUB_FIELDS, crowd, feed, size  # noqa: F401

PLACES = ("loopback",)
BLOCK = 1024
HERE = "127.0.0.1:0"


class Splits(Serve):
    """`shunt serve` with splits: their lines are kept apart from those of listeners and connections."""

    def __init__(self, argv, name, file):
        self.doors, self.subs, self.sources = [], [], []
        super().__init__(argv, name, file)

    def heard(self, which, line):
        try:
            fields = json.loads(line)
        except ValueError:
            return
        if "sub" in fields:
            assert all(f in fields for f in SUB_FIELDS), fields
            self.subs.append(fields)
        elif fields.get("msg") == "listening" and "split" in fields:
            self.doors.append(fields)
        else:
            if fields.get("msg", "").startswith("source is "):
                self.sources.append(fields)
            super().heard(which, line)

    def door(self, nth):
        """The line of the n-th of their addresses that began to listen."""
        return self.until(lambda: self.doors[nth:nth + 1], what=f"address {nth} of splits")[0]

    def gone(self, split, count):
        """The lines of its subscribers who are gone."""
        def found():
            return [s for s in self.subs if s["listen"] == split]
        self.until(lambda: len(found()) >= count, what=f"{count} subscribers of {split} that ended")
        return found()

    def source(self, split, word, times=1):
        def found():
            return [s for s in self.sources if s["split"] == split and s["msg"] == f"source is {word}"]
        return self.until(lambda: found()[times - 1:], what=f"a source {word} at {split}")[0]

    @property
    def admin(self):
        return self.hears("told over HTTP")[-1]["admin"]

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def metrics(self):
        return exposition.read(self.get("/metrics")[1])

    def joined(self, split, count):
        """Until so many are its subscribers: who is connected may still wait to be let in."""
        def now():
            found = re.findall(rf'^shunt_split_subscribers{{split="{re.escape(split)}"}} (\d+)$',
                               self.get("/metrics")[1].decode(), re.M)
            return found == [str(count)]
        self.until(now, what=f"{count} subscribers of {split}")


def keys(engine, splits, **more):
    """A file in JSON, which is YAML."""
    return json.dumps({"split": splits, "engine": engine, "workers": 2, "log": {"format": "json"},
                       "admin": {"address": HERE}, "graft": {"bpffs": "/proc/none"}, **more}, indent=1)


def comes(**more):
    """A split whose source comes, and may take its time."""
    return {"source": f"listen:{HERE}", "listen": HERE, "align": BLOCK, "on_source_end": "close",
            "source_timeout": "0", **more}


def web(service):
    return {"listen": [{"address": HERE, "default": "web"}], "backend": {"web": {"servers": [service.address]}}}


def every(result, subscribers, of):
    """All of them had all of it."""
    want = {"heard": subscribers, "blocks_least": of, "blocks_most": of, "first_latest": 0, "gaps": 0,
            "bad": 0, "torn": 0}
    assert {k: result[k] for k in want} == want


def blocks(first, end):
    """Blocks of a stream, as tests/crowd.c has them: for a source that waits for its story."""
    def words(number):
        yield from (((number + at) * 0x9E3779B97F4A7C15) & (1 << 64) - 1 for at in range(8, BLOCK, 8))
    return b"".join(struct.pack(">Q", n) + struct.pack(f"={BLOCK // 8 - 1}Q", *words(n)) for n in range(first, end))


def closed(address):
    host, port = address.rsplit(":", 1)
    with socket.socket() as s:
        s.settimeout(5)
        return s.connect_ex((host, int(port))) != 0


@pytest.fixture
def splits(cast, tmp_path):
    """splits(TEXT): a running `shunt serve` of this file."""
    def start(text, before=()):
        file = tmp_path / f"splits-{len(cast.relays)}.conf"
        file.write_text(text)
        s = cast.add(Splits([*before, SHUNT, "serve", "-c", str(file)], "serve", str(file)))
        wanted = json.loads(text)
        s.until(lambda: len(s.doors) == len(wanted["split"]) and len(s.starts) == len(wanted.get("listen", [])),
                what="listening lines")
        return s
    return start


def test_two_beside_a_listener(engine, splits, feed, crowd, service):
    """Each one's subscribers get its own stream, whole; connections are relayed meanwhile; all is told apart."""
    a = service("a")
    s = splits(keys(engine, [comes(), comes(lag="2M")], **web(a)))
    one, two = s.door(0), s.door(1)
    assert (size(one["lag"]), size(two["lag"])) == (8 << 20, 2 << 20)
    first, second = crowd(one["listen"], "-n", 6), crowd(two["listen"], "-n", 4)
    s.joined(one["split"], 6)
    s.joined(two["split"], 4)
    feeds = [feed(one["source_listen"], "-c", 3000, "-r", 2 << 20, "-e", "hold"),
             feed(two["source_listen"], "-c", 1000, "-r", 1 << 20)]
    assert ask(s.address, b"hello") == a.says(b"hello")
    every(second.result(), 4, 1000)
    assert s.source(two["split"], "gone")["bytes"] == 1000 * BLOCK
    assert {(x["end"], x["bytes"]) for x in s.gone(two["listen"], 4)} == {("done", 1000 * BLOCK)}

    told = {"source_bytes_total": {one["split"]: 3000 * BLOCK, two["split"]: 1000 * BLOCK},
            "source_up": {one["split"]: 1, two["split"]: 0},
            "subscribers": {one["split"]: 6, two["split"]: 0},
            "subscribers_ended_total": {one["split"]: 0, two["split"]: 4},
            "subscriber_lag_bytes": {one["split"]: 0}}

    def settled():  # counts are a second old at most
        m = s.metrics()
        return m if all(m["shunt_split_" + name].by("split") == n for name, n in told.items()) else None
    m = s.until(settled, what="what both were, in the metrics")
    assert m["shunt_connections_total"].get(listener=s.address) == 1
    assert s.get("/healthz") == (200, b"ok\n")
    for f in feeds:
        f.kill()
    assert s.source(one["split"], "gone")
    assert first.result()["blocks_most"] == 3000


def test_a_reload_touches_what_has_changed(engine, splits, feed, crowd, service):
    """One goes on without a gap over four reloads; one is changed, one comes and goes, a wrong file does nothing."""
    a = service("a")
    stays = comes(lag="16M")
    s = splits(keys(engine, [stays, comes()], **web(a)))
    one, two = s.door(0), s.door(1)
    held = crowd(one["listen"], "-n", 5)
    s.joined(one["split"], 5)
    f = feed(one["source_listen"], "-c", 6000, "-r", 1 << 20)
    s.source(one["split"], "here")
    waiting = crowd(two["listen"], "-n", 3)
    s.joined(two["split"], 3)

    assert s.reload(keys(engine, [comes(lag="2M"), stays], **web(a)))  # the order says nothing
    assert waiting.result()["reset"] == 3
    assert {x["end"] for x in s.gone(two["listen"], 3)} == {"stop"}
    again = s.door(2)
    assert (again["listen"], again["source_listen"]) == (two["listen"], two["source_listen"])
    assert size(again["lag"]) == 2 << 20
    heard = crowd(again["listen"], "-n", 3)
    s.joined(again["split"], 3)
    feed(again["source_listen"], "-c", 500, "-r", 1 << 20).result()
    every(heard.result(), 3, 500)

    assert s.reload(keys(engine, [comes(burst="1M"), stays, comes(lag="2M")], **web(a)))
    added = s.door(3)
    heard = crowd(added["listen"], "-n", 2)
    s.joined(added["split"], 2)
    feed(added["source_listen"], "-c", 500, "-r", 1 << 20).result()
    every(heard.result(), 2, 500)
    assert not s.reload(keys(engine, [comes(lag="2K")], **web(a)))
    assert any("is too small: 1M is the least" in m["msg"] for m in s.said("lag: "))

    assert s.reload(keys(engine, [stays], **web(a)))
    s.until(lambda: closed(added["listen"]) and closed(two["source_listen"]), what="closed addresses")
    assert ask(s.address, b"still") == a.says(b"still")
    f.result()
    every(held.result(), 5, 6000)
    assert len(s.doors) == 4 and {x["end"] for x in s.gone(one["listen"], 5)} == {"done"}


def test_an_address_that_is_held_changes_nothing(engine, splits, feed, crowd, service):
    a = service("a")
    s = splits(keys(engine, [comes()], **web(a)))
    one = s.door(0)
    c = crowd(one["listen"], "-n", 2)
    s.joined(one["split"], 2)
    taken = comes(listen=[HERE, a.address])
    assert not s.reload(keys(engine, [comes(lag="2M"), taken], **web(a)))
    assert a.address in s.said("not reloaded")[0]["msg"]
    feed(one["source_listen"], "-c", 500, "-r", 1 << 20).result()
    every(c.result(), 2, 500)
    assert len(s.doors) == 1


def test_a_listener_may_come_later_and_the_last_split_go(engine, splits, service):
    a = service("a")
    s = splits(keys(engine, [comes()]))
    one = s.door(0)
    assert s.reload(keys(engine, [comes()], **web(a)))
    s.until(lambda: s.starts, what="the listener")
    assert ask(s.address, b"x") == a.says(b"x")
    text = json.loads(keys(engine, [], **web(a)))
    del text["split"]
    assert s.reload(json.dumps(text))
    s.until(lambda: closed(one["listen"]) and closed(one["source_listen"]), what="closed addresses")
    assert ask(s.address, b"y") == a.says(b"y")


def test_drain_gives_all_of_it_and_frees_the_addresses(engine, splits, feed, crowd):
    """Splits alone: a successor has their addresses while the last source's stream is still given out."""
    s = splits(keys(engine, [comes()]))
    one = s.door(0)
    assert s.get("/healthz") == (503, b"no source\n")
    c = crowd(one["listen"], "-n", 4)
    s.joined(one["split"], 4)
    source = dial(one["source_listen"])
    source.sendall(blocks(0, 600))
    s.until(lambda: s.get("/healthz") == (200, b"ok\n"), what="health, which is a second old at most")
    s.signal(signal.SIGUSR1)
    s.until(lambda: closed(one["listen"]) and closed(one["source_listen"]), what="closed addresses")
    t = splits(keys(engine, [comes(listen=one["listen"], source="listen:" + one["source_listen"])]))
    late = crowd(one["listen"], "-n", 2)
    t.joined(one["split"], 2)
    source.sendall(blocks(600, 1000))
    source.close()
    every(c.result(), 4, 1000)
    s.leaves()
    whole = [x for x in s.gone(one["listen"], 4) if x["bytes"] == 1000 * BLOCK]  # closed() may have been one as well
    assert [x["end"] for x in whole] == ["done"] * 4
    feed(one["source_listen"], "-c", 300, "-r", 1 << 20).result()
    every(late.result(), 2, 300)
    assert len(t.gone(one["listen"], 2)) == 2


def test_stop_ends_all(engine, splits, feed, crowd, service):
    s = splits(keys(engine, [comes(), comes(http="video/mp2t")], **web(service("a"))))
    one, two = s.door(0), s.door(1)
    crowds = [crowd(one["listen"], "-n", 3), crowd(two["listen"], "-n", 3, "-g")]
    s.joined(one["split"], 3)
    s.joined(two["split"], 3)
    feed(one["source_listen"], "-c", 1 << 40, "-r", 1 << 20)
    s.source(one["split"], "here")
    s.signal(signal.SIGTERM)
    s.leaves()
    assert [c.result()["reset"] for c in crowds] == [3, 3]
    assert {x["end"] for x in s.gone(one["listen"], 3) + s.gone(two["listen"], 3)} == {"stop"}


def test_descriptors_are_shared(engine, splits, service):
    """Who says how many he needs has as many; the others have equal parts of the rest, listeners one of them."""
    s = splits(keys(engine, [comes(max_subscribers=20), comes(), comes()], **web(service("a"))),
               before=("prlimit", "--nofile=4000:4000"))
    most = [s.door(i)["max_subscribers"] for i in range(3)]
    assert most[0] == 20 and most[1] == most[2] > 20
    assert 3 * sum(most) + 2 * s.starts[0]["max_connections"] < 4000


def test_a_wrong_section_is_told_with_its_place(cast, tmp_path):
    file = tmp_path / "wrong.conf"
    file.write_text("split:\n  - source: 127.0.0.1:1\n    listen: ':1'\n    on_lag: skp\n")
    s = cast.add(Serve([SHUNT, "serve", "-c", str(file)], "serve", str(file)))
    assert f"{file}:4:13: on_lag: " in s.refuses(1)
