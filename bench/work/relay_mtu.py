# SPDX-License-Identifier: BSD-2-Clause
"""relay-mtu: bulk over 8 connections, when packets come in the size of the wire's

A host beside us, or a network card that merges what arrives, hands over packets of 64 KB: that is
what `relay` has. Else the receiving kernel merges those of 1500 bytes ("gro"). Where nobody
does ("plain"), each of them is work: a relay with sockets makes large ones of them again, and one that
passes packets on cannot.
"""
from . import Case, Work
from .relay import METRICS, figures, flow

CONNECTIONS = 8
KINDS = (("gro", "packets of 1500 bytes, GRO", True),
         ("plain", "packets of 1500 bytes, no GRO", False))


class RelayMTU(Work):
    name, order = "relay-mtu", 15
    contenders = ("floor", "graft", "splice", "haproxy-splice")
    metrics = METRICS

    def impossible(self, place):
        if not place.has_wires:
            return "there are no wires on the loopback"
        return None

    def cases(self, settings):
        if settings.quick:
            return
        for short, title, merged in KINDS:
            yield Case(f"relay-mtu-{short}", title, CONNECTIONS,
                       settings.window + settings.warm + 0.5,
                       {"window": settings.window, "merged": merged}, rounds=2)

    def sample(self, stage, contender, case):
        stage.enter_context(stage.bench.place.small_packets(case.what["merged"]))
        arrived, window, raw = flow(stage, case, "--how", stage.settings.how)
        return {"metrics": figures(arrived, window.used), "used": window.used, "raw": raw}


WORKS = [RelayMTU()]
