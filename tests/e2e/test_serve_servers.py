# SPDX-License-Identifier: BSD-2-Clause
"""Servers that refuse, die and come back: the next one has the client at once, with its whole head."""
import time

import pytest

from actors import PATIENCE
from hellos import hello
from services import RESET, Load, ask

PLACES = ("loopback",)
HEAD = hello(b"a.test", pad=20_000)
MORE = bytes(range(256)) * 2000


def test_the_next_one_gets_the_whole_head(engine, serve, service):
    web = service("web")
    s = serve(engine, {
        "listen": [{"look": ["tls"], "routes": [{"sni": ["a.test"], "backend": "web"}]}],
        "backend": {"web": {"servers": ["127.0.0.1:1", "127.0.0.1:2", {"address": web.address, "backup": True}]}},
        "timeouts": {"connect": "60s"}})
    for _ in range(3):
        began = time.monotonic()
        assert ask(s.address, HEAD[:9000], HEAD[9000:], MORE, pause=0.02) == web.says(HEAD + MORE)
        assert time.monotonic() - began < 30
    assert {(f["server"], f["end"], f["sni"]) for f in s.ends(3)} == {(web.address, "done", "a.test")}


def test_all_refuse(engine, serve):
    s = serve(engine, {
        "listen": [{"look": ["tls"], "default": "web"}],
        "backend": {"web": {"servers": ["127.0.0.1:1", "127.0.0.1:2"]}}})
    assert ask(s.address, HEAD) in (b"", RESET)
    assert s.end()["end"] == "refused"


@pytest.mark.parametrize("checks", [False, True], ids=["unchecked", "checked"])
def test_one_dies_and_comes_back_three_times_under_load(engine, serve, service, checks):
    """Whom it had when it died, it has lost; nobody else notices."""
    if checks and engine == "copy":
        pytest.skip("checks know no engine: told with the other one")
    a, b = service("a"), service("b")
    s = serve(engine, {
        "listen": [{"default": "web"}],
        "backend": {"web": {"servers": [a.address, b.address],
                            **({"check": {"every": "200ms", "timeout": "5s", "rise": 1}} if checks else {})}},
        "timeouts": {"connect": "60s"}})
    load = Load(s.address, ["a", "b"])
    for _ in range(3):
        time.sleep(0.4)
        a.stop()
        time.sleep(0.4)
        a.start()
        before = sum(map(bool, a.heard))
        deadline = time.monotonic() + PATIENCE
        while sum(map(bool, a.heard)) == before:  # a check says nothing
            assert time.monotonic() < deadline, "it has come back, and nobody is brought to it"
            time.sleep(0.02)
    load.end()
    assert load.right > 100
    assert load.longest < 30, load.longest
    s.until(lambda: len(s.ended) >= load.right + len(load.wrong))
    lost = [f for f in s.ends() if f["end"] != "done"]
    assert {(f["end"], f["server"]) for f in lost} <= {("server-reset", a.address)}, lost[:5]
    assert len(load.wrong) <= len(lost) <= 3 * len(load.threads)
