# SPDX-License-Identifier: BSD-2-Clause
"""A file with mistakes: all of them are told at once, each with its place, and nothing is bound."""
import re
import socket
import subprocess

import pytest

from actors import PATIENCE, ROOT, SHUNT

TEN = """\
listen:
  - address: "127.0.0.1:{port}"
    look: [tls, gopher]
    routes:
      - {{sni: ["a.example"], backend: wbe}}
      - {{sni: ["*x.example"], backend: web}}
    default: web
  - adress: ":8443"
    default: web
  - address: "127.0.0.1:{port}"
    default: web
backend:
  web:
    servers: ["127.0.0.1:1", "127.0.0.1:99999"]
    balance: fair
    max_connections: many
timeouts: {{head: 3}}
limits: [1, 2]
workers: -1
"""
PLACES_OF_THEM = [(3, "gopher"), (5, "wbe"), (6, r"\*x.example"), (8, "adress"), (10, "127.0.0.1"), (14, "99999"),
                  (15, "fair"), (16, "many"), (17, "3"), (18, "limits"), (19, "-1")]


def run(*args):
    return subprocess.run([SHUNT, "serve", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


@pytest.mark.parametrize("check", [["--check"], []], ids=["check", "start"])
def test_ten_at_once(tmp_path, check):
    with socket.create_server(("127.0.0.1", 0)) as holder:  # who binds it would be told so
        file = tmp_path / "ten.conf"
        file.write_text(TEN.format(port=holder.getsockname()[1]))
        done = run("-c", str(file), *check)
    assert done.returncode == 1 and not done.stdout
    lines = done.stderr.splitlines()
    assert all(re.match(rf"{re.escape(str(file))}:\d+:\d+: ", line) for line in lines), done.stderr
    for line, word in PLACES_OF_THEM:
        assert any(re.match(rf".*?:{line}:\d+: .*{word}", said) for said in lines), (line, word, done.stderr)
    assert len(lines) >= 10
    assert 'did you mean "address"?' in done.stderr and 'did you mean "web"?' in done.stderr
    assert "held by" not in done.stderr


def test_a_good_file_binds_nothing_when_it_is_checked(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        file = tmp_path / "good.conf"
        file.write_text("listen: [{address: '127.0.0.1:%d', default: web}]\nbackend: {web: {servers: ['127.0.0.1:1']}}\n"
                        % holder.getsockname()[1])
        done = run("-c", str(file), "--check")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        done = run("-c", str(file))
    assert done.returncode == 2 and "held by" in done.stderr


def test_what_is_dumped_can_be_read(tmp_path):
    """The example, as it is in force; read and dumped again it is the same."""
    first = run("-c", f"{ROOT}/examples/shunt.conf", "--dump-config")
    assert first.returncode == 0, first.stderr
    (tmp_path / "dumped").write_text(first.stdout)
    second = run("-c", str(tmp_path / "dumped"), "--dump-config")
    assert (second.returncode, second.stderr) == (0, "")
    assert second.stdout == first.stdout
    for word in ("*.b.example", "acme-tls/1", "half_closed", "max_connections: 1000", "per_client"):
        assert word in first.stdout


def test_defaults_can_be_dumped():
    done = run("--dump-config")
    assert done.returncode == 0 and "engine: auto" in done.stdout


@pytest.mark.parametrize("args, word", [([], "-c"), (["-c", "/nowhere/x.conf"], "/nowhere/x.conf"), (["-c", "/tmp"], "/tmp"),
                                        (["-x"], "-x"), (["-c", "a", "b"], "b")])
def test_bad_command_line(args, word):
    done = run(*args)
    assert done.returncode == 1 and word in done.stderr and not done.stdout
    assert len(done.stderr.splitlines()) <= 4
