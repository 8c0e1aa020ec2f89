#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""map.py HEADER MAP PROGRAM - the version script lists what the header declares, and the program calls all of it"""
import re
import sys


def read(path):
    with open(path, encoding="utf-8") as f:
        return re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)


def main():
    header, version_script, program = map(read, sys.argv[1:])
    declared = set(re.findall(r"^SHUNT_PUBLIC\b[^;(]*?(\w+)\s*\(", header, re.M))
    listed = set(re.findall(r"^\s*(\w+);", version_script, re.M))
    called = set(re.findall(r"\b(shunt_\w+)\s*\(", program))
    bad = not declared
    for what, names in (("the map lacks", declared - listed), ("the map lists, the header does not", listed - declared),
                        ("never called by exported.c", declared - called)):
        for name in sorted(names):
            bad = True
            print(f"{what}: {name}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
