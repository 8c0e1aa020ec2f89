# SPDX-License-Identifier: BSD-2-Clause
"""What the README offers in place of others does what those do: its files and commands, with other addresses."""
import re
import shlex
import subprocess

import pytest

from actors import ROOT, need
from hellos import hello
from services import ask

PLACES = ("loopback",)
ENGINES = ("splice",)
SERVERS = re.compile(r'10\.0\.0\.\d+:443|127\.0\.0\.1:(?:22|8443)')

with open(f"{ROOT}/README.md", encoding="utf-8") as f:
    README = f.read()


def part(other):
    """What stands below the heading of this one."""
    return re.search(rf"^### In place of {other}.*?\n(.*?)(?=^##)", README, re.M | re.S).group(1)


def files(other):
    return re.findall(r"^```yaml\n(.*?)^```", part(other), re.M | re.S)


@pytest.fixture
def here(service):
    """The same text, with a service at each of its addresses; {its last number: the service}."""
    def move(text):
        made = {}
        for address in sorted(set(SERVERS.findall(text))):
            key = address.split(":")[1] if address.startswith("127") else address.split(":")[0].split(".")[3]
            made[key] = service(key)
            text = text.replace(address, made[key].address)
        return text.replace('":443"', '"127.0.0.1:0"'), made
    return move


def started(serve, engine, text):
    return serve(engine, text + f"log: {{format: json}}\nengine: {engine}\n")


def test_sslh(engine, relay, here):
    words, made = here(re.search(r"^    shunt relay :443 (.*)$", part("sslh"), re.M).group(1))
    r = relay(engine, *shlex.split(words))
    for key, said in (("22", b"SSH-2.0-x\r\n"), ("8443", hello(b"any.example"))):
        assert ask(r.address, said) == made[key].says(said)


def test_sniproxy(engine, serve, relay, here):
    text, made = here(files("sniproxy")[0])
    command = re.search(r"`shunt relay :443 (.*?)`", part("sniproxy")).group(1)
    moved, too = here(command)
    target, *rest = shlex.split(moved)
    for at, by in ((started(serve, engine, text), made), (relay(engine, "--target", target, *rest), too)):
        for key, name in (("5", b"a.example"), ("6", b"x.b.example"), ("9", b"b.example"), ("9", None)):
            assert ask(at.address, hello(name)) == by[key].says(hello(name)), name


def test_haproxy(engine, serve, here, tmp_path):
    text, made = here(files("HAProxy")[0])
    s = started(serve, engine, text)
    for _ in range(6):
        answer = ask(s.address, hello(b"www.example"))
        assert answer.split(b"\n")[0] in (b"5", b"6")
        assert answer.endswith(hello(b"www.example")) and b"QUIT\n\x21\x11" in answer
    assert ask(s.address, hello(b"api.example")) == made["7"].says(hello(b"api.example"))
    original = re.search(r"^```\n(.*?)^```", part("HAProxy"), re.M | re.S).group(1)
    need("haproxy")
    (tmp_path / "haproxy.cfg").write_text(original)
    done = subprocess.run(["/usr/sbin/haproxy", "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nginx(engine, serve, here):
    text, made = here(files("nginx")[0])
    s = started(serve, engine, text)
    answers = [ask(s.address, hello(b"www.example")) for _ in range(5)]
    first = {a.split(b"\n")[0] for a in answers}
    assert first in ({b"5"}, {b"6"}), "a client stays with its server"
    assert all(b"\nPROXY TCP4 127.0.0.1 127.0.0.1 " in a for a in answers)
    assert b"\r\n" + hello(b"api.example") in ask(s.address, hello(b"api.example"))
    assert bytes(made["7"].heard[0]).startswith(b"PROXY TCP4 ")


def test_the_example(engine, serve, here):
    """The file of shunt.conf(5)'s beginning."""
    with open(f"{ROOT}/man/shunt.conf.5.scd", encoding="utf-8") as f:
        text = re.search(r"^```\n(listen:.*?)^```", f.read(), re.M | re.S).group(1)
    text, made = here(text)
    s = started(serve, engine, text)
    for said, key in ((hello(b"a.example"), "5"), (b"SSH-2.0-x\r\n", "22")):
        answer = ask(s.address, said)
        assert answer in (made[key].says(said), made["6"].says(said) if key == "5" else None)
