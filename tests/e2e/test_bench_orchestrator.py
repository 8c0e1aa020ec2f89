# SPDX-License-Identifier: BSD-2-Clause
"""make bench: what it computes from samples, and that it runs and leaves nothing behind. No figure is judged."""
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from actors import ROOT, SHUNT, sanitized

BENCH = os.path.join(ROOT, "bench")
sys.path.append(BENCH)

import check  # noqa: E402
import comparing  # noqa: E402
import contenders  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
import place  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import result as results  # noqa: E402
import run  # noqa: E402
import stats  # noqa: E402
import work  # noqa: E402
from stats import Range  # noqa: E402


# -- statistics --

def test_a_range_is_the_median_between_the_ends():
    r = Range([3, 1, 10])
    assert (r.median, r.min, r.max, r.n) == (3, 1, 10, 3)
    assert Range([1, 3]).median == 2


@pytest.mark.parametrize("a,b,sure", [
    ([10, 11, 11], [20, 20, 21], True),
    ([10, 15, 20], [15, 20, 30], False),            # they overlap
    ([10, 15, 20], [20, 25, 30], False),            # they touch
    ([100, 100, 101], [103, 103, 104], False),      # apart, but nearer than the margin
    ([100, 100, 101], [108, 108, 109], True),
    ([10, 11], [30, 31], False),                    # two samples may lie so by chance
    ([10], [20], False),
    ([-5, -4, -3], [50, 55, 60], True),
])
def test_better_is_claimed_only_when_sure(a, b, sure):
    assert stats.surely_less(Range(a), Range(b)) == sure
    assert not stats.surely_less(Range(b), Range(a))
    assert stats.better(Range(b), Range(a), more_is_better=True) == sure


def test_the_margin_of_a_cost_is_of_its_total():
    assert not stats.surely_less(Range([10, 10, 11], of=280), Range([20, 20, 21], of=290))
    assert stats.surely_less(Range([10, 10, 11], of=280), Range([40, 40, 41], of=310))


def test_ranks_are_shared_by_those_that_cannot_be_told_apart():
    of = {"a": Range([10, 10, 11]), "b": Range([10.5, 11, 12]), "c": Range([50, 50, 51]), "d": Range([90, 95, 99])}
    assert stats.ranks(of, more_is_better=False) == {
        "a": (1, True), "b": (1, True), "c": (3, False), "d": (4, False)}
    assert stats.ranks(of, more_is_better=True)["d"] == (1, False)
    assert ("a", "c") in stats.claims(of, False) and ("a", "b") not in stats.claims(of, False)


def test_bytes_of_a_window_are_cut_from_its_steps():
    line = {"began": 100.0, "step": 0.1, "counts": [10, 20, 30, 40]}
    assert stats.bytes_between(line, 100.0, 100.4) == pytest.approx(100)
    assert stats.bytes_between(line, 100.15, 100.25) == pytest.approx(10 + 15)
    assert stats.bytes_between(line, 99, 200) == pytest.approx(100)
    assert stats.bytes_between(line, 200, 201) == 0


def test_histograms_are_added_up_and_made_coarse():
    both = stats.merged([[[1.0, 3], [2.0, 1]], [[2.0, 4]]])
    assert both == [(1.0, 3), (2.0, 5)]
    assert stats.share_at(both, 0.3) == 1.0 and stats.share_at(both, 0.5) == 2.0
    fine = [[10 + i / 1000, 1] for i in range(1000)] + [[700.0, 5]]
    coarse = results.coarse(fine)
    assert sum(c for _, c in coarse) == 1005 and len(coarse) < 6
    assert all(t >= 10 for t, _ in coarse) and coarse[-1][0] <= 700 * 17 / 16


# -- the machine --

def test_a_process_may_be_named_like_a_riddle():
    line = "42 (a) b (c)) S 7 42 42 0 -1 0 1 2 3 4 150 50 30 20 20 0 1 0 12345 1 1"
    p = measure.Process(line)
    assert (p.pid, p.parent, p.name) == (42, 7, "a) b (c)")
    assert p.seconds == pytest.approx(200 * measure.TICK) and p.whole == pytest.approx(250 * measure.TICK)


def process(pid, parent, ticks, name="x"):
    return measure.Process(f"{pid} ({name}) S {parent} 0 0 0 0 0 0 0 0 0 {ticks} 0 0 0")


def test_ours_are_all_descendants_and_kernel_threads_are_nobodys():
    table = {p.pid: p for p in (process(1, 0, 5), process(2, 0, 9), process(3, 2, 9), process(10, 1, 100),
                                process(11, 10, 100), process(12, 11, 100), process(20, 1, 7))}
    ours = measure.descendants(10, table)
    assert ours == {10, 11, 12}
    seconds, others = measure.foreign_seconds(table, ours)
    assert set(others) == {1, 20} and seconds == pytest.approx(12 * measure.TICK)


def moment(at, idle, foreign, own=0.0, steal=0.0):
    m = object.__new__(measure.Moment)
    m.at = m.read_at = at
    m.machine = dict.fromkeys(("user", "nice", "system", "iowait", "irq", "softirq"), 0.0)
    m.machine.update(idle=idle, steal=steal)
    m.foreign, m.others = foreign, {77: ("cc1", foreign)}
    m.mine = {5: own}
    return m


def test_busy_is_what_is_neither_idle_nor_anybody_elses():
    wall = measure.CPUS * 10.0
    used = measure.between(moment(100, 50, 1), moment(110, 50 + wall - 6, 3, own=1.5, steal=1))
    assert used["busy"] == pytest.approx(3) and used["foreign"] == pytest.approx(2)
    assert used["own"] == pytest.approx(1.5)
    assert used["disturbed"] == pytest.approx(3 / wall)
    assert used["loud"] == ["cc1 2.00 s"]


def test_a_process_is_charged_to_the_nanosecond():
    before = measure.cpu_of(os.getpid())
    while measure.cpu_of(os.getpid()) == before:
        pass
    assert measure.cpu_of(os.getpid()) - before < 0.5
    assert measure.cpu_of(2 ** 22 + 5) == 0.0


def test_what_looking_at_proc_costs_the_kernel_is_no_connections_memory():
    def slabinfo(sockets, seen):
        return ("slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize>\n"
                f"TCP               {sockets} 3200 2048 16 8 : tunables 0 0 0\n"
                f"dentry            {sockets + seen} 9000 192 21 1 : tunables 0 0 0\n"
                f"proc_inode_cache  {seen} 9000 640 24 4 : tunables 0 0 0\n")

    assert measure.slab_kib(slabinfo(64, 0)) == 64 * (2048 + 192) // 1024
    assert measure.slab_kib(slabinfo(64, 6000)) == measure.slab_kib(slabinfo(64, 0))
    assert measure.slab_kib(slabinfo(128, 6000)) == 2 * measure.slab_kib(slabinfo(64, 0))


# -- rows, tables, wishes, comparisons --

def fake_result(splice=300.0, noise=0.01, haproxy_splice=290.0, graft=262.0):
    """A result as a run of relay and latency would leave it."""
    settings = run.Settings(files=20000)
    everyone = {n: c for n, c in contenders.load().items()
                if n in ("floor", "graft", "splice", "copy-64k", "haproxy", "haproxy-splice", "nginx")}
    kinds = work.load()
    plan = run.Plan([kinds["relay"], kinds["latency"]], everyone, None, settings)
    busy = {"floor": 260.0, "graft": graft, "splice": splice, "copy-64k": 600.0, "haproxy": 1000.0,
            "haproxy-splice": haproxy_splice, "nginx": 900.0}
    samples = []
    for _, case, who in plan.steps:
        for c in who:
            for turn in (-1, 0, 1):
                x = busy[c.name] * (1 + turn * noise)
                sample = {"work": case.work, "connections": case.connections, "contender": c.name,
                          "turn": turn, "used": {"disturbed": 0.0}, "raw": {}}
                if case.work == "relay":
                    sample["metrics"] = {"busy_ms_per_gb_total": x, "own_cpu_ms_per_gb": x / 3,
                                         "gbit_per_s": 16000 / x}
                else:
                    sample["metrics"] = {"p50_us": x / 5, "p99_us": x / 2, "p999_us": x, "per_s": 1e6 / x,
                                         "own_cpu_us": x / 10}
                    sample["buckets"] = [[x / 5 * (1 + i / 50), 40] for i in range(50)]
                samples.append(sample)
    facts = {n: {"label": c.label, "version": "1", "settings": "", "extra": c.extra} for n, c in everyone.items()}
    bench = run.Bench(SHUNT, Nowhere(), settings)
    return results.make(bench, plan, Ran(samples), time.time(), facts)


class Nowhere:
    def facts(self):
        return {"kind": "nowhere", "wires": "none", "congestion": "none", "hosts": "none"}


class Ran:
    notes, repeated = [], 0

    def __init__(self, samples):
        self.samples = samples


def test_a_cost_is_what_is_over_the_floors_median():
    r = fake_result()
    of = results.ranges(r, "relay", 8, "busy_ms_per_gb")
    assert "floor" not in of
    assert of["splice"].median == pytest.approx(40) and of["splice"].of == pytest.approx(300)
    assert (of["splice"].min, of["splice"].max) == (pytest.approx(37), pytest.approx(43))
    rows = [row for row in r["rows"] if row["work"] == "latency-1b" and row["metric"] == "p50_us"]
    assert {row["contender"] for row in rows} == {"floor", "graft", "splice", "haproxy", "haproxy-splice", "nginx"}
    for row in r["rows"]:
        assert row["min"] <= row["median"] <= row["max"] and row["unit"]


def test_a_result_is_the_same_after_it_was_kept(tmp_path):
    r = fake_result()
    path = str(tmp_path / "r.json")
    results.save(r, path)
    assert results.load(path) == json.loads(json.dumps(r))
    with open(path, "w", encoding="utf-8") as f:
        f.write('{"schema": 99}')
    with pytest.raises(ValueError):
        results.load(path)


def test_a_files_name_tells_the_machine_and_nobodys_name():
    for cpu, name in (("AMD EPYC", "2cpu-amd-epyc"), ("Intel(R) Xeon(R) CPU E5-2670 v3 @ 2.30GHz", "2cpu-intel-xeon-e5"),
                      ("AMD Ryzen 9 5950X 16-Core Processor", "2cpu-amd-ryzen-9")):
        assert results.file_name({"cpu": cpu, "cpus": 2}, "2026-01-02") == f"2026-01-02-{name}.json"


def test_the_table_ranks_and_says_what_it_cannot_rank():
    r = fake_result()
    out = io.StringIO()
    report.show(r, out)
    text = out.getvalue()
    relay = text[text.index("bulk, 8 connections"):]
    assert re.search(r"^1 \s+shunt, graft", relay, re.M)
    assert re.search(r"^2=\s+HAProxy, splice", relay, re.M) and re.search(r"^2=\s+shunt, splice ", relay, re.M)
    assert re.search(r"^4 \s+shunt, copy 64K", relay, re.M)
    assert "40 (37…43)" in relay


def verdicts(r):
    return {line.text.split(":")[0]: line.verdict for line in check.lines(r)}


def test_wishes_are_reached_or_missed():
    near, far = verdicts(fake_result(splice=300)), verdicts(fake_result(splice=500))
    assert near["cost over the floor, n=8"] == "PASS"
    assert far["cost over the floor, n=8"] == "MISS"
    assert far["throughput, n=8"] == "MISS" and near["throughput, n=8"] == "PASS"
    out = io.StringIO()
    assert check.show(fake_result(splice=500), out) == 1 and " missed" in out.getvalue()


def test_grafts_are_laid_beside_forwarding():
    near_, far = verdicts(fake_result(graft=262)), verdicts(fake_result(graft=400))
    for name in ("cost of a graft, whole machine, n=8", "a graft's round trips of 1 KB, n=50, p50"):
        assert (near_[name], far[name]) == ("PASS", "MISS")
    assert not [name for name in near_ if name.startswith("a graft's") and "bulk" in name]
    cost = {"splice": Range([490, 500]), "haproxy": Range([600, 610]), "graft": Range([60, 62])}
    assert check.times("x", cost, "splice", "ms/GB", check.THIN, True, check.GRAFT).verdict == "PASS"
    assert check.best(cost, ("splice", *check.PEERS)) == "splice"
    cost["graft"] = Range([110, 112])
    assert check.times("x", cost, "splice", "ms/GB", check.THIN, True, check.GRAFT).verdict == "MISS"


def test_it_is_told_where_connections_did_not_become_grafts():
    r = fake_result()
    assert not list(report.not_all_grafts(r))
    for s in r["samples"]:
        if s["contender"] == "graft" and s["work"] == "relay":
            s["raw"] = {"grafted": s["connections"] - s["connections"] // 5, "settled_s": 1.0}
    told = list(report.not_all_grafts(r))
    assert len(told) == 3 and any("n=200" in line and " 160 " in line for line in told)


def test_within_the_noise_is_no_worse():
    slower = {"splice": Range([30, 40, 50]), "haproxy": Range([20, 25, 31])}
    assert check.against("x", slower, "haproxy", "us").verdict == "PASS"
    slower["haproxy"] = Range([20, 25, 29])
    assert check.against("x", slower, "haproxy", "us").verdict == "PASS"  # apart, but within the margin
    slower["haproxy"] = Range([20, 25, 27])
    assert check.against("x", slower, "haproxy", "us").verdict == "MISS"
    assert check.against("x", slower, "nginx", "us").verdict == "----"
    single = {"splice": Range([103]), "haproxy": Range([100])}
    assert check.against("x", single, "haproxy", "us").verdict == "PASS"
    single["splice"] = Range([110])
    assert check.against("x", single, "haproxy", "us").verdict == "MISS"


def test_two_results_side_by_side():
    before, after = fake_result(splice=300), fake_result(splice=700)
    changed = list(comparing.rankings(before, after, comparing.all_metrics()))
    table = ("relay", 8, "busy_ms_per_gb")
    assert ("turned", table, "splice", "copy-64k") in changed
    assert ("new", table, "haproxy-splice", "splice") in changed
    out = io.StringIO()
    assert comparing.show(before, after, out) == 1
    assert re.search(r"^\*\s+shunt, splice .*\+133.3 %", out.getvalue(), re.M)
    assert comparing.show(before, before, io.StringIO()) == 0


def test_the_page_has_every_picture(tmp_path):
    path = page.make(fake_result(), str(tmp_path))
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert "HAProxy, splice" in text
    if not plot.possible():
        pytest.skip("gnuplot is not installed")
    for name in ("cost", "throughput", "latency"):
        assert f"{name}.svg" in text
        assert (tmp_path / f"{name}.svg").stat().st_size > 2000
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def settings_without_connections():
    return run.Settings(files=20000)


def test_a_whole_run_is_planned_for_less_than_a_quarter_of_an_hour():
    plan = run.Plan(list(work.load().values()), contenders.load(), None, settings_without_connections())
    assert 300 < plan.seconds() < run.Settings.limit < 900


def test_a_plan_is_what_was_asked_for():
    settings = run.Settings(connections=(8,), files=20000)
    everyone = contenders.load()
    plan = run.Plan([work.load()["relay"]], everyone, ["floor", "splice", "socat"], settings)
    assert [(case.connections, [c.name for c in who]) for _, case, who in plan.steps] == [
        (8, ["floor", "splice", "socat"])]
    assert plan.samples() == 9
    assert plan.kinds() == [("relay", 9, pytest.approx(plan.seconds()))]
    connect = run.Plan([work.load()["connect"]], everyone, None, settings_without_connections())
    assert {case.work: [c.name for c in who] for _, case, who in connect.steps}["connect-1m"] == [
        "floor", "auto", "splice", "haproxy"]
    plan = run.Plan([work.load()["relay"]], everyone, None, run.Settings(connections=(200,), files=20000))
    names = [c.name for c in plan.steps[0][2]]
    assert "socat" not in names and "splice-64k" not in names and "copy-64k" in names


def taken(answers, **settings):
    """What a runner makes of samples that come one after the other: a number is how much of the machine others used,
    a text what went wrong."""
    s = run.Settings(files=20000, connections=(1,), **settings)
    everyone = {"splice": contenders.load()["splice"]}
    plan = run.Plan([work.load()["relay"]], everyone, ["splice"], s)
    runner = run.Runner(run.Bench(SHUNT, Nowhere(), s), plan, run.Progress(plan, out=io.StringIO()))
    waiting = iter(answers)

    def once(*_):
        a = next(waiting)
        return (None, a) if isinstance(a, str) else ({"used": {"disturbed": a}}, None)

    runner.once = once
    sample = runner.best_of(*plan.steps[0][:2], plan.steps[0][2][0])
    return sample and sample["used"]["disturbed"], runner.repeated, runner.notes


def test_a_disturbed_sample_is_taken_again_and_the_least_disturbed_one_counts():
    assert taken([0.01]) == (0.01, 0, [])
    assert taken([0.3, 0.02]) == (0.02, 1, [])
    assert taken([0.3, 0.1, 0.2]) == (0.1, 2, [])
    assert taken([0.3], once=True) == (0.3, 0, [])


def test_what_fails_is_tried_once_more_and_then_told():
    assert taken(["no port", 0.0]) == (0.0, 0, [])
    sample, _, notes = taken(["no port", "no luck"])
    assert sample is None and notes == ["relay n=1, splice: no luck"]


# -- it runs --

def bench(*args, seconds=100):
    done = subprocess.run([sys.executable, os.path.join(BENCH, "bench.py"), "--shunt", SHUNT, *args],
                          capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


SHORT = ("--repeat", "1", "--window", "0.2", "--once")
measures = pytest.mark.skipif(sanitized(), reason="slow programs only make it longer")


@measures
@pytest.mark.parametrize("kind,connections,metrics", [
    ("relay", "8", {"busy_ms_per_gb_total", "gbit_per_s", "own_cpu_ms_per_gb"}),
    ("latency", "1", {"p50_us", "p99_us"}),
    ("connect", "50", {"conns_per_s"}),
    ("thin", "200", {"busy_ms_per_gb_total"}),
])
def test_on_the_loopback(kind, connections, metrics, tmp_path):
    to = str(tmp_path / "r.json")
    done = bench("--loopback", "--work", kind, "--contenders", "splice", "--connections", connections, *SHORT,
                 "--json", to)
    assert done.returncode == 0, done.stderr
    assert "no floor" in done.stderr and "shunt, splice" in done.stdout
    r = results.load(to)
    assert metrics <= {row["metric"] for row in r["rows"]}
    assert all(row["median"] >= 0 and row["contender"] == "splice" for row in r["rows"])
    assert "busy_ms_per_gb" not in {row["metric"] for row in r["rows"]}


def namespaces(pid):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    return re.findall(rf"^shunt-{pid}-\w+", listed, re.M)


@measures
def test_in_namespaces_beside_the_floor(three_hosts, tmp_path):
    to = str(tmp_path / "r.json")
    done = bench("--work", "relay", "--contenders", "floor,splice", "--connections", "1", *SHORT, "--json", to,
                 "--check")
    assert "IP forwarding" in done.stdout and "not measured" in done.stdout, done.stderr
    r = results.load(to)
    assert {(s["contender"], s["raw"]["congestion"]) for s in r["samples"]} == {("floor", "cubic"), ("splice", "cubic")}
    assert any(row["metric"] == "busy_ms_per_gb" for row in r["rows"])


def bpf_mounts():
    """What runs that are over have left; others may be under way beside this test."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        found = [(int(m.group(1)), line) for line in f if (m := re.search(r"shunt-bench-(\d+)-", line))]
    return [line for pid, line in found if not os.path.exists(f"/proc/{pid}")]


def without_grafts():
    done = bench("--work", "relay", "--contenders", "graft", "--connections", "8", "--plan")
    return done.stderr if done.returncode else None


@measures
@pytest.mark.parametrize("kind,connections", [("relay", "8"), ("latency", "50"), ("relay-mtu", "8")])
def test_grafts_are_measured_when_they_are_grafts(kind, connections, three_hosts, tmp_path):
    why_not = without_grafts()
    if why_not:
        pytest.skip(why_not)
    to = str(tmp_path / "r.json")
    done = bench("--work", kind, "--contenders", "graft", "--connections", connections, *SHORT, "--json", to)
    assert done.returncode == 0, done.stderr
    samples = results.load(to)["samples"]
    assert samples and all("settled_s" in s["raw"] for s in samples)
    assert any(s["raw"]["grafted"] >= int(connections) / 2 for s in samples)
    assert not [line for line in bpf_mounts() if "killed_run" not in line]  # that story leaves one on purpose


def test_without_rights_grafts_are_left_out_with_a_word():
    if os.geteuid() == 0:
        pytest.skip("only without root")
    done = bench("--loopback", "--work", "relay", "--contenders", "graft,splice", "--plan")
    assert done.returncode == 0 and "without shunt, graft" in done.stderr


def test_a_killed_runs_file_system_is_unmounted_by_the_next(three_hosts, tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    where = tmp_path / f"shunt-bench-{dead.pid}-x" / "bpf"
    where.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "bpf", "bpf", where], capture_output=True, check=False).returncode:
        pytest.skip("no BPF file system can be mounted")
    bench("--work", "relay", "--contenders", "graft", "--connections", "8", "--plan")
    assert not bpf_mounts() and not where.parent.exists()


def test_packets_are_as_before_afterwards(three_hosts):
    def devices():
        shown = []
        for who, device in place.WIRES:
            shown.append(subprocess.run([*here.prefix(who), "ethtool", "-k", device], capture_output=True,
                                        text=True, check=True).stdout)
            link = subprocess.run([*here.prefix(who), "ip", "-d", "link", "show", device], capture_output=True,
                                  text=True, check=True).stdout
            shown.append(re.findall(r"gro_max_size \d+", link))
        return shown

    here = object.__new__(place.Wires)
    here.spaces = three_hosts.spaces
    before = devices()
    for merged in (True, False):
        with here.small_packets(merged):
            during = devices()
            assert "tcp-segmentation-offload: off" in during[0]
            assert (during[1] == before[1]) == merged
        assert devices() == before


@measures
def test_who_stops_it_finds_nothing_left_behind(three_hosts):
    run_ = subprocess.Popen([sys.executable, os.path.join(BENCH, "bench.py"), "--shunt", SHUNT, "--work", "relay",
                             "--contenders", "splice"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while len(measure.descendants(run_.pid, measure.processes())) < 4:
        assert time.monotonic() < deadline and run_.poll() is None
        time.sleep(0.05)
    started = measure.descendants(run_.pid, measure.processes()) - {run_.pid}
    assert len(namespaces(run_.pid)) == 3
    run_.send_signal(signal.SIGTERM)
    assert run_.wait(30) == 143
    assert not namespaces(run_.pid)
    assert not [pid for pid in started if os.path.exists(f"/proc/{pid}")]


@pytest.mark.parametrize("args,named", [
    (["--work", "relays"], "relays"),
    (["--contenders", "haproxi"], "haproxi"),
    (["--work", "relay", "--connections", "7"], "nothing to do"),
    (["--shunt", "/nonexistent"], "/nonexistent"),
])
def test_what_cannot_be_done_is_said(args, named):
    done = bench("--loopback", *args)
    assert done.returncode == 1 and named in done.stderr


def test_the_list_names_everybody():
    text = bench("--list").stdout
    for name in (*contenders.load(), *work.load()):
        assert re.search(rf"^  {name} ", text, re.M)
