# SPDX-License-Identifier: BSD-2-Clause
"""A large transfer by splice: no payload through user memory, and much at each call."""
import os
import re
import signal

import pytest

from actors import LONG, moved_by, need, sanitized, traced as is_traced

PLACES = ("loopback",)
SIZE = (1 << 30) if LONG else (256 << 20)
COPYING = ("read", "write", "readv", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg")


@pytest.fixture
def traced(cast, tmp_path):
    """traced(relay): strace it from now on; the result, called, gives (call, kind of file, returned) of each."""
    need("strace")
    if sanitized():
        pytest.skip("a sanitizer makes calls of its own")

    def start(r):
        out = tmp_path / "trace"
        calls = ",".join((*COPYING, "splice"))
        s = cast.run(["strace", "-f", "-qq", "-y", "-e", f"trace={calls}", "-e", "signal=none", "-o",
                      str(out), "-p", str(r.pid)])
        try:
            s.until(lambda: os.path.exists(out) and is_traced(r.pid), 20)
        except AssertionError:
            pytest.skip(f"strace cannot attach here: {s.text()}")

        def finish():
            s.proc.send_signal(signal.SIGINT)
            s.wait()
            lines = out.read_text().splitlines()
            assert not any("unfinished" in line for line in lines if "splice(" in line)
            found = (re.match(r"\d+ +(\w+)\(\d+<(\w+).*= (-?\d+)", line) for line in lines)
            return [(m[1], m[2], int(m[3])) for m in found if m]
        return finish
    return start


@pytest.mark.parametrize("below, most", [("8K", 64 << 10), ("1", 0)])
def test_payload_is_never_copied(traced, relay, server, client, below, most):
    """But for the beginning of a stream, and not even that where it is not wanted."""
    s = server("accept", f"send:{SIZE}", "shut", "expect:eof", before=("-t", "300"))
    r = relay("splice", "--copy-below", below, "--target", s.address)
    finish = traced(r)
    client(r, f"read:{SIZE}", "expect:eof", "shut", before=("-t", "300")).done(300)
    s.done()
    line = r.end()
    calls = finish()
    assert (line["down"], line["engine"]) == (SIZE, "splice")
    assert moved_by(line, "copy") <= most
    copied = sum(n for name, kind, n in calls if name in COPYING and kind == "socket" and n > 0)
    assert copied <= most, "payload went by read, write, recv or send"
    assert (copied > 0) == (most > 0)
    spliced = [n for name, _, n in calls if name == "splice"]
    moved = sum(n for n in spliced if n > 0)
    assert 2 * SIZE - 2 * most <= moved <= 2 * SIZE  # each byte in, and out
    assert moved / len(spliced) >= 64 << 10, f"{moved / len(spliced):.0f} bytes per call"
