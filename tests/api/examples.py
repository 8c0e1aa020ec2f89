#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""examples.py relay|split PROGRAM - an example does what its first lines say, with every byte at its place"""
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time

LATE = 30


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(process, port):
    """Asked of the kernel: a connection to try it would be one that the example counts."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        fields = [line.split() for line in f]
    wanted = {f"socket:[{f[9]}]" for f in fields if f[1] == f"0100007F:{port:04X}" and f[3] == "0A"}
    fds = f"/proc/{process.pid}/fd"
    try:
        return any(os.readlink(f"{fds}/{fd}") in wanted for fd in os.listdir(fds))
    except FileNotFoundError:  # it has just ended, or a descriptor is closed
        return False


def start(program, *args):
    """The example, listening: (process, port). Somebody may take a port that was free a moment ago; then another."""
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen([program, str(port), *map(str, args)], stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + LATE
        while process.poll() is None and time.monotonic() < until:
            if listens(process, port):
                return process, port
            time.sleep(0.02)
        process.kill()
        process.wait()
    sys.exit("the example does not listen")


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), LATE)
    s.settimeout(LATE)
    return s


def read_all(s, pause=0.0, got=None):
    got = bytearray() if got is None else got
    while piece := s.recv(1 << 16):
        got += piece
        time.sleep(pause)
    return bytes(got)


def digest(data):
    return len(data), hashlib.sha256(data).hexdigest()


def serve_answers(listener, answer, questions):
    """Each question, read to its end, is answered."""
    while True:
        try:
            s, _ = listener.accept()
        except OSError:
            return
        with s:
            s.settimeout(LATE)
            questions.append(digest(read_all(s)))
            s.sendall(answer)


def try_relay(program):
    answer, question = random.randbytes(5_000_000), random.randbytes(3_000_000)
    questions = []
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_answers, args=(listener, answer, questions), daemon=True).start()
    process, port = start(program, listener.getsockname()[1])
    try:
        for data in b"", b"a short question", question:
            with connect(port) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                assert digest(read_all(s)) == digest(answer)
            assert digest(data) in questions
        # no server any more: the client is told, and the relay lives on
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which would keep it open
        listener.close()
        for _ in range(3):
            try:
                with connect(port) as s:
                    assert s.recv(1) == b""
            except ConnectionResetError:
                pass
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def try_split(program):
    data = random.randbytes(8_000_000)
    process, port = start(program)
    try:
        source = connect(port)
        outs = [connect(port) for _ in range(5)]
        got = [None] * len(outs)

        def listen_to(i):
            got[i] = read_all(outs[i], 0.002 if i == 0 else 0)  # the first is slow

        threads = [threading.Thread(target=listen_to, args=(i,)) for i in range(len(outs))]
        ready = [False] * len(outs)
        for i, s in enumerate(outs):
            s.setblocking(False)
        until = time.monotonic() + LATE
        while not all(ready):
            assert time.monotonic() < until
            source.sendall(b"T")
            time.sleep(0.01)
            for i, s in enumerate(outs):
                try:
                    ready[i] = ready[i] or s.recv(1) == b"T"
                except BlockingIOError:
                    pass
        for s in outs:
            s.setblocking(True)
            s.settimeout(LATE)
        for t in threads:
            t.start()
        source.sendall(b"\0" + data)
        source.shutdown(socket.SHUT_WR)
        assert source.recv(1) == b""
        for t in threads:
            t.join(LATE)
        for one in got:
            ticks, _, rest = one.partition(b"\0")
            assert set(ticks) <= {ord("T")}
            assert digest(rest) == digest(data)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def try_split_behind(program):
    """Who is too far behind is reset; the others get all, at their own pace."""
    data = random.randbytes(30_000_000)
    process, port = start(program, 1_000_000)
    try:
        source = connect(port)
        slow, quick = connect(port), connect(port)
        got = bytearray()
        for s in slow, quick:
            s.settimeout(0.01)
        until, ready = time.monotonic() + LATE, set()
        while len(ready) < 2:
            assert time.monotonic() < until
            source.sendall(b"T")
            for s in slow, quick:
                try:
                    assert s.recv(1) == b"T"
                    ready.add(s)
                except TimeoutError:
                    pass
        quick.settimeout(LATE)
        reader = threading.Thread(target=read_all, args=(quick, 0, got))
        reader.start()
        source.sendall(b"\0")
        for at in range(0, len(data), 100_000):
            until = time.monotonic() + LATE
            while at - len(got) > 500_000:  # the quick one is never far behind
                assert time.monotonic() < until
                time.sleep(0.001)
            source.sendall(data[at:at + 100_000])
        source.shutdown(socket.SHUT_WR)
        reader.join(LATE)
        assert digest(bytes(got).partition(b"\0")[2]) == digest(data)
        slow.settimeout(LATE)
        try:
            read_all(slow)
            sys.exit("the slow one was not told that it does not have all")
        except ConnectionResetError:
            pass
    finally:
        process.kill()
        process.communicate()


def main():
    name, program = sys.argv[1:]
    random.seed(1)
    for story in {"relay": [try_relay], "split": [try_split, try_split_behind]}[name]:
        story(program)
        print(f"{name}: {story.__name__} is fine")


if __name__ == "__main__":
    main()
