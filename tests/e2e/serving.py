# SPDX-License-Identifier: BSD-2-Clause
"""serving.py — a daemon with one listener and one backend, and what it logs"""
import json

from actors import SHUNT, Relay


def serving(cast, folder, listen, backend, before=()):
    """A running `shunt serve` that brings all clients to this backend (a text in YAML)."""
    file = folder / "shunt.conf"
    file.write_text(f'listen: [{{address: "{listen}", default: b}}]\nbackend: {{b: {backend}}}\n'
                    "log: {format: json}\nengine: splice\n")
    s = cast.add(Relay([*before, SHUNT, "serve", "-c", str(file)], "serve"))
    s.until(lambda: len(s.listeners()) == 1, what="the listening line")
    return s


def logged(relay, msg, count=1):
    """Until so many lines say this; returns the last of them."""
    def lines():
        found = [json.loads(x) for x in relay.lines["stderr"] if f'"msg":"{msg}"' in x]
        return found[count - 1] if len(found) >= count else None
    return relay.until(lines, what=msg)
