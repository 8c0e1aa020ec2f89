# SPDX-License-Identifier: BSD-2-Clause
"""No relay: packets are forwarded, and connections go from source to sink. The limit of what a
relay can reach, and what is taken off the others' cost."""
from . import Contender


class Floor(Contender):
    name, label, order = "floor", "IP forwarding (the floor)", 0
    processes = False

    def missing(self, bench):
        if bench.place.has_floor:
            return None
        return "there is nothing to forward between on the loopback"

    def settings(self):
        return "net.ipv4.ip_forward"


CONTENDERS = [Floor()]
