# SPDX-License-Identifier: BSD-2-Clause
"""forge.py HOST:PORT DEVICE — a client of an echo that forges a reset of its own connection

It plays ping-pong, sends a reset one byte beyond the one that is waited for (a receiver of RFC 5961 does
not believe it), says "forged", plays on for three seconds, ends in order and tells what it sent.
"""
import json
import socket
import struct
import sys
import time

ETH_ALL, ETH_IP, RST = 3, b"\x08\x00", 4


def next_seq(sniffer, ours):
    """The seq after the last packet of ours that left."""
    seq = None
    sniffer.settimeout(0.2)
    try:
        while True:
            frame = sniffer.recv(65600)
            ip, tcp = frame[14:34], frame[34:]
            if frame[12:14] == ETH_IP and ip[9] == socket.IPPROTO_TCP and tcp[:2] == ours:
                length = int.from_bytes(ip[2:4], "big") - 20 - (tcp[12] >> 4) * 4
                seq = int.from_bytes(tcp[4:8], "big") + length
    except TimeoutError:
        return seq


def folded(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def reset(s, seq):
    (us, our_port), (them, port) = s.getsockname(), s.getpeername()
    addresses = socket.inet_aton(us) + socket.inet_aton(them)
    tcp = struct.pack(">HHIIBBHHH", our_port, port, seq & 0xFFFFFFFF, 0, 5 << 4, RST, 0, 0, 0)
    total = folded(addresses + struct.pack(">II", len(tcp), socket.IPPROTO_TCP) + tcp)
    tcp = tcp[:16] + struct.pack(">H", ~total & 0xFFFF) + tcp[18:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.sendto(tcp, (them, 0))


def main(address, device):
    host, port = address.rsplit(":", 1)
    s = socket.create_connection((host, int(port)))
    s.settimeout(10)
    sent = 0

    def ping(seconds):
        nonlocal sent
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            s.sendall(b"x" * 100)
            got = b""
            while len(got) < 100:
                more = s.recv(100 - len(got))
                if not more:
                    sys.exit("it ended")
                got += more
            sent += 100
            time.sleep(0.05)

    ping(1)
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
    sniffer.bind((device, ETH_ALL))
    ping(0.2)
    seq = next_seq(sniffer, struct.pack(">H", s.getsockname()[1]))
    reset(s, seq + 1)
    print("forged", flush=True)
    ping(3)
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b""
    print(json.dumps({"sent": sent}), flush=True)


main(*sys.argv[1:])
