# SPDX-License-Identifier: BSD-2-Clause
"""A bad command line: exit code 1, and a message that names what is wrong."""
import subprocess

import pytest

from actors import PATIENCE, SHUNT

GOOD = ["127.0.0.1:0", "127.0.0.1:1"]

BAD = [
    ([], "listen"),
    (["127.0.0.1:0"], "target"),
    (["--listen", "127.0.0.1:0"], "target"),
    (["--target", "127.0.0.1:1"], "listen"),
    (["127.0.0.1", "127.0.0.1:1"], "127.0.0.1"),
    (["127.0.0.1:99999", "127.0.0.1:1"], "99999"),
    (["127.0.0.1:-1", "127.0.0.1:1"], "-1"),
    (["127.0.0.1:http!", "127.0.0.1:1"], "http!"),
    (["[::1:80", "127.0.0.1:1"], "[::1:80"),
    (["::1:80", "127.0.0.1:1"], "::1:80"),
    (["127.0.0.1:0", "unix:"], "unix:"),
    (["127.0.0.1:0", "127.0.0.1:0"], "127.0.0.1:0"),
    (["127.0.0.1:0", "unix:/" + "x" * 200], "unix:"),
    ([*GOOD, "--engine", "warp"], "--engine"),
    ([*GOOD, "--engine"], "--engine"),
    ([*GOOD, "--workers", "-1"], "--workers"),
    ([*GOOD, "--workers", "2 "], "--workers"),
    ([*GOOD, "--workers", "many"], "--workers"),
    ([*GOOD, "--workers", "99999999999999999999"], "--workers"),
    ([*GOOD, "--connect-timeout", "soon"], "--connect-timeout"),
    ([*GOOD, "--connect-timeout", "-3s"], "--connect-timeout"),
    ([*GOOD, "--idle-timeout", "10 parsecs"], "--idle-timeout"),
    ([*GOOD, "--half-closed-timeout", ""], "--half-closed-timeout"),
    ([*GOOD, "--drain-timeout", "1x"], "--drain-timeout"),
    ([*GOOD, "--max-connections", "lots"], "--max-connections"),
    ([*GOOD, "--log", "xml"], "--log"),
    ([*GOOD, "--nonsense"], "--nonsense"),
    ([*GOOD, "-x"], "-x"),
]


def run(*args):
    return subprocess.run([SHUNT, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)


@pytest.mark.parametrize("args,named", BAD, ids=[" ".join(args)[:40] or "nothing" for args, _ in BAD])
def test_bad_command_line(args, named):
    done = run("relay", *args)
    assert done.returncode == 1, done.stderr
    assert named in done.stderr
    assert len(done.stderr.splitlines()) <= 4, "the message drowns in usage"
    assert not done.stdout


def test_unknown_command():
    done = run("frobnicate")
    assert done.returncode == 1
    assert "frobnicate" in done.stderr


def test_help_fits_one_screen():
    done = run("relay", "--help")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and not done.stderr
    assert 10 < len(lines) <= 40
    assert max(len(line) for line in lines) <= 100
    for word in ("--engine", "--workers", "--connect-timeout", "--idle-timeout", "--log",
                 "--half-closed-timeout", "--drain-timeout", "--max-connections", "SIGTERM",
                 "SIGUSR1", "unix:"):
        assert word in done.stdout
