# SPDX-License-Identifier: BSD-2-Clause
"""Icecast: what is used for this today, by HTTP. Its queue is as long as ours; listeners that are behind further than
that are dropped."""
import base64

from . import Contender, says, which, write

CONFIG = """<icecast>
  <limits><clients>4000</clients><sources>2</sources><queue-size>8388608</queue-size>
    <client-timeout>60</client-timeout><header-timeout>15</header-timeout><source-timeout>60</source-timeout>
    <burst-size>0</burst-size></limits>
  <authentication><source-password>bench</source-password><admin-user>admin</admin-user>
    <admin-password>bench</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>{host}</bind-address></listen-socket>
  <fileserve>0</fileserve>
  <paths><basedir>{directory}</basedir><logdir>{directory}</logdir><webroot>{directory}</webroot>
    <adminroot>{directory}</adminroot></paths>
  <logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>2</loglevel></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>
"""
OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
WORD = base64.b64encode(b"source:bench").decode()


class Icecast(Contender):
    name, label, order = "icecast", "Icecast", 62
    most = 100  # it listens with a backlog of five: more of them at once take minutes to come in
    source_says = (f"SOURCE /live HTTP/1.0\r\nAuthorization: Basic {WORD}\r\n"
                   "Content-Type: audio/mpeg\r\nice-public: 0\r\n\r\n")
    listener_says = "GET /live HTTP/1.0\r\nHost: bench\r\n\r\n"

    def missing(self, bench):
        return None if which("icecast2") else "icecast2 is not installed"

    def version(self, bench):
        return says([which("icecast2"), "-v"], r"(\d+\.\d+\S*)")

    def split(self, bench, source, listen, directory, wait):
        import os
        owner = "" if os.geteuid() else OWNER
        path = write(directory, "icecast.xml", CONFIG.format(
            host=listen[0], port=listen[1], directory=directory, owner=owner))
        return [which("icecast2"), "-c", path]

    def settings(self):
        return "queue-size 8M, burst-size 0"


CONTENDERS = [Icecast()]
