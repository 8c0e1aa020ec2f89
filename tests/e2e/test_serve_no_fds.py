# SPDX-License-Identifier: BSD-2-Clause
"""Half heads take all descriptors there are: the others wait outside, and are served when those are over."""
from hellos import hello
from services import ask, dial

PLACES = ("loopback",)
HEAD = hello(b"a.test")


def test_half_heads_fill_it(engine, serve, service):
    web = service("web")
    s = serve(engine, {
        "listen": [{"look": ["tls"], "default": "web"}], "workers": 1,
        "backend": {"web": {"servers": [web.address]}}, "timeouts": {"head": "1500ms"}},
        before=["prlimit", "--nofile=64:64"])
    before = s.fds()
    crowd = [dial(s.address) for _ in range(60)]
    for c in crowd:
        c.sendall(HEAD[:30])
    busy = s.ticks()
    assert ask(s.address, HEAD) == web.says(HEAD)
    s.until(lambda: sum(f["end"] == "head-timeout" for f in s.ended) == 60)
    assert s.ticks() - busy < 100, "it spins at its limit"
    assert s.said("new clients wait") and s.fds() == before
    for c in crowd:
        c.close()
