# SPDX-License-Identifier: BSD-2-Clause
"""zone.py — a name server that knows what stands in a file, which is read for each question

    zone.py ADDRESS PORT FILE

The file is JSON: {"a.test A": ["10.0.0.1"], "_x._tcp.test SRV": ["PRIORITY WEIGHT PORT TARGET"]}. What is not in it is
not there; null instead of a list: no answer. Every record lives one second.
"""
import ipaddress
import json
import socket
import struct
import sys

TYPES = {1: "A", 28: "AAAA", 33: "SRV"}


def encode(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decode(message, at):
    labels = []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii", "replace"))
        at += 1 + message[at]
    return ".".join(labels).lower(), at + 1


def data(kind, text):
    if kind != "SRV":
        return ipaddress.ip_address(text).packed
    priority, weight, port, target = text.split()
    return struct.pack(">HHH", int(priority), int(weight), int(port)) + encode(target)


def answer(message, zone):
    """None: there is none."""
    name, at = decode(message, 12)
    number = struct.unpack_from(">H", message, at)[0]
    kind = TYPES.get(number)
    found = zone.get(f"{name} {kind}", [])
    if found is None:
        return None
    known = any(key.split()[0] == name for key in zone)
    records = [b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 1, len(d)) + d
               for d in (data(kind, text) for text in found)]
    return (message[:2] + struct.pack(">HHHHH", 0x8580 | (0 if known else 3), 1, len(records), 0, 0)
            + message[12:at + 4] + b"".join(records))


def main():
    address, port, file = sys.argv[1:]
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    print("answering", flush=True)
    while True:
        message, client = s.recvfrom(4096)
        with open(file, encoding="utf-8") as f:
            said = answer(message, json.load(f))
        if said:
            s.sendto(said, client)


if __name__ == "__main__":
    main()
