#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tally.py - what came of a test run, in one line

    tally.py RESULT[:STATUS[:AGAIN...]]...
                          RESULT is a testlog.json of meson or a junit .xml of pytest, STATUS how the runner ended, each
                          AGAIN the result of those that had failed until then, told once more by themselves
    tally.py --failed RESULT      the names of those that failed, a line each, as their runner wants them
    tally.py --sum FILE           add up what several runs left in FILE

Says why meson's tests were skipped (the last line each wrote) and which tests failed, then `N passed, N failed,
N skipped`, alone on its line. A result that is not there, empty or cut off counts as a failure, and so does a runner
that ended badly while all its tests are good: it was stopped half-way. Fails when anything failed, or nothing ran.
A test that failed beside others and passes by itself, at the first or the second time, is good, but unsteady: it is
named with what it took, so that somebody looks at it.
With SHUNT_TALLY=FILE in the environment the three numbers are also added to that file, and a line "FAILED: ..." for
each failure, which --sum says once more before its sum: the end of a long log is what people read first.
"""
import json
import os
import sys
import xml.etree.ElementTree as xml

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
UNSTEADY = "unsteady"  # counts as passed
MESON = {"OK": PASSED, "EXPECTEDFAIL": PASSED, "SKIP": SKIPPED}  # any other word is a failure


def last_line(*texts):
    lines = [line.strip() for text in texts if text for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it did not say why"


def of_meson(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            t = json.loads(line)
            yield MESON.get(t["result"], FAILED), t["name"].replace("shunt:", ""), \
                last_line(t.get("stdout"), t.get("stderr")) if t["result"] in ("OK", "SKIP") else t["result"]


def of_pytest(path):
    for case in xml.parse(path).iter("testcase"):
        name = f'{case.get("classname")}.{case.get("name")}'
        if case.find("failure") is not None or case.find("error") is not None:
            yield FAILED, name, "see above"
        elif case.find("skipped") is not None:
            yield SKIPPED, name, None  # pytest -rs said why
        else:
            yield PASSED, name, None


def read(path):
    return list(of_pytest(path) if path.endswith(".xml") else of_meson(path))


BY_ITSELF = (("it failed beside others, and passed by itself", "beside others and by itself: see above"),
             ("it failed beside others and once by itself, and passed the second time",
              "beside others and twice by itself: see above"))


def told_again(results, paths):
    """What failed and passed by itself, in one of these; what failed there as well."""
    for path, (passed, failed) in zip(paths, BY_ITSELF):
        try:
            again = {name: kind for kind, name, _ in read(path)}
        except (OSError, ValueError, KeyError, xml.ParseError):
            break  # there was no need to, or it broke: what had failed has
        results = [(kind, name, why) if kind != FAILED or name not in again
                   else (UNSTEADY, name, passed) if again[name] == PASSED else (FAILED, name, failed)
                   for kind, name, why in results]
    return results


def say_failed(path):
    """Of a story the node, as pytest calls it."""
    for kind, name, _ in read(path):
        if kind == FAILED and path.endswith(".xml"):
            module, _, story = name.partition(".")
            print(f"tests/e2e/{module}.py::{story}")
        elif kind == FAILED:
            print(name.split(" / ")[-1])


def of(arg):
    path, status, *again = arg.split(":") if ":" in arg else (arg, "")
    results = []
    try:
        results = read(path)
    except (OSError, ValueError, KeyError, xml.ParseError) as e:
        results.append((FAILED, path, f"no result to be read: {e}"))
    if not results:
        results.append((FAILED, path, "no test in it"))
    if status not in ("", "0") and not any(kind == FAILED for kind, _, _ in results):
        results.append((FAILED, path, f"its runner ended with {status}"))
    return told_again(results, again)


def end(count):
    print(f"{count[PASSED]} passed, {count[FAILED]} failed, {count[SKIPPED]} skipped")
    return 1 if count[FAILED] or not count[PASSED] else 0


def main():
    count = {PASSED: 0, FAILED: 0, SKIPPED: 0}
    if sys.argv[1:2] == ["--sum"]:
        with open(sys.argv[2], encoding="utf-8") as f:
            for line in f:
                if not line[:1].isdigit():
                    print(line, end="")
                    continue
                for kind, n in zip((PASSED, FAILED, SKIPPED), line.split()):
                    count[kind] += int(n)
        return end(count)
    if sys.argv[1:2] == ["--failed"]:
        return say_failed(sys.argv[2])
    results = [r for path in sys.argv[1:] for r in of(path)]
    for kind, _, _ in results:
        count[PASSED if kind == UNSTEADY else kind] += 1
    print()
    for word in SKIPPED, UNSTEADY, FAILED:
        for kind, name, why in results:
            if kind == word and why:
                print(f"{word}: {name}: {why}")
    if "SHUNT_TALLY" in os.environ:
        with open(os.environ["SHUNT_TALLY"], "a", encoding="utf-8") as f:
            print(count[PASSED], count[FAILED], count[SKIPPED], file=f)
            for kind, name, why in results:
                if kind in (FAILED, UNSTEADY):
                    print(f"{kind.upper()}: {name}: {why}", file=f)
    return end(count)


if __name__ == "__main__":
    sys.exit(main())
