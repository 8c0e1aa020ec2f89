# SPDX-License-Identifier: BSD-2-Clause
"""Real programs talk through the relay as if it were not there."""
import hashlib
import json
import random
import subprocess
import time

import pytest

from actors import PATIENCE, need
from world import CLIENT, SERVER

PLACES = ("either",)


def run(place, who, *argv, stdin=b""):
    """A program of that host, until it ends; its output."""
    done = subprocess.run([*place.prefix(who), *argv], input=stdin, capture_output=True, timeout=PATIENCE,
                          check=False)
    assert done.returncode == 0, (argv, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def until(what):
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "the server did not come up"
        time.sleep(0.05)


def is_listening(place, port):
    """Does something at the server listen on the port? Asked without connecting to it."""
    text = subprocess.run([*place.prefix(SERVER), "cat", "/proc/net/tcp"], capture_output=True,
                          text=True, check=True).stdout
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
               for line in text.splitlines()[1:])


@pytest.fixture
def program(place, cast):
    """program(PORT, argv...): a real server on that port, once it listens."""
    def start(port, *argv):
        child = cast.run([*place.prefix(SERVER), *argv], argv[0])
        until(lambda: is_listening(place, port) or child.proc.poll() is not None)
        assert child.proc.poll() is None, child.text()
        return f"{place.server_host}:{port}"
    return start


@pytest.fixture
def redis(place, program, tmp_path):
    need("redis-server", "redis-cli", "redis-benchmark")
    port = place.free_port()
    return program(port, "redis-server", "--port", str(port), "--bind", place.server_host,
                   "--save", "", "--appendonly", "no", "--protected-mode", "no",
                   "--daemonize", "no", "--dir", str(tmp_path))


def at(r):
    host, port = r.address.rsplit(":", 1)
    return "-h", host, "-p", port


def test_redis_large_values(engine, place, relay, redis):
    r = relay(engine, "--target", redis)
    for size in (1, 1000, 100_000, 20_000_000):
        value = random.Random(size).randbytes(size).hex().encode()[:size]
        answer = run(place, CLIENT, "redis-cli", *at(r), "-x", "set", "key", stdin=value)
        assert answer == b"OK\n"
        assert run(place, CLIENT, "redis-cli", *at(r), "--raw", "get", "key") == value + b"\n"
    assert {f["end"] for f in r.ends(8)} == {"done"}


def test_redis_benchmark(engine, place, relay, redis):
    """Fifty connections, small questions and answers, also many in one piece."""
    r = relay(engine, "--target", redis)
    for pipeline in ("1", "16"):
        run(place, CLIENT, "redis-benchmark", *at(r), "-n", "5000", "-c", "50", "-P", pipeline, "-q",
            "-t", "set,get,lpush,lrange_100", "-d", "100")
    assert {f["end"] for f in r.ends()} <= {"done", "client-reset"}


@pytest.mark.parametrize("way", [[], ["-R"], ["--bidir"]], ids=["up", "down", "both"])
def test_iperf3(engine, way, place, relay, program):
    """iperf3 tells its streams' directions by the order in which they are accepted, so they must
    not overtake one another: one worker."""
    need("iperf3")
    port = place.free_port()
    r = relay(engine, "--workers", "1", "--target",
              program(port, "iperf3", "-s", "-1", "-p", str(port), "-B", place.server_host))
    host, port = r.address.rsplit(":", 1)
    result = json.loads(run(place, CLIENT, "iperf3", "-c", host, "-p", port, "-t", "1", "-P", "2",
                            "-J", *way))
    assert "error" not in result
    assert result["end"]["sum_received"]["bytes"] > 10 << 20


def test_socat(engine, place, relay, program):
    """socat ends one direction as soon as its input ends, and waits for the other one."""
    need("socat")
    port = place.free_port()
    r = relay(engine, "--target",
              program(port, "socat", f"TCP-LISTEN:{port},bind={place.server_host},fork,reuseaddr",
                      "EXEC:/bin/cat"))
    data = random.Random(1).randbytes(5_000_000)
    for _ in range(3):
        back = run(place, CLIENT, "socat", "-t", "20", "-", f"TCP:{r.address}", stdin=data)
        assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
    assert {f["end"] for f in r.ends(3)} == {"done"}


@pytest.fixture
def certificate(tmp_path):
    need("openssl")
    pem = tmp_path / "pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=relay.test", "-days", "2",
                    "-keyout", str(tmp_path / "key"), "-out", str(pem)], check=True,
                   capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "key").read_text())
    return pem


def test_tls_to_openssl(engine, place, relay, program, certificate):
    """A TLS session through the relay, its certificate checked at the other end."""
    port = place.free_port()
    r = relay(engine, "--target",
              program(port, "openssl", "s_server", "-accept", f"{place.server_host}:{port}",
                      "-cert", str(certificate), "-rev", "-quiet"))
    out = run(place, CLIENT, "sh", "-c",
              'printf "%s\\n" "$2" "CLOSE" | openssl s_client -connect "$0" -CAfile "$1" '
              "-verify_return_error -servername relay.test -quiet", r.address, str(certificate),
              "shunted bytes")
    assert b"setyb detnuhs" in out


def test_tls_in_bulk(engine, place, relay, program, certificate, tmp_path):
    need("curl")
    data = random.Random(2).randbytes(10_000_000)
    (tmp_path / "file").write_bytes(data)
    port = place.free_port()
    server = program(port, "sh", "-c", 'cd "$0" && exec openssl s_server -accept "$1" -cert pem -WWW',
                     str(tmp_path), f"{place.server_host}:{port}")
    r = relay(engine, "--target", server)
    for _ in range(3):
        back = run(place, CLIENT, "curl", "-sS", "-k", f"https://{r.address}/file")
        assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
