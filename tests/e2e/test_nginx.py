# SPDX-License-Identifier: BSD-2-Clause
"""A real web server behind the relay: thousands of requests in parallel, every body right."""
import hashlib
import json
import os
import random
import sys
import time

import pytest

from actors import LONG, PATIENCE, need
from world import CLIENT, SERVER

HERE = os.path.dirname(os.path.abspath(__file__))
REQUESTS = 10_000 if LONG else 2_000
SIZES = (0, 1, 100, 1448, 4096, 16_384, 65_536, 262_144, 1 << 20, 3_000_001)

CONF = """
daemon off; master_process off; worker_processes 1;
error_log {dir}/error.log warn; pid {dir}/pid;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; keepalive_requests 100000;
    client_body_temp_path {dir}/1; proxy_temp_path {dir}/2; fastcgi_temp_path {dir}/3;
    uwsgi_temp_path {dir}/4; scgi_temp_path {dir}/5;
    server {{ listen {address}; root {dir}/www; }}
}}
"""


@pytest.fixture
def nginx(place, cast, tmp_path):
    """A running nginx with files of mixed sizes: its address and the file that lists them."""
    need("nginx")
    address = f"{place.server_host}:{place.free_port()}"
    (tmp_path / "www").mkdir()
    (tmp_path / "nginx.conf").write_text(CONF.format(dir=tmp_path, address=address))
    sums = {}
    for size in SIZES:
        body = random.Random(size).randbytes(size)
        (tmp_path / "www" / str(size)).write_bytes(body)
        sums[f"/{size}"] = hashlib.sha256(body).hexdigest()
    (tmp_path / "sums").write_text(json.dumps(sums))
    child = cast.run([*place.prefix(SERVER), "nginx", "-p", str(tmp_path), "-c",
                      str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")], "nginx")
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "pid").exists():  # written once it listens
        assert time.monotonic() < deadline and child.proc.poll() is None, child.text()
        time.sleep(0.02)
    return address, tmp_path / "sums"


def test_many_requests_in_parallel(engine, place, cast, relay, nginx):
    address, sums = nginx
    r = relay(engine, "--target", address)
    fetch = cast.run([*place.prefix(CLIENT), sys.executable, os.path.join(HERE, "fetch.py"),
                      r.address, str(sums), str(REQUESTS), "16"], "fetch").done(200)
    result = json.loads(fetch.text("stdout"))
    assert result == {"right": REQUESTS, "wrong": []}
    assert {f["end"] for f in r.ends()} == {"done"}


def test_curl_in_parallel(engine, place, cast, relay, nginx, tmp_path):
    need("curl")
    address, sums = nginx
    r = relay(engine, "--target", address)
    expected = json.loads(sums.read_text())
    wanted = [(path, tmp_path / f"got{path.replace('/', '-')}-{n}") for path in expected
              for n in range(10)]
    (tmp_path / "urls").write_text("".join(
        f'url = "http://{r.address}{path}"\noutput = "{out}"\n' for path, out in wanted))
    cast.run([*place.prefix(CLIENT), "curl", "-sS", "--fail", "-Z", "--parallel-max", "30", "-K",
              str(tmp_path / "urls")], "curl").done()
    for path, out in wanted:
        assert hashlib.sha256(out.read_bytes()).hexdigest() == expected[path], path
