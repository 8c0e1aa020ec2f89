# SPDX-License-Identifier: BSD-2-Clause
"""The admin endpoint: what is counted while connections run, which they are, and that nobody is hurt by asking."""
import ctypes
import glob
import http.client
import json
import os
import signal
import socket
import stat
import threading
import time

import pytest

import exposition
from actors import DENY, PATIENCE, ROOT, SHUNT, Relay, need, sanitized
from field import QUIET
from programs import free_port
from world import RELAY

PLACES = ("loopback",)
MIB = 1 << 20
MANY = 1000
IDLE_MOST = 5  # seconds that the endpoint lets somebody sit there


class Pipe(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def ask(address, path, method="GET", body=None):
    """(status, headers, body) of one request."""
    c = Pipe(address[len("unix:"):]) if address.startswith("unix:") else \
        http.client.HTTPConnection(address, timeout=PATIENCE)
    c.request(method, path, body)
    answer = c.getresponse()
    told = answer.read()
    c.close()
    return answer.status, answer.headers, told


def to(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


class Watched(Relay):
    """`shunt serve` with an admin endpoint."""

    def __init__(self, argv, name, file):
        self.file, self.admins, self.said = file, [], []
        super().__init__(argv, name)

    def heard(self, which, line):
        super().heard(which, line)
        try:
            fields = json.loads(line)
        except ValueError:
            return
        self.said.append(fields.get("msg", ""))
        if "admin" in fields:
            self.admins.append(fields["admin"])

    @property
    def admin(self):
        self.until(lambda: self.admins, what="its admin endpoint")
        return self.admins[-1]

    def metrics(self):
        status, headers, body = ask(self.admin, "/metrics")
        assert status == 200
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return exposition.read(body)

    def connections(self, query=""):
        status, headers, body = ask(self.admin, "/connections" + query)
        assert status == 200 and headers["Content-Type"] == "application/json"
        return json.loads(body)

    def health(self):
        status, _, body = ask(self.admin, "/healthz")
        return status, body.decode()

    def until_metric(self, name, value, **labels):
        deadline = time.monotonic() + PATIENCE
        while (now := (m := self.metrics())[name].get(**labels)) != value:
            assert time.monotonic() < deadline, f"{name}{labels} is {now}, not {value}"
            time.sleep(0.02)
        return m

    def reload(self, conf):
        """With this configuration. Returns whether it was taken."""
        write(self.file, conf)
        before = [m for m in self.said if "reloaded" in m]
        self.signal(signal.SIGHUP)
        after = self.until(lambda: [m for m in self.said if "reloaded" in m][len(before):], what="a reload")
        return not after[0].startswith("not reloaded")


def write(file, conf):
    with open(file, "w", encoding="utf-8") as f:
        json.dump(conf, f, indent=1)


def conf(engine, servers, **keys):
    """A configuration in JSON, which is YAML: one listener, one backend."""
    return {"listen": [{"address": "127.0.0.1:0", "default": "web"}], "backend": {"web": {"servers": servers}},
            "admin": {"address": "127.0.0.1:0"}, "engine": engine, "log": {"format": "json"}, "workers": 2,
            "graft": {"bpffs": "/proc/none"}, **keys}


@pytest.fixture
def watched(cast, tmp_path):
    """watched(conf): runs, listens, and tells its admin endpoint's address."""
    def start(what, *before):
        file = str(tmp_path / f"shunt-{len(cast.relays)}.conf")
        write(file, what)
        r = cast.add(Watched([*before, SHUNT, "serve", "-c", file], "serve", file))
        r.until(lambda: len(r.listeners()) >= len(what["listen"]) and r.admins, what="its addresses")
        return r
    return start


@pytest.fixture
def service():
    """service(): a listening socket of the story's own, and its address."""
    made = []

    def start(port=0):
        s = socket.create_server(("127.0.0.1", port), backlog=128)
        s.settimeout(PATIENCE)
        made.append(s)
        return s, f"127.0.0.1:{s.getsockname()[1]}"
    yield start
    for s in made:
        s.close()


def take(sock, size):
    """Exactly so many bytes."""
    got = bytearray()
    while len(got) < size:
        part = sock.recv(min(65536, size - len(got)))
        assert part, f"it ended after {len(got)} of {size} bytes"
        got += part
    return bytes(got)


def pour(sock, size):
    """Send so many bytes beside what else happens."""
    thread = threading.Thread(target=sock.sendall, args=(bytes(size),), daemon=True)
    thread.start()
    return thread


def moved(metrics, direction, **labels):
    """{engine: bytes}, if listener, route, backend and server agree on them."""
    found = [metrics[f"shunt_{what}bytes_total"] for what in ("", "route_", "backend_", "server_")]
    sums = [{labels_["engine"]: 0 for labels_ in map(dict, m.samples)} for m in found]
    for one, m in zip(sums, found):
        for engine in one:
            one[engine] = m.get(direction=direction, engine=engine, **labels)
    assert all(one == sums[0] for one in sums), f"{direction}: {sums}"
    return sums[0]


# -- numbers --


def test_bytes_are_seen_while_they_move(engine, watched, service):
    """Step by step, each as soon as it has arrived; by engine; and the same by whoever counts."""
    server, address = service()
    r = watched(conf(engine, [address]))
    client = to(r.address)
    client.sendall(b"x" * 100)
    peer, _ = server.accept()
    peer.settimeout(PATIENCE)
    take(peer, 100)
    r.until_metric("shunt_bytes_total", 100, direction="up")
    for step in range(1, 5):
        thread = pour(peer, MIB)
        take(client, MIB)
        thread.join()
        m = r.until_metric("shunt_bytes_total", step * MIB, direction="down")
        by = moved(m, "down")
        assert sum(by.values()) == step * MIB and sum(moved(m, "up").values()) == 100
        assert by["graft"] == 0 and by[engine] > 0.9 * step * MIB
        assert m["shunt_connections"].get() == m["shunt_server_connections"].get(server=address) == 1
        assert m["shunt_connection_ends_total"].get() == 0
    client.close()
    peer.close()
    line = r.end()
    m = r.metrics()
    assert sum(moved(m, "up").values()) == line["up"] == 100
    assert sum(moved(m, "down").values()) == line["down"] == 4 * MIB
    assert m["shunt_connection_ends_total"].get(why=line["end"]) == m["shunt_connection_ends_total"].get() == 1
    assert m["shunt_connections"].get() == 0 and m["shunt_connections_total"].get() == 1
    assert m["shunt_server_connections_total"].get() == 1
    r.until_metric("shunt_server_connections", 0)


def test_the_sum_is_what_curl_saw(engine, watched, cast, place, tmp_path):
    """Forty requests to nginx, half of them over a connection that is kept."""
    need("nginx", "curl")
    address = f"127.0.0.1:{place.free_port()}"
    (tmp_path / "www").mkdir()
    sizes = [0, 1, 1448, 65_536, 3_000_001]
    for size in sizes:
        (tmp_path / "www" / str(size)).write_bytes(os.urandom(size))
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; error_log {tmp_path}/error.log; pid {tmp_path}/pid; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/1; proxy_temp_path {tmp_path}/2;\n"
        f"fastcgi_temp_path {tmp_path}/3; uwsgi_temp_path {tmp_path}/4; scgi_temp_path {tmp_path}/5;\n"
        f"server {{ listen {address}; root {tmp_path}/www; }} }}\n")
    nginx = cast.run(["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"),
                      "-e", str(tmp_path / "error.log")])
    nginx.until(lambda: (tmp_path / "pid").exists(), what="nginx")
    r = watched(conf(engine, [address]))
    tell = ["-s", "-S", "-w", "%{size_request} %{size_header} %{size_download} %{num_connects}\\n"]
    for headers in ([], ["-H", "Connection: close"]):
        argv = ["curl", *tell, *headers]
        for size in sizes * 4:
            argv += ["-o", "/dev/null", f"http://{r.address}/{size}"]
        cast.run(argv).done()
    told = [[int(n) for n in line.split()] for child in cast.children if child.argv[0] == "curl"
            for line in child.lines["stdout"]]
    assert len(told) == 40
    ends = r.ends(sum(n[3] for n in told))
    m = r.metrics()
    up, down = sum(moved(m, "up").values()), sum(moved(m, "down").values())
    assert up == sum(n[0] for n in told) == sum(line["up"] for line in ends)
    assert down == sum(n[1] + n[2] for n in told) == sum(line["down"] for line in ends)
    assert m["shunt_connections_total"].get() == m["shunt_connection_ends_total"].get(why="done") == len(ends) == 21


def test_a_proxy_header_is_a_part_of_what_a_server_gets(watched, service):
    server, address = service()
    r = watched(conf("splice", [], backend={"web": {"servers": [address], "send_proxy": "v1"}}))
    client = to(r.address)
    client.sendall(b"hello")
    peer, _ = server.accept()
    peer.settimeout(PATIENCE)
    head = b""
    while not head.endswith(b"\r\n"):
        head += take(peer, 1)
    assert head.startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ") and take(peer, 5) == b"hello"
    r.until_metric("shunt_bytes_total", len(head) + 5, direction="up")
    client.close()
    peer.close()
    r.end()
    assert sum(moved(r.metrics(), "up").values()) == len(head) + 5


def test_ends_and_routes_have_their_words(watched, service):
    """What is sent away for its head, for saying nothing, and for nobody being there."""
    server, address = service()
    listen = [{"address": "127.0.0.1:0", "look": ["tls", "http"], "default": "none",
               "routes": [{"host": ["a.example", "*.b.example"], "backend": "web"},
                          {"host": ["dead.example"], "backend": "dead"}]}]
    backend = {"web": {"servers": [address]}, "dead": {"servers": ["127.0.0.1:9"]}}
    r = watched(conf("splice", [], listen=listen, backend=backend, timeouts={"head": "300ms"}))

    def says(words):
        with to(r.address) as c:
            c.sendall(words)
            c.settimeout(PATIENCE)
            try:
                while c.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    says(b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n")  # bad-head
    says(b"GET / HTTP/1.1\r\nHost: c.example\r\n\r\n")                     # no-route
    says(b"GET / HTTP/1.1\r\nHost: dead.example\r\n\r\n")                  # refused
    says(b"GET / HT")                                                        # head-timeout
    says(b"")                                                                # silent
    r.ends(5)
    m = r.metrics()
    ends = {why: n for why, n in m["shunt_connection_ends_total"].by("why").items() if n}
    assert ends == {"bad-head": 1, "no-route": 1, "refused": 1, "head-timeout": 1, "silent": 1}
    assert m["shunt_route_connections_total"].by("route") == {
        "host=a.example,*.b.example": 0, "host=dead.example": 1, "default": 1, "on_silence": 0}
    assert m["shunt_backend_failed_total"].by("backend") == {"web": 0, "dead": 1}
    assert m["shunt_server_failed_total"].get(backend="dead", server="127.0.0.1:9", name="127.0.0.1:9") == 1


@pytest.mark.places("field")
def test_grafts_are_seen_while_they_move(field, watched, server, client, tmp_path):
    """What no process touches is counted all the same, and listed."""
    s = server("accept", "both:100", *QUIET, "both:1m", "both:10", "shut")
    what = conf("auto", [s.address], listen=[{"address": f"{field.relay_host}:0", "default": "web"}],
                admin={"address": f"unix:{tmp_path}/admin.sock"}, graft={"bpffs": field.bpffs, "after": 1})
    r = watched(what, *field.prefix(RELAY))
    c = client(r, "both:100", *QUIET, "both:1m", "go", "both:10", "shut", "expect:eof").ready()
    r.until_metric("shunt_bytes_total", MIB + 400, direction="up")
    m = r.until_metric("shunt_bytes_total", MIB + 410, direction="down")  # the server's last ten are here
    by = {way: moved(m, way) for way in ("up", "down")}
    one, = r.connections()["connections"]
    assert one["moved"] == by and m["shunt_connections"].get() == 1
    assert m["shunt_grafts_possible"].get() == 1
    if not sanitized():  # so slow a relay may miss its moments
        assert by["up"]["graft"] >= MIB / 2 and by["down"]["graft"] >= MIB / 2 and one["engine"] == "graft"
        assert m["shunt_graft_events_total"].get(event="cut") == 1
    c.go().done()
    s.done()
    line = r.end()
    m = r.metrics()
    assert [sum(moved(m, way).values()) for way in ("up", "down")] == [line["up"], line["down"]] == 2 * [MIB + 410]
    assert sum(moved(m, way)["graft"] for way in ("up", "down")) == field.grafted(line)


def test_steps_down_are_counted(watched, service):
    server, address = service()
    r = watched(conf("splice", [address]), DENY, "splice=EINVAL", "--")
    client = to(r.address)
    peer, _ = server.accept()
    thread = pour(peer, MIB)
    client.settimeout(PATIENCE)
    take(client, MIB)
    thread.join()
    by = moved(r.until_metric("shunt_bytes_total", MIB, direction="down"), "down")
    assert by["copy"] == MIB and by["splice"] == 0
    client.close()
    peer.close()
    line = r.end()
    m = r.metrics()["shunt_steps_down_total"]
    assert m.get(kind="splice_refused") == line["splice_refused"] > 0
    assert m.get(kind="pipe_refused") == line.get("pipe_refused", 0)


def test_servers_and_how_they_are(watched, service, place):
    """One is there, one is not; then it is."""
    server, address = service()
    port = place.free_port()
    gone = f"127.0.0.1:{port}"
    r = watched(conf("splice", [gone, {"address": address, "backup": True}]))

    def states(name):
        m = r.metrics()
        found = [s for s in ("up", "trial", "passed_over", "down")
                 if m["shunt_server_state"].get(server=name, state=s)]
        assert (m["shunt_server_up"].get(server=name) == 1) == (found == ["up"])
        return found

    def comes(to_whom):
        with to(r.address) as c:
            peer, _ = to_whom.accept()
            peer.close()
            c.recv(1)
    assert states(gone) == states(address) == ["up"]
    for _ in range(3):
        comes(server)
    m = r.metrics()
    assert m["shunt_server_failed_total"].by("server") == {gone: 3, address: 0}
    assert m["shunt_server_connections_total"].by("server") == {gone: 0, address: 3}
    assert states(gone)[0] in ("passed_over", "trial") and states(address) == ["up"]
    deadline = time.monotonic() + PATIENCE
    while states(gone) != ["trial"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    back, _ = service(port)
    comes(back)
    assert states(gone) == ["up"]
    assert r.metrics()["shunt_backend_connections_total"].get(backend="web") == 4


def test_checks_are_seen(watched, service, place):
    """A server that nobody connects to goes down, and comes up, and none of that counts as a client's failure."""
    _, address = service()
    port = place.free_port()
    gone = f"127.0.0.1:{port}"
    check = {"every": "200ms", "timeout": "5s", "rise": 1, "fall": 1}
    r = watched(conf("splice", [], backend={"web": {"servers": [address, gone], "check": check}}))
    r.until_metric("shunt_server_state", 1, server=gone, state="down")
    m = r.until_metric("shunt_server_up", 1, server=address)
    assert m["shunt_server_state"].get(server=gone) == 1 and m["shunt_server_up"].get(server=gone) == 0
    service(port)
    m = r.until_metric("shunt_server_up", 1, server=gone)
    assert m["shunt_server_state"].get(server=gone, state="down") == 0
    assert m["shunt_server_failed_total"].get() == m["shunt_server_connections_total"].get() == 0


def test_servers_that_read_the_same_are_one(watched, service):
    """It is a mistake that does no harm, and none to who reads the numbers either: no row is there twice, before a
    reload and after it."""
    server, address = service()
    what = conf("splice", [address, address, {"address": address, "backup": True}])
    r = watched(what)
    row = (("backend", "web"), ("server", address), ("name", address))
    for _ in range(4):
        with to(r.address):
            server.accept()[0].close()
    r.ends(4)
    assert r.metrics()["shunt_server_connections_total"].samples == {row: 4}
    assert r.reload(what)
    with to(r.address):
        server.accept()[0].close()
    r.ends(5)
    assert list(r.metrics()["shunt_server_connections_total"].samples) == [row]


def test_each_metric_stands_in_the_manual_of_metrics(watched, service):
    """doc/metrics.md has each with its type, labels and meaning, and no other."""
    _, address = service()
    split = f"127.0.0.1:{free_port()}"
    r = watched(conf("splice", [address], split=[{"source": address, "listen": split}]))
    with to(split):  # of a subscriber, while he is there
        r.until(lambda: b'sub="1"' in ask(r.admin, "/metrics")[2], what="the subscriber")
        told = {name: (m.type, m.labels(), m.help) for name, m in r.metrics().items()}
    with open(os.path.join(ROOT, "doc/metrics.md"), encoding="utf-8") as f:
        assert exposition.table(f.read()) == told


def test_the_process_is_told_of(watched, service):
    _, address = service()
    r = watched(conf("splice", [address]))
    m = r.metrics()
    assert m["process_open_fds"].get() in range(sum(r.fds().values()), sum(r.fds().values()) + 4)
    assert abs(m["process_start_time_seconds"].get() - time.time()) < 60
    assert 0 <= m["shunt_uptime_seconds"].get() < 60
    assert m["process_resident_memory_bytes"].get() / 1024 == pytest.approx(r.memory_kb("VmRSS"), rel=0.5)
    assert m["shunt_workers"].get() == 2
    assert m["shunt_grafts_possible"].get() == 0


# -- connections --


def test_a_connection_is_listed_while_it_lives(engine, watched, service):
    server, address = service()
    r = watched(conf(engine, [address]))
    assert r.connections() == {"count": 0, "left_out": 0, "whole": True, "connections": []}
    client = to(r.address)
    peer, _ = server.accept()
    client.sendall(b"x" * 1000)
    take(peer, 1000)
    r.until_metric("shunt_bytes_total", 1000, direction="up")
    told = r.connections()
    one = told["connections"][0]
    mine = "%s:%d" % client.getsockname()
    assert (told["count"], told["left_out"], len(told["connections"])) == (1, 0, 1)
    assert (one["client"], one["listen"], one["server"], one["backend"]) == (mine, r.address, address, "web")
    assert (one["phase"], one["up"], one["down"]) == ("running", 1000, 0)
    assert sum(one["moved"]["up"].values()) == 1000 and sum(one["moved"]["down"].values()) == 0
    assert (one["protocol"], one["sni"], one["host"]) == (None, None, None)
    assert 0 <= one["idle_ms"] <= one["age_ms"] < 60_000
    client.close()
    peer.close()
    assert r.end()["conn"] == one["conn"]
    assert r.connections()["connections"] == []


def test_what_is_looked_at_is_listed_too(watched, service):
    server, address = service()
    listen = [{"address": "127.0.0.1:0", "look": ["http"], "default": "web"}]
    r = watched(conf("splice", [address], listen=listen, timeouts={"head": "20s"}))
    slow, quick = to(r.address), to(r.address)
    slow.sendall(b"GET / HT")
    quick.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    peer, _ = server.accept()
    take(peer, 35)
    r.until_metric("shunt_bytes_total", 35, direction="up")
    found = {c["client"]: c for c in r.connections()["connections"]}
    one = found["%s:%d" % slow.getsockname()]
    assert (one["phase"], one["protocol"], one["server"], one["backend"]) == ("looking", None, None, None)
    one = found["%s:%d" % quick.getsockname()]
    assert (one["phase"], one["protocol"], one["host"], one["server"]) == ("running", "http", "a.example", address)
    for s in (slow, quick, peer):
        s.close()


def test_a_long_list_is_cut(watched, service):
    server, address = service()
    r = watched(conf("splice", [address]))
    clients = [to(r.address) for _ in range(5)]
    peers = [server.accept()[0] for _ in clients]
    for query, shown in (("?limit=2", 2), ("?limit=0", 0), ("?limit=5", 5), ("?limit=6", 5), ("", 5)):
        told = r.connections(query)
        assert (told["count"], len(told["connections"])) == (5, shown) and told["left_out"] == 5 - shown
    for wrong in ("", "x", "-1", "+1", "1x", "10001", "99999999999999999999"):
        assert ask(r.admin, f"/connections?limit={wrong}")[0] == 400
    for s in clients + peers:
        s.close()


# -- reload --


def test_counts_go_on_over_a_reload(watched, service):
    server, address = service()
    what = conf("splice", [address])
    r = watched(what)

    def one():
        with to(r.address) as c:
            c.sendall(b"x" * 10)
            peer, _ = server.accept()
            take(peer, 10)
            peer.close()
            c.recv(1)
    one()
    r.ends(1)
    before = r.admin
    what["timeouts"] = {"idle": "5m"}
    assert r.reload(what)
    one()
    r.ends(2)
    write(r.file, {"listen": []})
    r.signal(signal.SIGHUP)
    r.until(lambda: any(m.startswith("not reloaded") for m in r.said), what="a reload that fails")
    assert r.admins == [before], "it was opened again"
    m = r.metrics()
    assert sum(moved(m, "up").values()) == 20
    assert m["shunt_connections_total"].get() == m["shunt_connection_ends_total"].get() == 2
    assert m["shunt_reloads_total"].by("result") == {"ok": 1, "failed": 1}


def test_a_reload_moves_the_endpoint(watched, service, tmp_path):
    """Opened before the old one is closed; and none, where none is wanted any more."""
    _, address = service()
    what = conf("splice", [address])
    r = watched(what)
    first = r.admin
    what["admin"] = {"address": f"unix:{tmp_path}/admin.sock"}
    assert r.reload(what)
    r.until(lambda: len(r.admins) == 2, what="its new address")
    assert r.health() == (200, "ok\n")
    with pytest.raises(ConnectionRefusedError):
        to(first)
    what["admin"] = "none"
    assert r.reload(what)
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(tmp_path / "admin.sock"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    what["admin"] = {"address": first}
    assert r.reload(what)
    r.until(lambda: len(r.admins) == 3, what="the old address")
    assert r.admin == first and r.health() == (200, "ok\n")


def test_an_address_that_is_taken_changes_nothing(watched, service, cast, tmp_path):
    """Neither the endpoint nor anything else that the file says; and at the start it is exit code 2."""
    server, address = service()
    _, taken = service()
    what = conf("splice", [address])
    r = watched(what)
    bad = {**what, "admin": {"address": taken}, "backend": {"web": {"servers": ["127.0.0.1:9"]}}}
    assert not r.reload(bad)
    assert f"cannot listen on {taken}: held by" in r.text()
    assert r.health() == (200, "ok\n") and len(r.admins) == 1
    assert r.metrics()["shunt_server_up"].by("server") == {address: 1}
    with to(r.address):
        server.accept()[0].close()
    # the other way round: the endpoint could be had, a listener not
    bad = {**what, "admin": {"address": f"unix:{tmp_path}/other"},
           "listen": [{"address": taken, "default": "web"}]}
    assert not r.reload(bad)
    assert not os.path.exists(tmp_path / "other") and r.health() == (200, "ok\n")

    file = str(tmp_path / "second.conf")
    write(file, {**what, "admin": {"address": taken}})
    second = cast.add(Watched([SHUNT, "serve", "-c", file], "serve", file))
    assert f"cannot listen on {taken}: held by" in second.refuses(2)


# -- doors --


def test_a_unix_socket(watched, service, tmp_path):
    """For its user and group, whatever the umask; a stale file is replaced, our own goes with us."""
    _, address = service()
    path = tmp_path / "admin.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    what = conf("splice", [address], admin={"address": f"unix:{path}"})
    r = watched(what, "sh", "-c", 'umask 077; exec "$@"', "sh")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    assert r.health() == (200, "ok\n") and r.metrics()
    r.stop()
    assert not path.exists()


def test_only_get_and_head_of_what_is_there(watched, service):
    _, address = service()
    r = watched(conf("splice", [address]))
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
        status, headers, _ = ask(r.admin, "/metrics", method, None if method == "TRACE" else b"x" * 100_000)
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method
    for path in ("/", "/metrics/", "//metrics", "/Metrics", "/..", "/connections/1", "/healthz2"):
        status, _, body = ask(r.admin, path)
        assert status == 404 and b"/metrics\n" in body, path
    for path in ("/metrics", "/connections", "/healthz"):
        status, headers, body = ask(r.admin, path, "HEAD")
        assert status == 200 and int(headers["Content-Length"]) > 0 and body == b""
        assert headers["Connection"] == "close" and headers["Cache-Control"] == "no-store"
    status, _, body = ask(r.admin, "/healthz", "GET", b"a body that nobody wants")
    assert (status, body) == (200, b"ok\n")


def test_garbage_is_answered_or_closed(watched, service):
    _, address = service()
    r = watched(conf("splice", [address]))
    before = r.fds()
    garbage = [b"\0" * 1000, b"\xff\xfe" * 5000, b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n",
               b"\r\n" * 5000, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
               b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * 20_000 + b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
               b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
               b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
               bytes.fromhex("16030100a5010000a10303") + os.urandom(160), os.urandom(20_000)]
    for what in garbage:
        with to(r.admin) as c:
            c.settimeout(IDLE_MOST + PATIENCE)
            try:
                c.sendall(what)
                c.shutdown(socket.SHUT_WR)
                while c.recv(65536):
                    pass
            except (ConnectionError, OSError) as e:
                assert not isinstance(e, TimeoutError), what[:40]
        assert r.health() == (200, "ok\n")
    r.sockets_become(before["socket"])


def test_idle_clients_keep_nobody_out(watched, service):
    """A thousand who connect and say nothing, half a request, or do not read: who asks is answered, who is relayed
    is relayed; they are sent away, and nothing is left of them."""
    server, address = service()
    r = watched(conf("splice", [address]))
    before = r.fds()["socket"]
    crowd = [to(r.admin) for _ in range(MANY)]
    for i, c in enumerate(crowd):
        if i % 3 == 1:
            c.sendall(b"GET /metrics HT")
        elif i % 3 == 2:
            c.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert r.health() == (200, "ok\n") and r.metrics()["shunt_connections"].get() == 0
    with to(r.address) as c:
        peer, _ = server.accept()
        thread = pour(peer, MIB)
        take(c, MIB)
        thread.join()
        peer.close()
    r.sockets_become(before)
    for c in crowd:
        c.close()
    assert r.health() == (200, "ok\n")


def test_more_than_there_is_room_for_wait_in_the_backlog(watched, service):
    """With few descriptors the endpoint has few: it takes none of those that connections need."""
    server, address = service()
    r = watched(conf("splice", [address], workers=1), "prlimit", "--nofile=160:160", "--")
    most = r.metrics()["shunt_connections_limit"].get()
    crowd = [to(r.admin) for _ in range(100)]
    clients = [to(r.address) for _ in range(most)]
    peers = [server.accept()[0] for _ in clients]
    for c, p in zip(clients, peers):
        c.sendall(b"x")
        assert take(p, 1) == b"x"
    for c in crowd:
        c.close()
    assert r.metrics()["shunt_connections"].get() == most
    assert r.metrics()["shunt_accept_paused_total"].get() <= 1  # at the limit, not for want of descriptors
    assert "no file descriptors" not in r.text()
    for s in clients + peers:
        s.close()


# -- health --


def test_a_successor_has_the_address_of_one_that_drains(watched, service):
    server, address = service()
    what = conf("splice", [address])
    r = watched(what)
    client = to(r.address)
    peer, _ = server.accept()
    assert r.health() == (200, "ok\n")
    r.signal(signal.SIGUSR1)
    r.until(lambda: any(m.startswith("draining") for m in r.said), what="draining")
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(OSError):
        while r.health() in ((200, "ok\n"), (503, "draining\n")):
            assert time.monotonic() < deadline
    heir = watched({**what, "admin": {"address": r.admin}})
    assert heir.health() == (200, "ok\n")
    client.sendall(b"still there")
    assert peer.recv(100) == b"still there"
    client.close()
    peer.close()
    r.leaves()


def stop_thread(tid):
    """Attach to a thread, which stops it and no other; returns what lets it go."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(16, tid, None, None):  # PTRACE_ATTACH
        pytest.skip(f"cannot stop a thread: {os.strerror(ctypes.get_errno())}")
    os.waitpid(tid, 0x40000000)  # __WALL
    return lambda: libc.ptrace(17, tid, None, None)  # PTRACE_DETACH


def stop_worker(r):
    """The first thread without which it is not healthy: the one that answers was begun last."""
    for tid in sorted(int(os.path.basename(t)) for t in glob.glob(f"/proc/{r.pid}/task/*"))[1:]:
        go_on = stop_thread(tid)
        try:
            if r.health() == (503, "a worker makes no turns\n"):
                return go_on
        except TimeoutError:
            pass
        go_on()
    raise AssertionError("it is healthy without any of its threads")


def test_health_sees_a_worker_that_hangs(watched, service):
    """And the numbers say that they are not whole, instead of not coming."""
    _, address = service()
    r = watched(conf("splice", [address], workers=1))
    assert r.metrics()["shunt_metrics_whole"].get() == 1
    go_on = stop_worker(r)
    try:
        m = r.metrics()
        assert m["shunt_metrics_whole"].get() == 0 and m["shunt_workers"].get() == 1
        assert r.connections()["whole"] is False
    finally:
        go_on()
    assert r.health() == (200, "ok\n")
    assert r.metrics()["shunt_metrics_whole"].get() == 1
