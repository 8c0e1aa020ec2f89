# SPDX-License-Identifier: BSD-2-Clause
"""measure.py — what the machine, our processes and everybody else did between two moments

Busy is the time that CPUs were not idle: wall time of all of them less idle, iowait and steal.
Idle time is exact where the kernel stops its tick for it; the other columns of /proc/stat are
sampled by that tick, and a load that runs at timers of its own may hide from it. What runs for a
connection outside of any process (interrupts, ksoftirqd) is busy time too, and belongs to whoever
caused it.

Ours are this process, its descendants and what it started. All other processes are foreign: what
they use is reported, and taken off the busy time. Used up means the times of those that live and
of the children they have buried: so one that came and went in between is counted, by its parent.
Kernel threads are not foreign, for most of them work for us.
"""
import os
import time

TICK = 1 / os.sysconf("SC_CLK_TCK")
CPUS = os.cpu_count() or 1
KTHREADD = 2


class Process:
    """One line of /proc/PID/stat."""
    __slots__ = ("pid", "parent", "name", "seconds", "whole")

    def __init__(self, text):
        head, _, tail = text.rpartition(")")
        pid, _, name = head.partition("(")
        fields = tail.split()
        times = [int(f) * TICK for f in fields[11:15]]
        self.pid, self.name, self.parent = int(pid), name, int(fields[1])
        self.seconds = times[0] + times[1]
        self.whole = sum(times)


def processes():
    """All there are now, by pid."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    p = Process(f.read())
            except (OSError, ValueError, IndexError):
                continue
            found[p.pid] = p
    return found


def descendants(root, table):
    """root and all that came of it, as far as they live."""
    children = {}
    for p in table.values():
        children.setdefault(p.parent, []).append(p.pid)
    found, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += [c for c in children.get(pid, ()) if c not in found]
    return found


def foreign_seconds(table, ours):
    """What all others have ever used, and who they are: {pid: (name, seconds)}."""
    others = {p.pid: (p.name, p.whole) for p in table.values()
              if p.pid not in ours and KTHREADD not in (p.pid, p.parent)}
    return sum(seconds for _, seconds in others.values()), others


def machine(text):
    """The first line of /proc/stat, in seconds."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    fields = text.split("\n", 1)[0].split()[1:]
    return dict(zip(names, (int(f) * TICK for f in fields)))


def cpu_of(pid):
    """Seconds of CPU that a process has used, all its threads, to the nanosecond; 0 if it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) answers
    except OSError:
        return 0.0


class Moment:
    """Everything that is read at one moment. The machine is read last, or first at an end, so that the
    reading itself lies outside."""

    def __init__(self, mine=(), end=False):
        if end:
            self.read_machine(mine)
        began = time.monotonic()
        self.table = processes()
        self.read_at = (began + time.monotonic()) / 2
        self.ours = descendants(os.getpid(), self.table)
        self.foreign, self.others = foreign_seconds(self.table, self.ours)
        self.self_seconds = cpu_of(os.getpid())
        if not end:
            self.read_machine(mine)

    def read_machine(self, mine):
        self.mine = {pid: cpu_of(pid) for pid in mine}
        with open("/proc/stat", encoding="ascii") as f:
            self.machine = machine(f.read())
        self.at = time.monotonic()


def between(a, b):
    """What was used from moment a to moment b, in seconds of CPU."""
    d = {name: b.machine[name] - a.machine[name] for name in a.machine}
    wall = b.at - a.at
    busy = max(0.0, wall * CPUS - d["idle"] - d["iowait"] - d["steal"])
    # Processes were read a little earlier and later: that matters when we had to wait for a CPU.
    foreign = max(0.0, b.foreign - a.foreign) * wall / max(wall, b.read_at - a.read_at)
    foreign = min(foreign, busy)
    used = {pid: (name, seconds - a.others.get(pid, ("", 0.0))[1])
            for pid, (name, seconds) in b.others.items()}
    loud = sorted(used.values(), key=lambda u: -u[1])[:3]
    return {
        "seconds": wall,
        "busy": busy - foreign,
        "ticked": sum(d[n] for n in ("user", "nice", "system", "irq", "softirq")),
        "own": sum(b.mine[p] - a.mine.get(p, 0.0) for p in b.mine),
        "foreign": foreign,
        "steal": d["steal"],
        "loud": [f"{name} {seconds:.2f} s" for name, seconds in loud if seconds >= TICK],
        "disturbed": (foreign + d["steal"]) / (wall * CPUS),
    }


class Window:
    """with Window(pids) as w: ...; then w.used is what between() says."""

    def __init__(self, mine):
        self.mine = tuple(mine)

    def __enter__(self):
        self.begin = Moment(self.mine)
        return self

    def __exit__(self, *_):
        end = Moment(self.mine, end=True)
        self.used = between(self.begin, end)
        self.span = (self.begin.at, end.at)


# -- memory --

OTHER = ("KernelStack", "PageTables", "Percpu")  # beside the slabs
SLABS = "/sys/kernel/slab"
OF_PROC = ("proc_inode_cache", "dentry", "lsm_inode_cache")  # there is one of each for an inode of /proc


def colon_fields(text):
    """{"Slab": 1234} of lines like "Slab:  1234 kB"."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0])
    return found


def shrink_slabs():
    """Have the kernel let go of slabs that are empty, and say of the others how many objects live."""
    try:
        names = os.listdir(SLABS)
    except OSError:
        return
    for name in names:
        try:
            with open(f"{SLABS}/{name}/shrink", "w", encoding="ascii") as f:
                f.write("1")
        except OSError:
            continue


def slab_kib(text):
    """Living objects, by /proc/slabinfo: name, objects that live, all, size of one. Without those of
    /proc: to count a relay's descriptors there leaves the kernel an inode and a name for each, which
    would be taken for memory of the connections."""
    caches = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[1].isdigit():
            caches[fields[0]] = int(fields[1]), int(fields[3])
    looked_at, _ = caches.get("proc_inode_cache", (0, 0))
    total = sum(count * size for count, size in caches.values())
    total -= looked_at * sum(caches[name][1] for name in OF_PROC if name in caches)
    return total // 1024


def kernel_kib():
    """Memory that the kernel has for its own, without pages of data. Objects are counted, where the
    kernel tells them, and not the slabs they lie in: half empty ones, which others left behind, take
    new objects without growing."""
    with open("/proc/meminfo", encoding="ascii") as f:
        fields = colon_fields(f.read())
    try:
        shrink_slabs()
        with open("/proc/slabinfo", encoding="ascii") as f:
            slab = slab_kib(f.read())
    except OSError:
        slab = fields.get("Slab", 0)
    return slab + sum(fields.get(name, 0) for name in OTHER)


def user_kib(pids):
    """Anonymous memory of these processes."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
                total += colon_fields(f.read()).get("RssAnon", 0)
        except OSError:
            continue
    return total


def descriptors(pids):
    total = 0
    for pid in pids:
        try:
            total += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
    return total


def sockets(pids):
    total = 0
    for pid in pids:
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                total += sum(is_socket(e.path) for e in entries)
        except OSError:
            continue
    return total


def is_socket(path):
    try:
        return os.readlink(path).startswith("socket:")
    except OSError:
        return False


def settled(read, within, patience=3.0, step=0.15):
    """read() once two readings in a row differ by no more than `within`, or patience ends."""
    end, last = time.monotonic() + patience, read()
    while time.monotonic() < end:
        time.sleep(step)
        now = read()
        if abs(now - last) <= within:
            return now
        last = now
    return last
