# SPDX-License-Identifier: BSD-2-Clause
"""ClientHellos: cut, dribbled, huge, mutated, or with a name that is none. By name they are brought to who
bears it, and to nobody else."""
import concurrent.futures
import random

import pytest

from actors import sanitized
from hellos import hello, message, records
from services import RESET, ask

PLACES = ("loopback",)
SAID = b"and what follows it" * 400


@pytest.fixture
def named(serve, service):
    """a.test has a server, and so has everybody else: (the relay, a, other)."""
    def start(engine, **more):
        a, other = service("a"), service("other")
        s = serve(engine, {
            "listen": [{"look": ["tls"], "routes": [{"sni": ["a.test"], "backend": "a"}], "default": "other"}],
            "backend": {"a": {"servers": [a.address]}, "other": {"servers": [other.address]}},
            "timeouts": {"head": "20s"}, **more})
        return s, a, other
    return start


def test_cut_inside_the_name_and_dribbled(engine, named):
    """Over three records, the name in all of them, a byte at a time."""
    s, a, _ = named(engine)
    m = message(b"a.test")
    at = m.index(b"a.test")
    head = records(m, at + 2, at + 4)
    assert head.count(b"\x16\x03\x01") == 3
    crumbs = [bytes([b]) for b in head]
    assert ask(s.address, *crumbs, SAID, pause=0.002) == a.says(head + SAID)
    line = s.end()
    assert (line["sni"], line["backend"], line["end"], line["up"]) == ("a.test", "a", "done", len(head + SAID))


@pytest.mark.parametrize("size", [60_000, 65_000])
def test_one_of_60_kb_is_routed(engine, named, size):
    s, a, _ = named(engine)
    head = hello(b"a.test", pad=size)
    assert ask(s.address, head, SAID) == a.says(head + SAID)
    assert ask(s.address, *[head[i:i + 700] for i in range(0, len(head), 700)], SAID) == a.says(head + SAID)
    assert [f["sni"] for f in s.ends(2)] == ["a.test"] * 2


def test_one_of_100_kb_is_not_and_costs_nothing(engine, named):
    s, a, other = named(engine)
    head = hello(b"a.test", ciphers=20_000, pad=60_000)
    assert len(head) > 100_000

    def refused(times):
        for _ in range(times):
            assert ask(s.address, head) in (b"", RESET)
    refused(20)
    before, fds = s.memory_kb("VmRSS"), s.fds()
    refused(200)
    s.sockets_become(fds["socket"])
    if not sanitized():
        s.memory_falls("VmRSS", before + 513)
    assert not a.heard and not other.heard
    lines = s.ends(220)
    assert {(f["end"], f["up"], f["server"]) for f in lines} == {("bad-head", 0, "none")}
    assert {f["reason"] for f in lines} and all(f["reason"] for f in lines)


@pytest.mark.parametrize("name", [b"a.test\0.evil", b"a.test\0", b"\0a.test", b"a.test..", b"a.test/", b"a\xe9.test",
                                  b"x.a.test", b"a.tes", b" a.test", b"a.test a.test", b""])
def test_a_name_that_is_not_it(engine, named, name):
    s, a, other = named(engine)
    head = hello(name)
    answer = ask(s.address, head)
    assert answer in (other.says(head), b"", RESET)
    assert not a.heard
    line = s.end()
    assert line["backend" if answer.startswith(b"other") else "reason"]


def test_case_does_not_count(engine, named):
    s, a, _ = named(engine)
    head = hello(b"A.TeSt")
    assert ask(s.address, head) == a.says(head)


def mutated(seed):
    r = random.Random(seed)
    data = bytearray(hello(b"a.test", alpn=[b"h2", b"http/1.1"], pad=r.choice((0, 200, 3000))))
    for _ in range(r.randint(1, 4)):
        at = r.randrange(min(len(data), 160))
        what = r.randrange(4)
        if what == 0:
            data[at] ^= 1 << r.randrange(8)
        elif what == 1:
            data[at] = r.choice((0, 255, r.randrange(256)))
        elif what == 2:
            del data[at:at + r.randint(1, 5)]
        else:
            data[at:at] = r.randbytes(r.randint(1, 5))
    return bytes(data)


def test_600_mutated(engine, named):
    """Each is brought whole to one server, or refused; one that bears another name never to a."""
    s, a, other = named(engine, timeouts={"head": "2s"})
    heads = [mutated(seed) for seed in range(600)]
    with concurrent.futures.ThreadPoolExecutor(24) as crowd:
        answers = list(crowd.map(lambda h: ask(s.address, h), heads))
    for head, answer in zip(heads, answers):
        assert answer in (a.says(head), other.says(head), b"", RESET), head
        if answer == a.says(head):
            assert b"a.test" in head.lower(), head
    lines = s.ends(600)
    assert {f["end"] for f in lines} <= {"done", "bad-head", "head-timeout", "client-gone"}
    taken = sum(f["end"] == "done" for f in lines)
    assert 100 < taken < 600, "the mutations are too mild, or too wild"
    head = hello(b"a.test")
    assert ask(s.address, head) == a.says(head)
