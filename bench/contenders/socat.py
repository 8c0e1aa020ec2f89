# SPDX-License-Identifier: BSD-2-Clause
"""socat: a process for each connection, 8K at a time. Asked only about a few connections."""
from . import Contender, says, which


class Socat(Contender):
    name, label, order = "socat", "socat", 45
    most = 8

    def missing(self, bench):
        return None if which("socat") else "socat is not installed"

    def version(self, bench):
        return says([which("socat"), "-V"], r"socat version (\S+)")

    def command(self, bench, listen, target, directory):
        host, port = listen
        return [which("socat"), f"TCP-LISTEN:{port},bind={host},fork,reuseaddr,backlog=128",
                "TCP:%s:%d" % target]

    def settings(self):
        return "fork; one process for each connection"


CONTENDERS = [Socat()]
