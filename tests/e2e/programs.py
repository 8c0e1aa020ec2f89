# SPDX-License-Identifier: BSD-2-Clause
"""programs.py — real servers that stand behind `shunt serve`, each with its files in a folder of the story"""
import getpass
import hashlib
import os
import pwd
import random
import socket
import subprocess
import time

import pytest

from actors import PATIENCE
from ports import free_port
from services import split

NGINX = """
daemon off; master_process off; worker_processes 1;
error_log {dir}/error.log warn; pid {dir}/pid;
{modules}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on;
    client_body_temp_path {dir}/1; proxy_temp_path {dir}/2; fastcgi_temp_path {dir}/3;
    uwsgi_temp_path {dir}/4; scgi_temp_path {dir}/5;
    {http}
}}
{more}
"""
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
HAPROXY = """
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
"""
SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {dir}/host
AuthorizedKeysFile {dir}/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""


def answers(child, address):
    """Until somebody listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(split(address), timeout=1).close()
            return address
        except OSError:
            assert time.monotonic() < deadline and child.proc.poll() is None, \
                f"{child.name} does not listen\n{child.text('stdout')}\n{child.text()}"
            time.sleep(0.02)


def certificate(folder, name):
    """For this name; (certificate, key)."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def file_of(folder, name, size):
    """A file of noise; its sha256."""
    body = random.Random(name).randbytes(size)
    (folder / name).write_bytes(body)
    return hashlib.sha256(body).hexdigest()


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def nginx(cast, folder, address, http, more="", prefix=()):
    """nginx with these servers, up when `address` answers (None: nobody is asked)."""
    modules = f"load_module {STREAM};" if "stream {" in more and os.path.exists(STREAM) else ""
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder, http=http, more=more, modules=modules))
    child = cast.run([*prefix, "/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"),
                      "-e", str(folder / "error.log")], "nginx")
    if address:
        answers(child, address)
    return child


def haproxy(cast, folder, address, text):
    (folder / "haproxy.cfg").write_text(HAPROXY + text)
    child = cast.run(["/usr/sbin/haproxy", "-db", "-q", "-f", str(folder / "haproxy.cfg")], "haproxy")
    answers(child, address)
    return child


def sshd(cast, folder):
    """An sshd that hands out files. Its address, and what a client has to say to get in."""
    if pwd.getpwuid(os.getuid()).pw_shell.endswith(("nologin", "false")):
        pytest.skip("this user's account is locked, and sshd lets in none that is")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # it wants an empty folder to lock itself in
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    port = free_port()
    (folder / "sshd.conf").write_text(SSHD.format(dir=folder, port=port))
    (folder / "known").write_text("* " + (folder / "host.pub").read_text())
    child = cast.run(["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd.conf")], "sshd")
    options = [f"UserKnownHostsFile={folder}/known", "GlobalKnownHostsFile=none", "BatchMode=yes",
               "StrictHostKeyChecking=yes", f"IdentityFile={folder}/user", "IdentitiesOnly=yes"]
    words = ["-F", "none", *(word for o in options for word in ("-o", o))]
    return answers(child, f"127.0.0.1:{port}"), words, getpass.getuser()
