# SPDX-License-Identifier: BSD-2-Clause
"""sums.py DEVICE... — look at the checksums of all TCP packets that leave by these devices

Says "ready", and then, when its input ends, one line of JSON: how many packets there were, those with a
payload among them, what was wrong with some (a wrong sum, a packet larger than the device's, no room
here), at most ten.
"""
import json
import select
import socket
import struct
import sys

ETH_ALL, PACKET_OUTGOING, ROOM = 3, 4, 64 << 20
SOL_PACKET, PACKET_STATISTICS, SO_RCVBUFFORCE = 263, 6, 33
LARGEST = 1514


def folded(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def look(frame):
    """(bytes of payload, what is wrong) of a frame; None: it is no TCP."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == socket.IPPROTO_TCP:
        head = (frame[14] & 15) * 4
        ip, addresses = frame[14:14 + head], frame[26:34]
        tcp = frame[14 + head:14 + int.from_bytes(frame[16:18], "big")]
        if folded(ip) != 0xFFFF:
            return 0, "the sum of the IP header"
    elif kind == b"\x86\xdd" and frame[20] == socket.IPPROTO_TCP:
        addresses = frame[22:54]
        tcp = frame[54:54 + int.from_bytes(frame[18:20], "big")]
    else:
        return None
    if len(frame) > LARGEST:
        return 0, f"{len(frame)} bytes"
    pseudo = addresses + struct.pack(">II", len(tcp), socket.IPPROTO_TCP)
    wrong = folded(pseudo + tcp) != 0xFFFF
    return len(tcp) - (tcp[12] >> 4) * 4, "the sum" if wrong else ""


def opened(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    s.bind((device, ETH_ALL))
    return s


def main(devices):
    open_now = {opened(d): d for d in devices}
    told = {"packets": 0, "payloads": 0, "wrong": []}
    kept = []
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([*open_now, sys.stdin], [], [])
        for s in ready:
            if s is sys.stdin:
                continue
            frame, (_, _, way, _, _) = s.recvfrom(65536 + 64)
            if way == PACKET_OUTGOING:
                kept.append((open_now[s], frame))
        if ready == [sys.stdin]:
            break
    for device, frame in kept:  # later: now it would be too slow
        seen = look(frame)
        if seen:
            told["packets"] += 1
            told["payloads"] += seen[0] > 0
            if seen[1]:
                told["wrong"].append(f"{device}: {seen[1]}")
    for s, device in open_now.items():
        lost = struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        if lost:
            told["wrong"].append(f"{device}: {lost} packets were missed")
    told["wrong"] = told["wrong"][:10]
    print(json.dumps(told), flush=True)


main(sys.argv[1:])
