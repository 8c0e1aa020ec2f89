# SPDX-License-Identifier: BSD-2-Clause
"""What cannot be spliced is copied: nothing fails, nothing is lost, and the counts say so."""
import os
import shutil
import subprocess
import sys

import pytest

from actors import SHUNT, moved_by

PLACES = ("loopback",)
BIG = ["both:20m", "shut", "expect:eof", "tell"]
DENIED = ["splice=EPERM", "splice=ENOSYS", "splice=EINVAL", "splice=EPERM,tee=EPERM",
          "pipe2=EMFILE", "pipe2=ENFILE,pipe=ENFILE"]

HOLDER = """
import fcntl, os, resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
for size in (1 << 20, 1 << 16):  # large ones first, then the crumbs
    while True:
        reader, writer = os.pipe()
        try:
            got = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, size)
        except PermissionError:
            got = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
            if got < 1 << 16:
                break
            if size == 1 << 20:
                break
print("held", got, flush=True)
sys.stdin.read()
"""


def ordinary(user):
    """What to put before a command that this user shall run."""
    return ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"] if user else []


def by_copy(r, c, s, refused):
    size = 20 << 20
    c.done()
    s.done()
    assert c.told(0)["read_sha"] == s.told(0)["sent_sha"]
    assert s.told(0)["read_sha"] == c.told(0)["sent_sha"]
    line = r.end()
    assert (line["end"], line["up"], line["down"]) == ("done", size, size)
    assert moved_by(line, "copy") == 2 * size
    start = r.listeners()[0]
    if start["engine"] == "copy":  # known from the start
        assert start["reason"]
    else:
        assert line[refused] > 0


@pytest.mark.parametrize("denied", DENIED)
def test_a_kernel_that_refuses(engine, denied, couple):
    r, c, s = couple(engine, BIG, BIG, deny=denied)
    what = "pipe_refused" if "pipe" in denied else "splice_refused"
    by_copy(r, c, s, what)


def test_auto_says_so_at_once(relay):
    """Where splice cannot work at all, the listener's line says copy, and why."""
    r = relay("auto", "--target", "127.0.0.1:1", deny="splice=ENOSYS")
    line = r.listeners()[0]
    assert line["engine"] == "copy"
    assert "splice" in str({k: v for k, v in line.items() if k != "engine"})


def test_auto_takes_the_best(relay):
    assert relay("auto", "--target", "127.0.0.1:1").listeners()[0]["engine"] == "splice"


@pytest.fixture
def user():
    """Someone whose pipes are counted: nobody if we are root, else ourselves."""
    if os.geteuid():
        return None
    probe = subprocess.run([*ordinary("nobody"), "test", "-x", SHUNT], check=False)
    if probe.returncode:
        pytest.skip(f"nobody cannot run {SHUNT}")
    return "nobody"


@pytest.fixture
def take_all_pipes(cast, user):
    """take_all_pipes(): from now on another process of the user holds all pipes that the user may
    have. Returns a function that lets them go."""
    with open("/proc/sys/fs/pipe-user-pages-soft", encoding="ascii") as f:
        if int(f.read()) == 0:
            pytest.skip("fs.pipe-user-pages-soft is 0: pipes are not counted here")

    def take():
        python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
        holder = cast.run([*ordinary(user), python, "-c", HOLDER], "holder")
        holder.until(lambda: holder.lines["stdout"], what="held")
        return holder.kill
    return take


@pytest.mark.alone
def test_no_pipes_left(engine, user, take_all_pipes, couple):
    take_all_pipes()
    r, c, s = couple(engine, BIG, BIG, as_user=user)
    by_copy(r, c, s, "pipe_refused")


@pytest.mark.alone
def test_pipes_come_back(user, take_all_pipes, relay, server, client):
    """It steps down for one transfer, not for good."""
    let_go = take_all_pipes()
    s = server("n:2", "accept", *BIG, "close")
    r = relay("splice", "--target", s.address, as_user=user)
    client(r, *BIG).done()
    r.ends(1)
    let_go()
    client(r, *BIG).done()
    s.done()
    assert [f["engine"] for f in r.ends(2)] == ["copy", "splice"]


@pytest.mark.alone
def test_pipes_go_while_it_runs(user, take_all_pipes, relay, server, client):
    """Pipes that the relay has got are kept; those it cannot get any more are done without."""
    words = ["both:20m", "go", *BIG]
    s = server("accept", *words)
    r = relay("splice", "--target", s.address, as_user=user)
    c = client(r, *words)
    c.ready()
    s.ready()
    take_all_pipes()
    c.go()
    s.go()
    c.done()
    s.done()
    assert c.told(0)["read_sha"] == s.told(0)["sent_sha"]
    assert r.end()["end"] == "done"


def test_as_an_ordinary_user(engine, user, couple):
    """Nothing is held back from it: splice works without any privilege."""
    r, c, s = couple(engine, BIG, BIG, as_user=user)
    c.done()
    s.done()
    assert c.told(0)["read_sha"] == s.told(0)["sent_sha"]
    line = r.end()
    assert (line["end"], line["engine"]) == ("done", engine)


def test_small_transfers_take_no_pipe(engine, relay, server, client):
    """A question of 1 KB, an answer of 2 KB: a pipe would cost more than the bytes."""
    s = server("n:20", "accept", "read:1000", "send:2000", "shut", "expect:eof", "close")
    r = relay(engine, "--target", s.address)
    before = r.fds()["pipe"]
    words = ["send:1000", "read:2000", "expect:eof", "shut", "close"]
    client(r, *words, *([f"connect:{r.address}", *words] * 19)).done()
    s.done()
    for line in r.ends(20):
        assert (line["engine"], moved_by(line, "copy")) == ("copy", 3000), line
    assert r.fds()["pipe"] == before


def test_large_transfers_are_not_copied(relay, server, client):
    s = server("accept", "read:1000", "send:50m", "shut", "expect:eof")
    r = relay("splice", "--target", s.address)
    client(r, "send:1000", "read:all", "shut").done()
    s.done()
    line = r.end()
    assert line["engine"] == "splice"
    assert moved_by(line, "copy") <= 64 << 10
