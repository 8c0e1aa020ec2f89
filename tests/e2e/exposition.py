# SPDX-License-Identifier: BSD-2-Clause
"""exposition.py — reads Prometheus' text format 0.0.4, and forgives nothing

What https://prometheus.io/docs/instrumenting/exposition_formats/ allows and we do not write (timestamps, comments,
blanks where they are not needed, histograms, metrics without HELP or TYPE) is a mistake here as well.
"""
import re

HELP = re.compile(r"# HELP ([a-z_:][a-z0-9_:]*) (\S.*\S)")
TYPE = re.compile(r"# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge)")
SAMPLE = re.compile(r"([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (0|[1-9]\d*|(?:0|[1-9]\d*)\.\d{0,2}[1-9])")
LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Metric:
    def __init__(self, name, text):
        self.name, self.help, self.type = name, text, None
        self.samples = {}  # by labels: a tuple of pairs in their order

    def labels(self):
        """The names that its samples have, in their order."""
        names = {tuple(name for name, _ in labels) for labels in self.samples}
        assert len(names) <= 1, f"{self.name}: samples have different labels: {names}"
        return next(iter(names), ())

    def get(self, **wanted):
        """The sum of all samples with these labels."""
        found = [value for labels, value in self.samples.items()
                 if wanted.items() <= dict(labels).items()]
        assert found, f"{self.name}: no sample has {wanted}; there are {list(self.samples)}"
        return sum(found)

    def by(self, label):
        """{value of the label: sum}"""
        sums = {}
        for labels, value in self.samples.items():
            key = dict(labels)[label]
            sums[key] = sums.get(key, 0) + value
        return sums


def read_labels(text, line):
    labels = []
    while text:
        m = LABEL.match(text)
        assert m, f"no label: {text!r} in {line!r}"
        text = text[m.end():]
        assert (m[3] == ",") == bool(text), f"a comma too many: {line!r}"
        labels.append((m[1], re.sub(r"\\.", lambda e: ESCAPES[e[0]], m[2])))
    names = [name for name, _ in labels]
    assert labels and len(set(names)) == len(names), f"no labels, or one twice: {line!r}"
    return tuple(labels)


def read_sample(metric, line):
    m = SAMPLE.fullmatch(line)
    assert m, f"not a sample: {line!r}"
    assert metric and m[1] == metric.name, f"not of the metric above it: {line!r}"
    assert metric.type, f"before its type: {line!r}"
    labels = read_labels(m[2], line) if m[2] is not None else ()
    assert labels not in metric.samples, f"twice: {line!r}"
    metric.samples[labels] = float(m[3]) if "." in m[3] else int(m[3])


def read(data):
    """{name: Metric} of what /metrics says, in bytes."""
    text = data.decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    metrics, metric = {}, None
    for line in text[:-1].split("\n"):
        if m := HELP.fullmatch(line):
            assert m[1] not in metrics, f"{m[1]} is there twice"
            metric = metrics[m[1]] = Metric(m[1], m[2])
        elif m := TYPE.fullmatch(line):
            assert metric and m[1] == metric.name and not metric.type, f"a type of its own: {line!r}"
            metric.type = m[2]
            assert (m[2] == "counter") == m[1].endswith("_total"), f"a name of the other kind: {line!r}"
        else:
            read_sample(metric, line)
    for one in metrics.values():
        assert one.type, f"{one.name} has no type"
        assert one.samples, f"{one.name} has no sample"
        one.labels()
    return metrics


def table(doc):
    """{name: (type, labels, help)} of the rows | `name` | type | `label`, ... | help | of a text."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| (.*?) \| (.*) \|$", doc, re.M)
    assert len({row[0] for row in rows}) == len(rows), "a metric stands there twice"
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows}
