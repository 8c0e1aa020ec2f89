# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new rules for new connections; nobody who comes meanwhile is lost, a broken file changes nothing."""
import signal
import socket
import time

from ports import free_port
from services import Load, ask, dial, read_all, take

PLACES = ("loopback",)


def rules(conf, by, first, servers, *more, **keys):
    """One listener at `first`, and some more; all go to these servers."""
    return conf(by, {
        "listen": [{"address": a, "default": "web"} for a in (first, *more)],
        "backend": {"web": {"servers": servers}}, **keys})


def here():
    return f"127.0.0.1:{free_port()}"


def refused(address):
    try:
        dial(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_five_times_in_five_seconds_under_load(engine, serve, service, conf):
    """Listeners come and go, the one that stays is never closed."""
    a, b = service("a"), service("b")
    first, second = here(), here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    load = Load(first, ["a", "b"])
    for turn in range(5):
        time.sleep(1)
        more = [second] if turn % 2 == 0 else []
        servers = ([b], [a, b], [a])[turn % 3]
        assert s.reload(rules(conf, engine, first, [x.address for x in servers], *more))
        if more:
            assert ask(second, b"here") in (a.says(b"here"), b.says(b"here"))
    load.end()
    assert not load.wrong, load.wrong[:3]
    assert load.right > 100 and b.heard
    s.until(lambda: len(s.ended) >= load.right + 3)
    assert {f["end"] for f in s.ended} == {"done"}


def test_what_runs_goes_on_by_its_own_rules(engine, serve, service, conf):
    a, b = service("a"), service("b")
    first = here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    with dial(first) as c:
        c.sendall(b"one ")
        assert take(c, 6) == b"a\none "
        assert s.reload(rules(conf, engine, first, [b.address]))
        assert ask(first, b"new") == b.says(b"new")
        c.sendall(b"two")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c) == b"two"
    assert bytes(a.heard[0]) == b"one two"
    assert [f["server"] for f in s.came(2)] == [a.address, b.address]


def test_a_listener_that_goes_serves_who_waits_there(engine, serve, service, conf):
    """They came when it was at its limit, and are in nobody's hands but the kernel's."""
    a = service("a")
    first, second = here(), here()
    s = serve(engine, rules(conf, engine, first, [a.address], second, limits={"connections": 2}), starts=False)
    s.until(lambda: len(s.listeners()) == 2)
    inside = [dial(first) for _ in range(2)]
    for c in inside:
        c.sendall(b"x")
        assert take(c, 3) == b"a\nx"
    waiting = [dial(second) for _ in range(20)]
    for c in waiting:
        c.sendall(b"y")
    time.sleep(0.3)
    assert len(a.heard) == 2, "the limit let them in"
    assert s.reload(rules(conf, engine, first, [a.address], limits={"connections": 2}))
    for c in waiting:
        c.shutdown(socket.SHUT_WR)
        assert read_all(c) == b"a\ny"
    assert refused(second)
    for c in inside + waiting:
        c.close()
    assert {f["end"] for f in s.ends(22)} == {"done"}


def test_a_broken_file_changes_nothing(engine, serve, service, conf):
    a = service("a")
    first = here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    assert not s.reload("listen:\n  - {address: ':x', default: web}\n  - adress: ':1'\n"
                        "backend:\n  web: {servers: [127.0.0.1:1], balance: best}\n"
                        "timeouts: {head: soon}\n")
    wrong = [m["msg"] for m in s.messages if m["level"] == "error"]
    for place in (":2:15: ", ":3:5: ", ":5:42: ", ":6:18: "):
        assert any(w.startswith(s.file + place) for w in wrong), (place, wrong)
    assert "adress" in s.text() and "did you mean" in s.text()
    assert ask(first, b"still") == a.says(b"still")
    assert not s.reload("listen: [")
    assert ask(first, b"still") == a.says(b"still")
    assert s.reload(rules(conf, engine, first, [a.address], limits={"per_client": 5}))
    assert ask(first, b"still") == a.says(b"still")


def test_a_port_that_is_held_changes_nothing(engine, serve, service, conf):
    a, b = service("a"), service("b")
    first = here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    assert not s.reload(rules(conf, engine, first, [b.address], b.address))
    assert b.address in s.said("not reloaded")[0]["msg"]
    assert ask(first, b"still") == a.says(b"still")
    assert s.reload(rules(conf, engine, first, [b.address]))
    assert ask(first, b"now") == b.says(b"now")


def test_what_waits_for_the_next_start_says_so(engine, serve, service, conf):
    a = service("a")
    first = here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    assert s.reload(rules(conf, engine, first, [a.address], workers=1, unit="128K", receive_limit="8M", copy_below="1",
                          engine="splice" if engine == "copy" else "copy", graft={"bpffs": "/proc/none", "slots": 10}))
    said = {m["msg"].split(":")[0] for m in s.said("next start")}
    assert said == {"workers", "unit", "receive_limit", "copy_below", "engine", "graft"}
    assert ask(first, b"still") == a.says(b"still")


def test_many_at_once_are_one(engine, serve, service, conf):
    a = service("a")
    first = here()
    s = serve(engine, rules(conf, engine, first, [a.address]))
    for _ in range(50):
        s.signal(signal.SIGHUP)
    s.hears("reloaded")
    assert ask(first, b"still") == a.says(b"still")
