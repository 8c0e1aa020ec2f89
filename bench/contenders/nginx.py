# SPDX-License-Identifier: BSD-2-Clause
"""nginx stream: as people run it, with a buffer of 16K; and with one of 256K."""
import glob
import os

from . import Contender, says, which, write

MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules")

CONFIG = """{load}daemon off;
pid {directory}/nginx.pid;
error_log stderr warn;
worker_processes auto;
worker_rlimit_nofile {files};
events {{ worker_connections 8192; }}
stream {{
{buffer}    server {{
        listen {listen};
        proxy_pass {target};
    }}
}}
"""


def stream_module():
    """"": it is built in; a path: it has to be loaded; None: there is none."""
    built = says([which("nginx"), "-V"], r"--with-stream(=dynamic)?(?:\s|$)")
    if built is None and says([which("nginx"), "-V"], r"(--with-stream)(?:\s|$)"):
        return ""
    for folder in MODULES:
        for path in glob.glob(f"{folder}/ngx_stream_module.so"):
            return path
    return None


class Nginx(Contender):
    most = 7000

    def __init__(self, name, label, order, buffer=""):
        self.name, self.label, self.order, self.buffer = name, label, order, buffer

    def missing(self, bench):
        if not which("nginx"):
            return "nginx is not installed"
        if stream_module() is None:
            return "nginx has no stream module here (libnginx-mod-stream)"
        return None

    def version(self, bench):
        return says([which("nginx"), "-v"], r"nginx/(\S+)")

    def command(self, bench, listen, target, directory):
        module = stream_module()
        load = f"load_module {module};\n" if module else ""
        path = write(directory, f"{self.name}.conf", CONFIG.format(
            load=load, directory=directory, files=bench.files, buffer=self.buffer,
            listen="%s:%d" % listen, target="%s:%d" % target))
        return [which("nginx"), "-p", directory, "-e", os.path.join(directory, f"{self.name}.err"),
                "-c", path]

    def settings(self):
        return "worker_processes auto; " + (self.buffer.strip(" ;\n")
                                            or "proxy_buffer_size 16k, the default")


CONTENDERS = [
    Nginx("nginx", "nginx stream", 40),
    Nginx("nginx-256k", "nginx stream, 256K buffers", 41, "    proxy_buffer_size 256k;\n"),
]
