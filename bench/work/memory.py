# SPDX-License-Identifier: BSD-2-Clause
"""memory: what a connection takes that does nothing

User memory is the anonymous memory of the relay's processes. Kernel memory is that of the whole
machine (objects in slabs, stacks, page tables, per-CPU), before and after: the client's and the server's
sockets are in it, so that a run without a relay is taken off. Other programs' use of the kernel's
memory is noise here: the most is told beside the least.
"""
import time

import measure
from place import SINK, SOURCE
from stage import SLOW, went_well

from . import Case, Metric, Work

TRIPS = 24  # before a connection is idle: a graft is made once it is known what packets come
NEAR = 96  # KiB: two readings so near each other are taken for rest


class Memory(Work):
    name, order = "memory", 50
    contenders = ("floor", "graft", "splice", "haproxy", "haproxy-splice", "nginx")
    metrics = {
        "kib_per_conn_user": Metric("KiB", "user", digits=2, ranked=True),
        "kib_per_conn_kernel": Metric("KiB", "kernel", less_floor="kib_per_conn_kernel_total",
                                      digits=2, ranked=True),
        "kib_per_conn_kernel_total": Metric("KiB", "kernel, with both ends", digits=2),
        "fds_per_conn": Metric("1", "descriptors", digits=2),
    }

    def cases(self, settings):
        n = min(1500 if settings.quick else 3000, (settings.files - 200) // 4)
        yield Case("memory", "idle connections", n, 1.2 + n / 1500, rounds=2)

    def sample(self, stage, contender, case):
        n = case.connections
        echo = stage.tool("echo", SINK, "--wait", "0", "--for", "1h")
        stage.relay_to(echo)
        before = self.read(stage)
        with measure.Window(stage.relay_pids()) as window:
            idle = stage.tool("idle", SOURCE, stage.entry, "-n", n, "--trips", TRIPS,
                              "--for", "60s")
            idle.until_said("ready ", SLOW)
            settled = stage.settle(n)
            time.sleep(0.3)
            after = self.read(stage)
        idle.signal(15)
        went_well("idle", idle.result(SLOW))
        user, kernel, fds = ((b - a) / n for a, b in zip(before, after))
        return {
            "metrics": {"kib_per_conn_user": user, "kib_per_conn_kernel_total": kernel,
                        "fds_per_conn": fds},
            "used": window.used,
            "raw": {"before": before, "after": after, **settled},
        }

    @staticmethod
    def read(stage):
        pids = stage.relay_pids()
        kernel = measure.settled(measure.kernel_kib, NEAR)
        return [measure.user_kib(pids), kernel, measure.descriptors(pids)]


WORKS = [Memory()]
