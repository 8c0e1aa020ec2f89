#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""door_test.py PROGRAM - the example of shunt(3) does what it says

Two services stand behind the door; each answers with its name and what it was sent. A request that comes in one
piece, one that comes in crumbs, one that is shorter than the head that is looked at, one that says nothing, and one
whose service is not there."""
import socket
import subprocess
import sys
import threading
import time


def service(name):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(c):
        data = b""
        while part := c.recv(65536):
            data += part
        c.sendall(name + b":" + data)
        c.close()

    def serve():
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def connect(port):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.02)
    sys.exit("door_test: nobody listens")


def ask(port, *pieces):
    with connect(port) as c:
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(0.05)
            c.sendall(piece)
        c.shutdown(socket.SHUT_WR)
        data = b""
        try:
            while part := c.recv(65536):
                data += part
        except ConnectionResetError:
            return "reset"
        return data


def stories(program, web, other):
    port = free_port()
    door = subprocess.Popen([program, str(port), str(web), str(other)])
    big = b"POST " + bytes(range(256)) * 4000
    wrong = []

    def expect(what, got, wanted):
        if got != wanted:
            wrong.append(f"{what}: {got[:80]!r} instead of {wanted[:80]!r}")

    try:
        expect("one piece", ask(port, b"GET / now"), b"web:GET / now")
        expect("crumbs", ask(port, b"G", b"E", b"T", b" ", b"x"), b"web:GET x")
        expect("much", ask(port, big), b"web:" + big)
        expect("other", ask(port, b"SSH-2.0"), b"other:SSH-2.0")
        expect("short", ask(port, b"GE"), b"other:GE")
        expect("nothing", ask(port), b"")
        if door.poll() is not None:
            wrong.append(f"the program has left with {door.returncode}")
    finally:
        door.kill()
        door.wait()
    return wrong


def main():
    web = service(b"web")
    wrong = stories(sys.argv[1], web, service(b"other"))
    port = free_port()
    door = subprocess.Popen([sys.argv[1], str(port), str(web), str(free_port())])
    try:
        got = ask(port, b"SSH-2.0")
        if got != "reset":
            wrong.append(f"no service: {got!r} instead of a reset")
        if ask(port, b"GET 1") != b"web:GET 1":
            wrong.append("after a service that was not there, the other one does not answer")
    finally:
        door.kill()
        door.wait()
    print(*wrong or ["door: all answers were right"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
