# SPDX-License-Identifier: BSD-2-Clause
"""One port for TLS by name, HTTP by host, and SSH: real clients, each to its server, every byte right."""
import subprocess

import pytest

from actors import PATIENCE, moved_by, need
from ports import free_port
from programs import answers, certificate, file_of, nginx, sshd, sum_of

PLACES = ("loopback",)
SIZE = 6 << 20
TLS = "server {{ listen {at} ssl; ssl_certificate {cert}; ssl_certificate_key {key}; root {root}; }}\n"


@pytest.fixture
def houses(cast, tmp_path):
    """Three servers of one nginx, with a file each: {name: (address, file's sum)}, and their certificates."""
    need("nginx", "openssl")
    http, at, sums = "", {}, {}
    for name in ("a.example", "x.b.example", "www.example"):
        at[name] = f"127.0.0.1:{free_port()}"
        root = tmp_path / f"root-{name}"
        root.mkdir()
        sums[name] = file_of(root, "big", SIZE)
        if name == "www.example":
            http += f"server {{ listen {at[name]}; root {root}; }}\n"
        else:
            cert, key = certificate(tmp_path, name)
            http += TLS.format(at=at[name], cert=cert, key=key, root=root)
    child = nginx(cast, tmp_path, None, http)
    for address in at.values():
        answers(child, address)
    return at, sums


def front(at, ssh="127.0.0.1:1"):
    """The file of the manual, with other addresses."""
    return {
        "listen": [{"look": ["tls", "http", "ssh"], "on_silence": "ssh-pool", "default": "web", "routes": [
            {"alpn": ["acme-tls/1"], "backend": "acme"},
            {"sni": ["a.example"], "backend": "web"},
            {"sni": ["*.b.example"], "backend": "other"},
            {"host": ["www.example"], "backend": "plain"},
            {"protocol": "ssh", "backend": "ssh-pool"}]}],
        "backend": {
            "web": {"servers": [at["a.example"]]},
            "other": {"servers": [at["x.b.example"]]},
            "acme": {"servers": [at["x.b.example"]]},
            "plain": {"servers": [at["www.example"]]},
            "ssh-pool": {"servers": [ssh]}}}


def heard(line, **facts):
    assert {k: line.get(k) for k in facts} == facts, line


def test_curl_by_tls_and_http(engine, cast, serve, houses, tmp_path):
    need("curl")
    at, sums = houses
    s = serve(engine, front(at))
    for name, scheme, backend in (("a.example", "https", "web"), ("x.b.example", "https", "other"),
                                  ("www.example", "http", "plain")):
        out = tmp_path / f"got-{name}"
        cert = ["--cacert", str(tmp_path / f"{name}.crt")] if scheme == "https" else []
        cast.run(["curl", "-sS", "--fail", *cert, "--resolve", f"{name}:{s.port}:127.0.0.1", "-o", str(out),
                  f"{scheme}://{name}:{s.port}/big"], "curl").done()
        assert sum_of(out) == sums[name]
        line = s.until(lambda b=backend: [f for f in s.ended if f["backend"] == b])[0]
        heard(line, end="done", engine=engine, server=at[name],
              **{"proto": "tls", "sni": name} if scheme == "https" else {"proto": "http", "host": name})
        assert moved_by(line, engine) > SIZE // 2, line
        assert line["down"] > SIZE and "head_ms" in line


def test_sftp_is_detected(engine, cast, serve, houses, tmp_path):
    need("sftp", "sshd")
    folder = tmp_path / "ssh"
    folder.mkdir()
    digest = file_of(folder, "big", SIZE)
    address, words, user = sshd(cast, folder)
    s = serve(engine, front(houses[0], address))
    cast.run(["sftp", "-q", *words, "-P", str(s.port), f"{user}@127.0.0.1:{folder}/big", str(folder / "got")],
             "sftp").done()
    assert sum_of(folder / "got") == digest
    heard(s.end(), end="done", engine=engine, proto="ssh", backend="ssh-pool", server=address)


def shake_hands(argv, cert):
    """A handshake and nothing more. What the client says of it."""
    done = subprocess.run(argv, input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    subject = cert.rsplit(".", 1)[0]
    assert subject in done.stdout + done.stderr
    return done.stdout


def test_two_handshakes_of_two_libraries(engine, serve, houses, tmp_path):
    need("openssl", "gnutls-cli")
    s = serve(engine, front(houses[0]))
    for name in ("a.example", "x.b.example"):
        ca = str(tmp_path / f"{name}.crt")
        shake_hands(["openssl", "s_client", "-connect", s.address, "-servername", name, "-CAfile", ca,
                     "-verify_return_error", "-verify_hostname", name, "-alpn", "http/1.1"], f"{name}.crt")
        shake_hands(["gnutls-cli", "127.0.0.1", "-p", str(s.port), "--sni-hostname", name,
                     "--verify-hostname", name, "--x509cafile", ca, "--alpn", "http/1.1"], f"{name}.crt")
    lines = s.came(4)
    assert [(f["sni"], f["backend"], f["alpn"]) for f in lines] == \
        [("a.example", "web", "http/1.1")] * 2 + [("x.b.example", "other", "http/1.1")] * 2
    assert {f["proto"] for f in lines} == {"tls"}


def test_alpn_has_a_server_of_its_own(engine, serve, houses):
    s = serve(engine, front(houses[0]))
    subprocess.run(["openssl", "s_client", "-connect", s.address, "-servername", "a.example", "-alpn",
                    "acme-tls/1"], input=b"", capture_output=True, timeout=PATIENCE, check=False)
    heard(s.end(), backend="acme", sni="a.example", alpn="acme-tls/1")
