# SPDX-License-Identifier: BSD-2-Clause
"""services.py — small servers and clients for stories of `shunt serve`, in the story's own process

A service says its name, as soon as it is told something, and then all that it is told: so a client knows
who got it, and that not a byte was changed.
"""
import socket
import struct
import threading
import time

from actors import PATIENCE
from ports import free_port

RESET = b"(reset)"


def split(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def reset(sock):
    """Close it by a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Service:
    def __init__(self, name, greets=False):
        self.name = name.encode() + b"\n"
        self.greets = greets  # it speaks first
        self.heard = []       # what came, by connection
        self.socket = None
        self.address = f"127.0.0.1:{free_port()}"  # it may stop, and come back there
        self.start()

    def start(self):
        """Listen; again, at the same address, once it was stopped."""
        self.socket = socket.create_server(split(self.address), backlog=1024)
        threading.Thread(target=self.take, args=(self.socket,), daemon=True).start()

    def stop(self):
        if self.socket:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            self.socket.close()
        self.socket = None

    def take(self, listener):
        try:
            while True:
                threading.Thread(target=self.talk, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def talk(self, c):
        mine = bytearray()
        self.heard.append(mine)
        try:
            if self.greets:
                c.sendall(self.name)
            while part := c.recv(65536):
                if not mine and not self.greets:
                    c.sendall(self.name)
                mine += part
                c.sendall(part)
        except OSError:
            pass
        c.close()

    def says(self, data):
        """What a client gets who says this."""
        return self.name + data


def read_all(c):
    """What comes until the end, or RESET if it is none."""
    got = bytearray()
    try:
        while part := c.recv(65536):
            got += part
    except ConnectionResetError:
        return bytes(got) + RESET
    return bytes(got)


def take(c, count):
    """So many bytes, or fewer if that was all."""
    got = b""
    while len(got) < count and (part := c.recv(count - len(got))):
        got += part
    return got


def dial(address, seconds=PATIENCE):
    c = socket.create_connection(split(address), timeout=seconds)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return c


def ask(address, *pieces, pause=0.0):
    """Say these pieces, with a pause between them, and finish. Returns the whole answer."""
    try:
        c = dial(address)
    except ConnectionResetError:  # as soon as it was made
        return RESET
    with c:
        def say():
            try:
                for piece in pieces:
                    c.sendall(piece)
                    if pause:
                        time.sleep(pause)
                c.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the answer tells
        speaker = threading.Thread(target=say)
        speaker.start()
        answer = read_all(c)
        speaker.join()
        return answer


class Load:
    """Clients that come one after the other in some threads, each with a word of its own, until end()."""

    def __init__(self, address, service_names, threads=6):
        self.address, self.names = address, [n.encode() + b"\n" for n in service_names]
        self.right, self.wrong, self.longest = 0, [], 0.0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.come, args=(i,)) for i in range(threads)]
        for t in self.threads:
            t.start()

    def come(self, number):
        turn = 0
        while not self.over.is_set():
            turn += 1
            word = b"word %d of %d, " % (turn, number) * 20
            began = time.monotonic()
            try:
                answer = ask(self.address, word)
            except OSError as e:
                answer = repr(e).encode()
            took = time.monotonic() - began
            with self.lock:
                self.longest = max(self.longest, took)
                if answer in [name + word for name in self.names]:
                    self.right += 1
                else:
                    self.wrong.append(answer[:200])

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join()
        return self
