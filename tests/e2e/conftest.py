# SPDX-License-Identifier: BSD-2-Clause
"""conftest.py — how stories are told

A story asks for `engine` and is told once with each. It asks for `relay`, `server` and `client`,
which play at a `place`: on the loopback and in the world of three namespaces, or only at those
it is marked with: @pytest.mark.places("loopback"), or "either" if one of them is enough (the module
may say PLACES for all of its stories). "field" is a world of its own for each story (field.py). A
story that fails shows the last lines its relays logged.

Five are told at a time where pytest-xdist is there, those first that take longest; those that are marked `alone` come
last, one after the other.
"""
import fcntl
import json
import os
import resource
import signal
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import world as worlds  # noqa: E402
from actors import DENY, LONG, PEER, SHUNT, Cast, Peer, Relay, Serve, Swarm  # noqa: E402
from field import field, graft, pair  # noqa: E402, F401
from services import Service  # noqa: E402

ENGINES = ("splice", "copy")
LONGEST = ("test_split_http", "test_split", "test_admin", "test_bench_orchestrator", "test_graft_life",
           "test_graft_machine", "test_graft_programs", "test_nginx", "test_no_fds", "test_serve_names",
           "test_serve_no_fds", "test_serve_reload", "test_serve_servers", "test_timeouts")
LIMIT = 1800 if LONG else 240  # seconds, for one story


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", getattr(metafunc.module, "ENGINES", ENGINES))
    if "place" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("places")
        places = mark.args if mark else getattr(metafunc.module, "PLACES", ("loopback", "world"))
        if places == ("either",):  # where the place matters little: once is enough
            places = ("loopback",) if worlds.impossible() else ("world",)
        metafunc.parametrize("place", places, indirect=True)


def pytest_collection_modifyitems(items):
    """So that nobody tells a long one at the end while the others have nothing left to do."""
    def turn(item):
        alone = item.get_closest_marker("alone") is not None
        name = item.module.__name__
        return alone, LONGEST.index(name) if not alone and name in LONGEST else len(LONGEST)
    items.sort(key=turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each worker gets the next story when it begins one, and no heap that it alone would have to see the end of."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScheduling  # only where it is

    class OneAhead(LoadScheduling):
        def _send_tests(self, node, num):
            super()._send_tests(node, max(0, min(num, 2 - len(self.node2pending[node]))))
    return OneAhead(config, log)


def pytest_sessionstart():
    for name, path in (("SHUNT", SHUNT), ("PEER", PEER), ("DENY", DENY)):
        if not os.access(path, os.X_OK):
            pytest.exit(f"no program at {path}: build it, or name another by {name}=", 1)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Stories run beside others, but one that is marked `alone` waits until it is, and is left so.

    Everybody goes through a gate one by one, so that who waits to be alone is not passed by."""
    folder = tempfile.gettempdir()
    alone = item.get_closest_marker("alone")
    with open(f"{folder}/shunt-e2e-{os.getuid()}-gate", "w") as gate, \
            open(f"{folder}/shunt-e2e-{os.getuid()}-stage", "w") as stage:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(stage, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def late(*_):
        raise TimeoutError(f"the story took more than {LIMIT} s")
    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    cast = getattr(item, "funcargs", {}).get("cast")
    if not report.failed or not cast:
        return
    for number, relay in enumerate(cast.relays):
        last = relay.lines["stderr"][-20:]
        report.sections.append((f"relay {number}: {' '.join(relay.argv)}", "\n".join(last)))


@pytest.fixture(scope="session")
def three_hosts():
    reason = worlds.impossible()
    if reason:
        pytest.skip(reason)
    made = worlds.World()
    yield made
    made.remove()


@pytest.fixture
def place(request):
    if getattr(request, "param", "loopback") == "world":
        return request.getfixturevalue("three_hosts")
    if getattr(request, "param", "") == "field":
        return request.getfixturevalue("field")
    return worlds.Loopback()


@pytest.fixture
def cast():
    everyone = Cast()
    yield everyone
    everyone.leave()


@pytest.fixture
def relay(place, cast):
    """relay(engine, "--target", ADDR, ...): a running relay, listening where the place says.

    as_user: run as this user · deny: system calls that fail, as deny.c takes them · within: what
    to put before it · nofile: limit of descriptors · starts=False: do not wait for its listening lines
    """
    def start(engine, *args, as_user=None, deny=None, within=(), nofile=None, starts=True):
        how = [*place.prefix(worlds.RELAY), *within]
        if as_user:
            how = how + ["setpriv", f"--reuid={as_user}", "--regid=nogroup", "--clear-groups",
                         "--pdeathsig", "TERM"]
        if nofile:
            how = how + ["prlimit", f"--nofile={nofile}:{nofile}"]
        if deny:
            how = how + [DENY, deny, "--"]
        if "--listen" not in args:
            args = ("--listen", f"{place.relay_host}:0", *args)
        if "--bpffs" not in args:  # grafts have stories of their own, in networks of their own
            args = ("--bpffs", "/proc/none", *args)
        argv = [*how, SHUNT, "relay", "--log", "json", "--engine", engine, *args]
        r = cast.add(Relay(argv, "relay"))
        if starts:
            r.until(lambda: len(r.listeners()) == args.count("--listen"), what="listening lines")
        return r
    return start


@pytest.fixture
def conf(place):
    """conf(engine, {KEY: VALUE}): the text of a file for `shunt serve`, JSON, which is YAML. What stories
    want goes without saying: one listener, a log that can be read, no grafts."""
    def text(engine, keys):
        listen = [{"address": f"{place.relay_host}:0", **one} for one in keys.get("listen", [{}])]
        return json.dumps({"engine": engine, "workers": 2, "log": {"format": "json"},
                           "graft": {"bpffs": "/proc/none"}, **keys, "listen": listen}, indent=1)
    return text


@pytest.fixture
def serve(place, cast, conf, tmp_path):
    """serve(engine, {KEY: VALUE}): a running `shunt serve` of this configuration (or of this text).

    before: words before the command, like env or prlimit · starts=False: do not wait for its listeners
    """
    def start(engine, keys, before=(), starts=True):
        file = tmp_path / f"shunt-{len(cast.relays)}.conf"
        file.write_text(keys if isinstance(keys, str) else conf(engine, keys))
        s = cast.add(Serve([*place.prefix(worlds.RELAY), *before, SHUNT, "serve", "-c", str(file)],
                           "serve", str(file)))
        if starts:
            count = 1 if isinstance(keys, str) else len(keys.get("listen", [{}]))
            s.until(lambda: len(s.listeners()) == count, what="listening lines")
        return s
    return start


@pytest.fixture
def service():
    """service(NAME): a server that says its name, then all that it is told (services.py)."""
    made = []

    def start(name, **how):
        made.append(Service(name, **how))
        return made[-1]
    yield start
    for one in made:
        one.stop()


@pytest.fixture
def server(place, cast):
    """server("accept", "read:all", ...): a peer that listens. Its .address is known."""
    def start(*words, before=(), host=None):
        argv = [*place.prefix(worlds.SERVER), PEER, *before,
                f"listen:{host or place.server_host + ':0'}", *words]
        p = cast.add(Peer(argv, "server"))
        assert p.address
        return p
    return start


@pytest.fixture
def client(place, cast):
    """client(relay_or_address, "send:1m", ...): a peer that is connected."""
    def start(to, *words, before=()):
        where = to if isinstance(to, str) else to.address
        return cast.add(Peer([*place.prefix(worlds.CLIENT), PEER, *before, f"connect:{where}",
                              *words], "client"))
    return start


@pytest.fixture
def couple(relay, server, client):
    """couple(engine, CLIENT_WORDS, SERVER_WORDS, ...): relay, client and server, at work."""
    def start(engine, ours, theirs, *args, **how):
        s = server("accept", *theirs)
        r = relay(engine, "--target", s.address, *args, **how)
        return r, client(r, *ours), s
    return start


@pytest.fixture
def echo(place, cast):
    """echo(): a server for any number of connections at once, that sends back what it gets."""
    def start(host=None):
        p = cast.add(Peer([*place.prefix(worlds.SERVER), PEER, "-t", str(LIMIT), "echo",
                           host or f"{place.server_host}:0"], "echo"))
        assert p.address
        return p
    return start


@pytest.fixture
def swarm(place, cast):
    """swarm(relay): thousands of clients in one process."""
    def start(to):
        where = to if isinstance(to, str) else to.address
        return cast.add(Swarm([*place.prefix(worlds.CLIENT), PEER, "-t", str(LIMIT), "swarm",
                               where], "swarm"))
    return start
