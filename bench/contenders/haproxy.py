# SPDX-License-Identifier: BSD-2-Clause
"""HAProxy in TCP mode: as people run it, which copies in 16K; and with splicing, which takes three
options and, to be at its best, a tunable. maxconn is the only other setting: what it chooses by
itself from the limit of descriptors leaves no room for pipes."""
from . import Contender, says, which, write

MAXCONN = 4000

CONFIG = """global
    maxconn {maxconn}
{tunables}
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
{options}
listen relay
    bind {listen}
    server sink {target}
"""
SPLICE = "    option splice-auto\n    option splice-request\n    option splice-response\n"
PIPES = "    tune.pipesize 1048576\n"


class HAProxy(Contender):
    most = MAXCONN - 100

    def __init__(self, name, label, order, tunables="", options=""):
        self.name, self.label, self.order = name, label, order
        self.tunables, self.options = tunables, options

    def missing(self, bench):
        return None if which("haproxy") else "haproxy is not installed"

    def version(self, bench):
        return says([which("haproxy"), "-v"], r"version (\S+)")

    def command(self, bench, listen, target, directory):
        path = write(directory, f"{self.name}.cfg", CONFIG.format(
            maxconn=MAXCONN, tunables=self.tunables, options=self.options,
            listen="%s:%d" % listen, target="%s:%d" % target))
        return [which("haproxy"), "-db", "-q", "-f", path]

    def settings(self):
        text = f"maxconn {MAXCONN}; a thread for each CPU; " + self.tunables + self.options
        return "; ".join(t.strip() for t in text.replace("\n", ";").split(";") if t.strip())


CONTENDERS = [
    HAProxy("haproxy", "HAProxy", 30),
    HAProxy("haproxy-splice", "HAProxy, splice, 1M pipes", 31, PIPES, SPLICE),
]
