# SPDX-License-Identifier: BSD-2-Clause
"""A connection that was looked at is still one that can be grafted: its head goes by us, all else below TCP."""
import pytest

from actors import moved_by, need, sanitized
from programs import certificate, file_of, nginx, sum_of
from world import CLIENT, SERVER

PLACES = ("field",)
SIZE = 20 << 20
TLS = "server {{ listen {at} ssl; ssl_certificate {cert}; ssl_certificate_key {key}; root {root}; keepalive_timeout 60; }}"


@pytest.mark.parametrize("send_proxy", ["none", "v2"])
def test_tls_by_name_becomes_a_graft(field, cast, serve, tmp_path, send_proxy):
    """curl fetches small files with pauses between them, then a large one, all on one connection."""
    need("curl", "nginx", "openssl")
    at = f"{field.server_host}:{field.free_port()}"
    cert, key = certificate(tmp_path, "a.test")
    root = tmp_path / "root"
    root.mkdir()
    sums = {name: file_of(root, name, size) for name, size in (("small", 40_000), ("big", SIZE))}
    more = " proxy_protocol" if send_proxy != "none" else ""
    nginx(cast, tmp_path, None, TLS.format(at=at + more, cert=cert, key=key, root=root), prefix=field.prefix(SERVER))
    s = serve("auto", {
        "listen": [{"look": ["tls"], "routes": [{"sni": ["a.test"], "backend": "web"}]}],
        "backend": {"web": {"servers": [at], "send_proxy": send_proxy}},
        "graft": {"bpffs": field.bpffs, "after": 1}})
    assert s.listeners()[0]["engine"] == "graft", s.listeners()[0]
    host, port = s.address.rsplit(":", 1)
    urls = [f"https://a.test:{port}/small?{n}" for n in range(4)] + [f"https://a.test:{port}/big"]
    outs = [str(tmp_path / f"got-{n}") for n in range(5)]
    cast.run([*field.prefix(CLIENT), "curl", "-sS", "--fail", "--rate", "5/s", "--http1.1", "--cacert", str(cert),
              "--resolve", f"a.test:{port}:{host}", *[w for u, o in zip(urls, outs) for w in ("-o", o, u)]], "curl").done()
    assert [sum_of(tmp_path / f"got-{n}") for n in range(5)] == [sums["small"]] * 4 + [sums["big"]]
    line = s.end()
    assert (line["end"], line["proto"], line["sni"], line["backend"]) == ("done", "tls", "a.test", "web")
    assert line["down"] > SIZE
    if not sanitized():  # so slow a relay may miss its moments
        assert moved_by(line, "graft") > SIZE, line
