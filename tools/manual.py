#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""manual.py - the manual says what the code says

    manual.py --fill PAGE WHY_H [SOURCE...]   print a page with its @marks@ filled in: @reasons@ is the table of why.h's
                                              WHY_LIST, @door.c@ is that source,
                                              @keys.scd@ that text, which is scdoc's already;
                                              @x.h:LIST@ the table of that list of the source x.h
    manual.py --pages TREE                    shunt.3 has each prototype and each SHUNT_ name of shunt.h, and no other;
                                              README.md quotes examples/relay.c as it is; doc/promises.md names each
                                              file of tests/promise/ beside its promise; doc/graft.md has each
                                              row of the lists that it tells of, and no other
    manual.py --options PROGRAM MAN_FOLDER    shunt-X.1 (or .8) has each option that `shunt X --help` tells, with its
                                              letter, its argument and its default, and no other
    manual.py --self-test                     small wrong texts, and that each is found out
"""
import glob
import os
import re
import subprocess
import sys

# -- what is told, and what is so --


def reasons(header, name="WHY_LIST"):
    """(text, explanation) of each X(NAME, "text", "explanation") of a list."""
    body = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*\n)", header).group(1).replace("\\\n", "\n")
    found = re.findall(r'X\(\s*[A-Z_0-9]+,\s*"([^"]*)",\s*"([^"]*)"\s*\)', body)
    if not found or len(found) != body.count("X("):
        sys.exit(f"manual.py: cannot read {name}")
    return found


def table(rows):
    return "".join(f"|  {text}\n:  {explanation}\n" for text, explanation in rows)


def fill(page, header, sources):
    page = page.replace("@reasons@\n", table(reasons(header)))
    page = re.sub(r"^@([\w.]+\.h):([A-Z_]+)@\n",
                  lambda m: table(reasons(sources[m.group(1)], m.group(2))) if m.group(1) in sources else m.group(),
                  page, flags=re.M)
    for name, text in sources.items():
        shown = text if name.endswith(".scd") else \
            re.sub(r"^/\* SPDX.*\n", "", text).expandtabs(4).replace("\\", "\\\\")
        page = page.replace(f"@{name}@\n", shown)
    left = re.search(r"^@.*@$", page, re.M)
    if left:
        sys.exit(f"manual.py: nothing to fill in for {left.group()}")
    return page


def flat(prototype):
    return re.sub(r"\s*([*(),;])\s*", r"\1", re.sub(r"\s+", " ", prototype)).strip()


def header_prototypes(header):
    return {flat(p) for p in re.findall(r"^SHUNT_PUBLIC\s+([^;{]*\);)", header, re.M)}


def page_prototypes(page):
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.M | re.S)
    found = set()
    for block in blocks:
        found |= {flat(p) for p in re.findall(r"^[a-z][^;{}]*\bshunt_\w+\([^;{}]*\);", block, re.M)}
    return found


def no_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def header_names(header):
    code = no_comments(header)
    names = set(re.findall(r"^\t(SHUNT_[A-Z_]+)", code, re.M)) | set(re.findall(r"#define (SHUNT_[A-Z_]+)", code))
    return names - {"SHUNT_H", "SHUNT_PUBLIC", "SHUNT_WHYS", "SHUNT_ENGINES", "SHUNT_WHY_NONE"}


def page_names(page):
    return set(re.findall(r"\bSHUNT_[A-Z_]+\b", page))


def differences(what, is_so, is_told):
    return [f"{what}: not told: {x}" for x in sorted(is_so - is_told)] + \
        [f"{what}: told, but not so: {x}" for x in sorted(is_told - is_so)]


def check_library(header, page):
    wrong = differences("shunt.3", header_prototypes(header), page_prototypes(page))
    return wrong + differences("shunt.3", header_names(header), page_names(page) - {"SHUNT_H"})


def check_quote(readme, example):
    """The README's block of C that begins as the example does is the example."""
    for block in re.findall(r"^```c\n(.*?)^```$", readme, re.M | re.S):
        if block == example:
            return []
    return ["README.md: does not quote examples/relay.c as it is"]


def check_promises(doc, tests):
    """Each test that begins with E1: ... stands in the row of E1."""
    wrong = []
    for name, text in sorted(tests.items()):
        m = re.search(r"^/\* (E\d+): ", text, re.M)
        row = re.search(rf"^\| {m.group(1)} \|.*$", doc, re.M) if m else None
        if m and (not row or f"`tests/promise/{name}`" not in row.group()):
            wrong.append(f"doc/promises.md: the row of {m.group(1)} does not name tests/promise/{name}")
    return wrong


def check_table(what, doc, header, name):
    """The doc has each row of the list, as | `text` | explanation |; and the table under <!-- NAME --> no other."""
    section = re.search(rf"^<!-- {name} -->\n((?:.*\n)*?)(?:\n|\Z)", doc, re.M)
    is_told = re.findall(r"^\| `([^`]*)` \| (.*?) \|$", section.group(1), re.M) if section else []
    return differences(f"{what}: {name}", {": ".join(r) for r in reasons(header, name)}, {": ".join(r) for r in is_told})


def one_default(values):
    return ", ".join(sorted(values)) or None


def help_options(text):
    """{--name: (letter, argument, default)} of a --help; of [splice 1M, copy 256K] the values."""
    found = {}
    for m in re.finditer(r"^ {2}(?:-(\w), |    )--([\w-]+)(?: ([A-Z][A-Z=-]*))?\b(.*(?:\n {20,}\S.*)*)", text, re.M):
        letter, name, argument, rest = m.groups()
        default = re.search(r"\[([^\]]*)\]\s*$", rest)
        values = default.group(1).split(", ") if default else []
        found[name] = (letter, argument, one_default(v.split()[-1] for v in values))
    return found


def page_options(page):
    """The same of a page's OPTIONS."""
    section = re.search(r"^# OPTIONS\n(.*?)(?=^# )", page, re.M | re.S)
    found = {}
    for m in re.finditer(r"^(?:\*-(\w)\*, )?\*--([\w-]+)\*(?: (_[A-Z][A-Z_=-]*_))?\n((?:\t.*\n)+)",
                         section.group(1) if section else "", re.M):
        letter, name, argument, text = m.groups()
        argument = argument and argument.replace("_", "")  # _NAME_=_ADDR_
        default = re.search(r"Default:(.*?)\.$", text, re.M | re.S)
        found[name] = (letter, argument, one_default(re.findall(r"\*([^*]*)\*", default.group(1)) if default else []))
    return found


def check_options(name, help_text, page):
    def lines(options):
        return {f"--{n} (letter {o[0]}, argument {o[1]}, default {o[2]})" for n, o in options.items()}

    is_so = help_options(help_text)
    if "help" not in is_so:
        return [f"{name}: its --help cannot be read"]
    return differences(name, lines(is_so), lines(page_options(page)))


# -- files --


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def pages(tree):
    at = lambda *names: read(os.path.join(tree, *names))  # noqa: E731
    return check_library(at("include", "shunt.h"), at("man", "shunt.3.scd")) + \
        check_quote(at("README.md"), at("examples", "relay.c")) + \
        check_promises(at("doc", "promises.md"), {os.path.basename(p): read(p) for p in glob.glob(
            os.path.join(tree, "tests", "promise", "*.c"))}) + \
        check_table("doc/graft.md", at("doc", "graft.md"), at("src", "engine", "graft_state.h"), "GRAFT_DECLINES") + \
        check_table("doc/graft.md", at("doc", "graft.md"), at("src", "engine", "graft_map.h"), "GRAFT_COUNTS")


def options(program, folder):
    wrong, commands = [], re.findall(r"^ {2}([a-z]+) {4,}\S", subprocess.run(
        [program, "--help"], check=True, capture_output=True, text=True).stdout, re.M)
    if not commands:
        wrong.append("shunt --help names no command")
    for c in commands:
        names = [n for n in (f"shunt-{c}.1", f"shunt-{c}.8") if os.path.exists(os.path.join(folder, n + ".scd"))]
        if len(names) != 1:
            wrong.append(f"shunt {c} has {'no page' if not names else 'two pages'} in {folder}: shunt-{c}.1.scd or .8.scd")
            continue
        page = os.path.join(folder, names[0] + ".scd")
        text = subprocess.run([program, c, "--help"], check=True, capture_output=True, text=True).stdout
        wrong += check_options(names[0], text, read(page))
        long = [line for line in text.splitlines() if len(line) > 80]
        wrong += [f"shunt {c} --help: wider than 80 columns: {line}" for line in long]
        if len(text.splitlines()) > 40:
            wrong.append(f"shunt {c} --help: {len(text.splitlines())} lines do not fit one screen")
    return wrong


# -- the self-test --

HEADER = "SHUNT_PUBLIC int shunt_a(struct x *s,\n\t\t\t int b);\nenum e {\n\tSHUNT_ONE, /* SHUNT_NOT */\n};\n"
PAGE = "SHUNT_ONE\n\n```\nint shunt_a(struct x *s,\n            int b);\n```\n"
HELP = "usage\n\n  -e, --engine ENGINE     how [auto]\n      --sni NAME=ADDR     whose\n      --idle-timeout TIME\n                          end it\n" \
       "                          [10m]\n  -h, --help              this\n"
OPTIONS = "# OPTIONS\n\n*-e*, *--engine* _ENGINE_\n\tHow. Default: *auto*.\n\n*--sni* _NAME_=_ADDR_\n\tWhose.\n\n" \
          "*--idle-timeout* _TIME_\n\tEnd it. Default:\n" \
          "\t*10m*.\n\n*-h*, *--help*\n\tThis.\n\n# END\n"
LIST = '#define LIST(X) \\\n\tX(A4, "a", "is a") \\\n\tX(B_C, "b-c",  \\\n\t  "is b")\n'
TABLE = "x\n\n<!-- LIST -->\n| name | says |\n|---|---|\n| `a` | is a |\n| `b-c` | is b |\n\n| `c` | another table |\n"


def self_test():
    stories = [
        ("true page", check_library(HEADER, PAGE), False),
        ("a parameter that is gone", check_library(HEADER.replace("int b", "long b"), PAGE), True),
        ("a function nobody tells of", check_library(HEADER + "SHUNT_PUBLIC void shunt_b(void);\n", PAGE), True),
        ("a function that is gone", check_library(HEADER, PAGE.replace("```\nint", "```\nint shunt_c(void);\nint")), True),
        ("a name nobody tells of", check_library(HEADER.replace("ONE,", "ONE,\n\tSHUNT_TWO,"), PAGE), True),
        ("a name that is gone", check_library(HEADER, PAGE + "SHUNT_THREE\n"), True),
        ("true quote", check_quote("x\n```c\nint a;\n```\n", "int a;\n"), False),
        ("old quote", check_quote("x\n```c\nint a;\n```\n", "int b;\n"), True),
        ("true row", check_promises("| E1 | x | `tests/promise/a.c` |\n", {"a.c": "/* E1: x */\n", "b.c": ""}), False),
        ("a test in another's row", check_promises("| E1 | x | |\n| E2 | `tests/promise/a.c` |\n",
                                                   {"a.c": "/* E1: x */\n"}), True),
        ("true options", check_options("x", HELP, OPTIONS), False),
        ("two defaults", check_options("x", HELP.replace("[auto]", "[a 1M, b 2M]"),
                                       OPTIONS.replace("*auto*", "*2M* by b, *1M* by\n\ta")), False),
        ("one of two defaults", check_options("x", HELP.replace("[auto]", "[a 1M, b 2M]"),
                                              OPTIONS.replace("*auto*", "*1M* by a")), True),
        ("another default", check_options("x", HELP, OPTIONS.replace("10m", "5m")), True),
        ("an option nobody tells of", check_options("x", HELP + "      --log FORMAT        to\n", OPTIONS), True),
        ("an option that is gone", check_options("x", HELP.replace("-e, --engine", "-e, --motor"), OPTIONS), True),
        ("a true table", check_table("x", TABLE, LIST, "LIST"), False),
        ("a row that nobody tells of", check_table("x", TABLE.replace("| `b-c` | is b |\n", ""), LIST, "LIST"), True),
        ("a row that is gone", check_table("x", TABLE.replace("| `a`", "| `z` | is z |\n| `a`"), LIST, "LIST"), True),
        ("a row that says something else", check_table("x", TABLE.replace("is a", "was a"), LIST, "LIST"), True),
        ("a table that is gone", check_table("x", "x\n", LIST, "LIST"), True),
        ("another letter", check_options("x", HELP.replace("-e,", "-g,"), OPTIONS), True),
    ]
    bad = [what for what, found, expected in stories if bool(found) != expected]
    filled = fill("a\n@reasons@\nb\n", '#define WHY_LIST(X) \\\n\tX(A, "a", "is a") \\\n\tX(B_C, "b-c",  \\\n\t  "is b")\n', {})
    if filled != "a\n|  a\n:  is a\n|  b-c\n:  is b\nb\n":
        bad.append("filling in the reasons")
    if fill("@k.scd@\n", 'x\n#define WHY_LIST(X) \\\n\tX(A, "a", "is a")\n', {"k.scd": "*a\\_b*\n\tc\n"}) != "*a\\_b*\n\tc\n":
        bad.append("filling in what is scdoc's")
    if fill("@l.h:LIST@\n", "#define WHY_LIST(X) X(A, \"a\", \"is a\")\n", {"l.h": LIST}) != "|  a\n:  is a\n|  b-c\n:  is b\n":
        bad.append("filling in a list of a source")
    print(*(f"judged wrongly: {b}" for b in bad), sep="\n", end="\n" if bad else "")
    print(f"manual.py: {len(stories) + 3} stories, {len(bad)} judged wrongly")
    return bad


def main():
    word, *rest = sys.argv[1:] or ["--help"]
    if word == "--fill":
        sys.stdout.write(fill(read(rest[0]), read(rest[1]), {os.path.basename(s): read(s) for s in rest[2:]}))
        return 0
    if word == "--self-test":
        return 1 if self_test() else 0
    if word not in ("--pages", "--options"):
        print(__doc__)
        return 1
    wrong = pages(*rest) if word == "--pages" else options(*rest)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"manual.py: {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
