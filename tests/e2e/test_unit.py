# SPDX-License-Identifier: BSD-2-Clause
"""--unit: bytes are moved so many at a time, and all of them arrive whichever it is."""
import collections
import re

import pytest

from actors import need, same_bytes, sanitized
from test_usage import GOOD, run

PLACES = ("loopback",)
SIZE = 20_000_003
CALL = {"copy": re.compile(r"recvfrom\(\d+, [^,]*, (\d+), "),
        "splice": re.compile(r"splice\(\d+, NULL, \d+, NULL, (\d+), ")}
ASKED = [("copy", "4k", 4096), ("copy", "1M", 1 << 20), ("copy", "3000000", 3000000),
         ("splice", "16K", 16384), ("splice", "256k", 262144), ("splice", None, 1 << 20)]


@pytest.mark.parametrize("unit", ["4k", "70000", "1M", "64M"])
def test_every_byte_arrives(engine, unit, couple):
    relay, client, server = couple(engine, ["send:" + str(SIZE), "shut", "read:all", "tell"],
                                   ["seed:3", "both:" + str(SIZE), "shut", "tell"], "--unit", unit)
    client.done()
    server.done()
    same_bytes(client.told(0), server.told(0))
    line = relay.end()
    assert (line["up"], line["down"], line["end"]) == (SIZE, SIZE, "done")


@pytest.mark.parametrize("by,unit,asked", ASKED, ids=[f"{e}-{u}" for e, u, _ in ASKED])
def test_so_many_at_a_time(by, unit, asked, relay, cast, server, client, tmp_path):
    need("strace")
    if sanitized():
        pytest.skip("a sanitizer looks for leaks, which it cannot while it is traced")
    log = tmp_path / "calls"
    sink = server("accept", "check:0", "read:all", "shut")
    r = relay(by, "--target", sink.address, "-w1", *(["--unit", unit] if unit else []))
    strace = cast.run(["strace", "-I1", "-f", "-s0", "-e", "trace=recvfrom,splice", "-o", str(log),
                       "-p", str(r.pid)])
    strace.until(lambda: "attached" in strace.text(), what="strace")
    client(r, f"send:{SIZE}", "shut", "expect:eof").done()
    sink.done()
    sizes = collections.Counter(int(n) for n in CALL[by].findall(log.read_text()))
    assert sizes[asked] > 5, sizes
    assert max(sizes) <= asked, sizes


@pytest.mark.parametrize("unit", ["0", "4095", "65M", "-1", "big"])
def test_not_a_unit(unit):
    done = run("relay", *GOOD, f"--unit={unit}")
    assert done.returncode == 1
    assert "--unit" in done.stderr and unit in done.stderr
