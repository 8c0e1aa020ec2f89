#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""exports.py NM HEADER LIBRARY... - a library shows what its header declares, all of it and no more

For libshunt.so that is the version script's doing, for libshunt.a that inner names were made local: a program may
have functions of the same names, and link it.
"""
import re
import subprocess
import sys


def declared(header):
    with open(header, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
    return set(re.findall(r"^SHUNT_PUBLIC\b[^;(]*?(\w+)\s*\(", text, re.M))


def shown(nm, library):
    dynamic = ["-D"] if library.endswith(".so") else []
    out = subprocess.run([nm, *dynamic, "-g", "--defined-only", "--format=posix", library],
                         check=True, capture_output=True, text=True).stdout
    fields = [line.split() for line in out.splitlines() if not line.endswith(":")]
    return {f[0].split("@")[0] for f in fields if len(f) > 1 and f[1] != "A"}


def main():
    nm, header, *libraries = sys.argv[1:]
    want = declared(header)
    bad = 0 if want and libraries else 1
    for library in libraries:
        have = shown(nm, library)
        # What a sanitizer adds to an object begins with two underscores, which no name of a program does.
        for name in sorted(n for n in have - want if not n.startswith("__")):
            bad += 1
            print(f"{library}: shows {name}, which {header} does not declare")
        for name in sorted(want - have):
            bad += 1
            print(f"{library}: lacks {name}")
    print(f"exports.py: {len(want)} names in {len(libraries)} libraries, {bad} faults")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
