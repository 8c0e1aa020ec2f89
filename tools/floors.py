#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""floors.py - the house stands: includes go down or stay on their floor, never up, never round

    floors.py [TREE]        look at a source tree (default: the one this file lies in)
    floors.py --self-test   build small wrong houses and see that each is found out

What it holds to be true:
  - under src/ every file stands on a floor, and a name is there once (x.c and x.h are one room)
  - an include in quotes carries its floor ("base/addr.h") and that file exists; "shunt.h" alone has none
  - a room knows rooms of its own floor and of those below, no room above
  - no room knows itself by way of others: the rooms of a floor can be read one after the other
  - src/ and include/ know nothing of tests/; the public header knows only the system's
  - examples/ know only the public header
"""
import os
import re
import sys
import tempfile

FLOORS = ["base", "engine", "lib", "look", "daemon", "cmd"]  # from the ground up
PUBLIC = "shunt.h"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.M)


def sources(tree, top):
    """Each C file below TREE/TOP, told from TREE."""
    for folder, folders, files in os.walk(os.path.join(tree, top)):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), tree)


def includes(tree, path):
    """(line, name, quoted) of each include of a file, those in comments left out."""
    with open(os.path.join(tree, path), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for m in INCLUDE.finditer(text):
        yield text.count("\n", 0, m.start(1 if m.group(1) is not None else 2)) + 1, m.group(1) or m.group(2), \
            m.group(1) is not None


def room(path):
    """src/base/addr.c -> base/addr; src/engine/graft.bpf.c -> engine/graft"""
    folder, name = os.path.split(path[len("src/"):])
    return folder + "/" + name.split(".")[0]


def check_names(tree, found):
    seen = {}
    for path in sources(tree, "src"):
        parts = path.split("/")
        if len(parts) != 3 or parts[1] not in FLOORS:
            found.append(f"{path}: stands on no floor; the floors are {', '.join('src/' + f for f in FLOORS)}")
            continue
        other = seen.setdefault(room(path).split("/")[1], room(path))
        if other != room(path):
            found.append(f"{path}: the name is taken by src/{other}; a name under src/ is one room")


def check_include(tree, path, line, name, quoted, found):
    """One include under src/. Returns the room it leads to, or None."""
    where = f"{path}:{line}"
    floor, slash, rest = name.partition("/")
    if not quoted:
        if slash and floor in FLOORS and os.path.exists(os.path.join(tree, "src", name)):
            found.append(f'{where}: <{name}> is ours, write "{name}"')
        return None
    if name == PUBLIC:
        return None
    if ".." in name.split("/") or floor == "tests":
        found.append(f'{where}: "{name}" leads out of src/')
    elif not slash:
        found.append(f'{where}: "{name}" does not carry its floor')
    elif floor not in FLOORS:
        found.append(f'{where}: "{name}" is on no floor of ours')
    elif not name.endswith(".h"):
        found.append(f'{where}: "{name}" is not a header')
    elif not os.path.exists(os.path.join(tree, "src", name)):
        found.append(f'{where}: "{name}" does not exist')
    elif FLOORS.index(floor) > FLOORS.index(path.split("/")[1]):
        found.append(f'{where}: "{name}" goes up, from {path.split("/")[1]} to {floor}')
    else:
        return room("src/" + name)
    return None


def graph(tree, found):
    """room -> {room it knows: where it says so}; says on the way which includes are wrong in themselves."""
    knows = {}
    for path in sources(tree, "src"):
        parts = path.split("/")
        if len(parts) != 3 or parts[1] not in FLOORS:
            continue
        here = knows.setdefault(room(path), {})
        for line, name, quoted in includes(tree, path):
            there = check_include(tree, path, line, name, quoted, found)
            if there and there != room(path):
                here.setdefault(there, f"{path}:{line}")
    return knows


def circle(knows):
    """The rooms of one circle in order, or None. Rooms seen to be free of circles are left out of `knows`."""
    while True:
        leaf = next((r for r in knows if not any(n in knows for n in knows[r])), None)
        if leaf is None:
            break
        del knows[leaf]
    if not knows:
        return None
    road = [min(knows)]
    while True:
        step = min(n for n in knows[road[-1]] if n in knows)
        if step in road:
            return road[road.index(step):]
        road.append(step)


def check_circles(knows, found):
    while True:
        road = circle(knows)
        if not road:
            return
        steps = [f"{knows[a][b]} leads from {a} to {b}" for a, b in zip(road, road[1:] + road[:1])]
        found.append("a circle: " + " -> ".join(road + road[:1]) + "\n    " + "\n    ".join(steps))
        del knows[road[-1]][road[0]]  # cut here, look for the next


def check_outside(tree, found):
    for path in sources(tree, "include"):
        for line, name, quoted in includes(tree, path):
            if quoted:
                found.append(f'{path}:{line}: "{name}": the public header knows only the system\'s')
    for path in sources(tree, "examples"):
        for line, name, quoted in includes(tree, path):
            if (quoted and name != PUBLIC) or name.split("/")[0] in FLOORS:
                found.append(f'{path}:{line}: "{name}": an example has the public header and no more')


def check(tree):
    found = []
    check_names(tree, found)
    check_circles(graph(tree, found), found)
    check_outside(tree, found)
    return found


# -- the self-test: a house that stands, and the same with one thing wrong at a time --

SOUND = {
    "include/shunt.h": "#include <stddef.h>\n",
    "src/base/addr.h": "",
    "src/base/addr.c": '#include "base/addr.h"\n#include <stdio.h>\n',
    "src/base/log.h": '#include "base/addr.h"\n',
    "src/engine/pipe.h": '#include "base/log.h"\n#include "shunt.h"\n',
    "src/engine/pipe.c": '#include "engine/pipe.h"\n/*\n#include "cmd/main.h"\n*/\n',
    "src/cmd/main.c": '#include "engine/pipe.h"\n',
    "examples/relay.c": "#include <shunt.h>\n",
    "tests/unit/pipe.c": '#include "engine/pipe.h"\n',
}
WRONG = [
    ("an upward include", {"src/base/log.h": '#include "engine/pipe.h"\n'}, "goes up, from base to engine"),
    ("one with blanks in it", {"src/base/addr.c": ' #  include\t"cmd/main.h"\n', "src/cmd/main.h": ""}, "goes up"),
    ("a circle of two headers", {"src/base/addr.h": '#include "base/log.h"\n'}, "a circle: base/addr -> base/log"),
    ("a circle by way of a .c file", {"src/base/addr.c": '#include "base/log.h"\n'}, "a circle: base/addr"),
    ("a circle of three", {"src/base/list.h": '#include "base/log.h"\n',
                           "src/base/addr.h": '#include "base/list.h"\n'},
     "base/addr -> base/list -> base/log -> base/addr"),
    ("a missing floor", {"src/engine/pipe.c": '#include "pipe.h"\n'}, "does not carry its floor"),
    ("a floor that is none", {"src/engine/pipe.c": '#include "attic/pipe.h"\n'}, "on no floor of ours"),
    ("a file that is not there", {"src/engine/pipe.c": '#include "base/adr.h"\n'}, "does not exist"),
    ("an included .c file", {"src/engine/pipe.c": '#include "base/addr.c"\n'}, "is not a header"),
    ("angle brackets round our own", {"src/engine/pipe.c": "#include <base/addr.h>\n"}, "is ours"),
    ("a name that is taken", {"src/cmd/addr.c": ""}, "the name is taken by src/base/addr"),
    ("a file beside the floors", {"src/util.c": ""}, "stands on no floor"),
    ("a room below a floor", {"src/base/deep/x.c": ""}, "stands on no floor"),
    ("src that knows tests", {"src/engine/pipe.c": '#include "../../tests/peer.h"\n'}, "leads out of src/"),
    ("src that knows tests by name", {"src/engine/pipe.c": '#include "tests/peer.h"\n'}, "leads out of src/"),
    ("a public header that knows us", {"include/shunt.h": '#include "base/addr.h"\n'}, "knows only the system's"),
    ("an example that looks inside", {"examples/relay.c": '#include "base/addr.h"\n'}, "an example has the public"),
]


def found_in(files):
    with tempfile.TemporaryDirectory() as tree:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
            with open(os.path.join(tree, path), "w", encoding="utf-8") as f:
                f.write(text)
        return check(tree)


def self_test():
    bad = 0
    found = found_in(SOUND)
    if found:
        bad += 1
        print("a sound house was blamed:", *found, sep="\n  ")
    for what, files, say in WRONG:
        found = found_in({**SOUND, **files})
        if not any(say in f for f in found):
            bad += 1
            print(f"not found out: {what}; expected `{say}`, was told: {found}")
        elif len(found) > 1:
            bad += 1
            print(f"{what}: one thing is wrong and {len(found)} were told: {found}")
    print(f"floors.py: {len(WRONG) + 1} houses, {bad} judged wrongly")
    return bad


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    files = list(sources(tree, "src"))
    if not files:
        print(f"floors.py: no C file under {tree}/src")
        return 1
    found = check(tree)
    for f in found:
        print(f)
    print(f"floors.py: {len(files)} files under src/, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
