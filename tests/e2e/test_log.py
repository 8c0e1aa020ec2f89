# SPDX-License-Identifier: BSD-2-Clause
"""The log: one line for each connection, in a form that programs and people can read."""
import re
import time

import pytest

from actors import END_FIELDS, PEER, SHUNT, Peer

PLACES = ("loopback",)
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


@pytest.mark.parametrize("form", ["logfmt", "default"])
def test_logfmt(engine, form, cast, server):
    s = server("accept", "read:all", "send:200", "shut")
    args = ["--log", "logfmt"] if form == "logfmt" else []
    r = cast.run([SHUNT, "relay", "--engine", engine, *args, "127.0.0.1:0", s.address])
    r.until(lambda: re.search(r"listen=(\S+)", r.text()), what="its address")
    address = re.search(r"listen=(\S+)", r.text())[1]
    cast.add(Peer([PEER, f"connect:{address}", "send:100", "shut", "read:all"], "client")).done()
    r.until(lambda: " end=" in r.text(), what="the line of the connection")
    lines = [line for line in r.lines["stderr"] if "conn=" in line]
    assert len(lines) == 1
    fields = FIELD.findall(lines[0])
    assert [k for k, _ in fields if k in END_FIELDS] == list(END_FIELDS), "order, or a field is missing"
    told = dict(fields)
    assert (told["up"], told["down"], told["end"]) == ("100", "200", "done")
    assert told["listen"] == address and told["server"] == s.address
    stamp = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", lines[0])
    assert stamp and stamp[0].startswith(time.strftime("%Y-%m-%dT", time.gmtime()))
    r.proc.terminate()
    assert r.wait() == 0


def test_times_are_those_of_the_connection(engine, couple):
    r, c, s = couple(engine, ["pause:700", "send:1", "shut", "expect:eof"], ["read:all", "shut"])
    c.done()
    s.done()
    line = r.end()
    assert 650 <= line["dur_ms"] < 60_000
    assert 0 <= line["connect_ms"] < line["dur_ms"]


def test_nothing_on_stdout(engine, couple):
    r, c, s = couple(engine, ["both:1000", "shut", "expect:eof"], ["both:1000", "shut"])
    c.done()
    s.done()
    r.stop()
    assert not r.lines["stdout"]
