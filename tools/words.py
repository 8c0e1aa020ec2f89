#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""words.py - what the docs and the essays name is there

    words.py [TREE]        look at a source tree (default: the one this file lies in)
    words.py --self-test   write small wrong texts and see that each is found out

Texts drift from the code they tell of. So in README.md, CONTRIBUTING.md, doc/, man/ and in every comment of our
C files it looks up
  - `way/to/file.c:function`   the file is there and defines that name (a bare `file.c` may lie in any of our folders)
  - `src/...`, `tests/...` ... every path that begins with a folder of ours; `*` stands for anything
  - `base/addr.h`              a path that begins with a floor of ours
  - `shunt_wait`               a name with our house before it: public functions and types, targets of the build
  - `make phrase`              the Makefile has it
  - [text](file)               in .md: the file is there
Paths that begin elsewhere (net/ipv4/tcp.c:tcp_splice_read) speak of other people's houses and are left alone.
"""
import glob
import os
import re
import sys
import tempfile

FLOORS = ["base", "engine", "lib", "look", "daemon", "cmd"]
FOLDERS = ["src", "include", "tests", "examples", "tools", "doc", "man", "bench", ".ci"]
MADE = ["bench/results"]  # by a run: not there in a fresh tree
PATH = r"[A-Za-z0-9_.*-]+(?:/[A-Za-z0-9_.*-]+)*"
NAMED = re.compile(r"(?<![\w./-])(" + PATH + r"\.[ch]):([A-Za-z_]\w*)")
OURS = re.compile(r"(?<![\w./<>=-])((?:" + "|".join(map(re.escape, FOLDERS + FLOORS)) + r")/" + PATH + r"/?)")
HOUSE = re.compile(r"(?<![\w./-])(shunt_[a-z0-9_]*[a-z0-9])(?![\w*/.-])")
PHRASE = re.compile(r"(?:`|^\s*\$ |^    )make ([a-z][a-z-]*)", re.M)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def files(tree, *ends):
    for top in FOLDERS:
        for folder, folders, names in os.walk(os.path.join(tree, top)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(ends):
                    yield os.path.relpath(os.path.join(folder, name), tree)


def read(tree, path):
    with open(os.path.join(tree, path), encoding="utf-8") as f:
        return f.read()


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def split_c(text):
    """(comments, code) of a C text, each with the other blanked out, so that lines keep their numbers."""
    parts = re.split(r"(/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')", text, flags=re.S)
    comments = "".join(p if p.startswith(("/*", "//")) else blank(p) for p in parts)
    code = "".join(blank(p) if p.startswith(("/*", "//")) else p for p in parts)
    return comments, code


def defines(code, name):
    """Does this C text define that name, at the left edge: a function, a table, a struct, a macro?"""
    name = re.escape(name)
    return re.search(rf"^(?!\s|#)[^;\n]*\b{name}\s*(\(|\[|=|;|\{{|$)", code, re.M) or \
        re.search(rf"^[ \t]*#[ \t]*define[ \t]+{name}\b", code, re.M) or \
        re.search(rf"^\t{name}\b\s*(,|=|$)", code, re.M)  # a name of an enum


class House:
    """The tree, and what is known of it."""

    def __init__(self, tree):
        self.tree = tree
        self.c = {path: split_c(read(tree, path)) for path in files(tree, ".c", ".h")}
        self.targets = set(re.findall(r"^([a-z][a-z-]*):", read(tree, "Makefile"), re.M)) \
            if os.path.exists(os.path.join(tree, "Makefile")) else set()
        self.names = set()
        for _, code in self.c.values():
            self.names.update(re.findall(r"\bshunt_\w+", code))
        for path in ["meson.build", *files(tree, "meson.build")]:
            if os.path.exists(os.path.join(tree, path)):
                self.names.update(re.findall(r"\bshunt_\w+", read(tree, path)))

    def find(self, path):
        """Our files of that name: told from the top, from src/, or a bare name that lies anywhere."""
        if "/" in path:
            return [p for p in (path, "src/" + path) if p in self.c]
        return [p for p in self.c if os.path.basename(p) == path]

    def exists(self, path):
        path = path.rstrip("/.,")
        if path in MADE:
            return True
        first = path.split("/")[0]
        tries = [path] if first in FOLDERS else ["src/" + path]
        if first in FLOORS and "." not in path:
            return True  # "engine/queue" may be prose: only files are looked up on floors
        return any(glob.glob(os.path.join(self.tree, t)) for t in tries)

    def texts(self):
        """(path, text) of all that is looked at."""
        for path in ["README.md", "CONTRIBUTING.md"]:
            if os.path.exists(os.path.join(self.tree, path)):
                yield path, read(self.tree, path)
        for path in files(self.tree, ".md", ".scd"):
            yield path, read(self.tree, path)
        for path, (comments, _) in self.c.items():
            yield path, comments


def check_named(house, path, text, say):
    for m in NAMED.finditer(text):
        name, function = m.groups()
        if "/" in name and name.split("/")[0] not in FOLDERS + FLOORS:
            continue
        there = house.find(name)
        if not there:
            say(path, m.start(), f"{name}:{function}: there is no file {name}")
        elif not any(defines(house.c[p][1], function) for p in there):
            say(path, m.start(), f"{name}:{function}: {there[0]} does not define {function}")


def check_paths(house, path, text, say):
    for m in OURS.finditer(text):
        if not house.exists(m.group(1)):
            say(path, m.start(), f"{m.group(1)}: there is no such file or folder")


def check_house_names(house, path, text, say):
    for m in HOUSE.finditer(text):
        if m.group(1) not in house.names:
            say(path, m.start(), f"{m.group(1)}: no code knows this name")


def check_phrases(house, path, text, say):
    if path.endswith(".md"):
        for m in PHRASE.finditer(text):
            if m.group(1) not in house.targets:
                say(path, m.start(), f"make {m.group(1)}: the Makefile has no such phrase")


def check_links(house, path, text, say):
    if path.endswith(".md"):
        for m in LINK.finditer(text):
            if ":" not in m.group(1) and \
                    not os.path.exists(os.path.join(house.tree, os.path.dirname(path), m.group(1))):
                say(path, m.start(), f"({m.group(1)}): the link leads nowhere")


def check(tree):
    house, found, looked = House(tree), [], 0
    for path, text in house.texts():
        looked += 1

        def say(where, at, what, text=text):
            found.append(f"{where}:{text.count(chr(10), 0, at) + 1}: {what}")

        for look in (check_named, check_paths, check_house_names, check_phrases, check_links):
            look(house, path, text, say)
    return found, looked


# -- the self-test: texts that are true, and one lie at a time --

SOUND = {
    "Makefile": "build:\n\ttrue\ntest-all: build\n",
    "include/shunt.h": "int shunt_wait(void);\n",
    "src/base/addr.h": "/* addr.h - see base/addr.c:parse and tests/unit */\n#define ADDR_MAX 3\n",
    "src/base/addr.c": "static int table[] = { 1 };\n"
                       "/* net/ipv4/tcp.c:tcp_splice_read is another house's */\nint parse(int x)\n{\n}\n",
    "tests/unit/addr.c": "/* asks base/addr.h */\nstatic int story(void)\n{\n\thelper();\n}\n",
    "doc/way.md": "From `src/base/addr.c:parse` (by addr.c:table, addr.h:ADDR_MAX) to `shunt_wait`: `make test-all`\n"
                  "and [the list](../Makefile), tests/*/addr.c, [web](https://x.org/src/none.c)\n",
}
WRONG = [
    ("a function that is gone", {"doc/way.md": "`base/addr.c:parse_all`"}, "does not define parse_all"),
    ("a function that is only called", {"doc/way.md": "`tests/unit/addr.c:helper`"}, "does not define helper"),
    ("a file that is gone", {"doc/way.md": "`adr.c:parse`"}, "there is no file adr.c"),
    ("a lie in an essay", {"src/base/addr.h": "/* see addr.c:gone */\n#define ADDR_MAX 3\n"}, "does not define gone"),
    ("a path that is gone", {"doc/way.md": "look into src/lib/end.c."}, "src/lib/end.c"),
    ("a star over nothing", {"doc/way.md": "tests/*/gone.c"}, "no such file"),
    ("a floor's file that is gone", {"tests/unit/addr.c": "/* engine/pipe.h */\nint helper(void);\n"}, "engine/pipe.h"),
    ("a public name that is gone", {"doc/way.md": "`shunt_poll()`"}, "no code knows"),
    ("a phrase that is gone", {"doc/way.md": "`make tea`"}, "no such phrase"),
    ("a link that leads nowhere", {"doc/way.md": "[x](gone.md)"}, "leads nowhere"),
]


def found_in(given):
    with tempfile.TemporaryDirectory() as tree:
        for path, text in given.items():
            os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
            with open(os.path.join(tree, path), "w", encoding="utf-8") as f:
                f.write(text)
        return check(tree)[0]


def self_test():
    bad = 0
    found = found_in(SOUND)
    if found:
        bad += 1
        print("true texts were blamed:", *found, sep="\n  ")
    for what, given, expect in WRONG:
        found = found_in({**SOUND, **given})
        if not any(expect in f for f in found):
            bad += 1
            print(f"not found out: {what}; expected `{expect}`, was told: {found}")
    print(f"words.py: {len(WRONG) + 1} trees, {bad} judged wrongly")
    return bad


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    found, looked = check(tree)
    for f in found:
        print(f)
    print(f"words.py: {looked} texts, {len(found)} names that lead nowhere")
    return 1 if found or not looked else 0


if __name__ == "__main__":
    sys.exit(main())
