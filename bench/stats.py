# SPDX-License-Identifier: BSD-2-Clause
"""stats.py — medians, ranges, and what may be claimed from them

Few samples on a noisy machine: the median stands for them, the smallest and the largest beside it
tell how far it can be trusted. That one contender is better than another is claimed only when
their ranges do not even touch, and lie further apart than MARGIN: what two runs of the same thing
differ by without any reason. Of less than three samples nothing is claimed: two of each lie apart by chance once in
three times, and where it depends on the worker that got a connection they may lie far apart.
"""
import statistics

MARGIN = 0.05  # of the larger figure; of a cost over the floor: of what the floor was taken from


class Range:
    """median, min and max of n samples. `of` is what the margin is a part of, if not the figures."""
    __slots__ = ("median", "min", "max", "n", "of")

    def __init__(self, values, of=None):
        values = list(values)
        self.n, self.of = len(values), of
        self.median, self.min, self.max = statistics.median(values), min(values), max(values)

    @classmethod
    def from_row(cls, row):
        r = cls([row["min"], row["median"], row["max"]], row.get("of"))
        r.median, r.n = row["median"], row.get("n", 2)
        return r

    def spread(self):
        """Half the range, as a part of what the margin is a part of."""
        scale = self.of or abs(self.median)
        return (self.max - self.min) / 2 / scale if scale else 0.0


def margin(a, b):
    return MARGIN * max(a.of or abs(a.median), b.of or abs(b.median))


def surely_less(a, b):
    """Of two samples nothing is sure."""
    return min(a.n, b.n) > 2 and a.max + margin(a, b) < b.min


def better(a, b, more_is_better):
    """Is a surely better than b?"""
    return surely_less(b, a) if more_is_better else surely_less(a, b)


def ranks(ranges, more_is_better):
    """{name: (rank, shared)}: the rank is one more than how many are surely better; shared, if anybody is
    neither surely better nor surely worse."""
    out = {}
    for name, mine in ranges.items():
        others = [r for other, r in ranges.items() if other != name]
        above = sum(better(r, mine, more_is_better) for r in others)
        below = sum(better(mine, r, more_is_better) for r in others)
        out[name] = (above + 1, above + below < len(others))
    return out


def claims(ranges, more_is_better):
    """All pairs (a, b) where a is surely better than b."""
    return {(a, b) for a, ra in ranges.items() for b, rb in ranges.items()
            if a != b and better(ra, rb, more_is_better)}


def bytes_between(timeline, begin, end):
    """What a load tool counted between two moments, from how much it was in each step; the steps at both
    ends are taken in part."""
    total, step = 0.0, timeline["step"]
    for i, count in enumerate(timeline["counts"]):
        a = timeline["began"] + i * step
        overlap = min(end, a + step) - max(begin, a)
        if overlap > 0:
            total += count * overlap / step
    return total


def merged(histograms):
    """Buckets [[top, count], ...] of several, as one."""
    all_of = {}
    for buckets in histograms:
        for top, count in buckets:
            all_of[top] = all_of.get(top, 0) + count
    return sorted(all_of.items())


def share_at(buckets, share):
    """The time that this share of all was not longer than."""
    whole = sum(count for _, count in buckets)
    seen = 0
    for top, count in buckets:
        seen += count
        if seen >= share * whole:
            return top
    return buckets[-1][0] if buckets else 0.0
