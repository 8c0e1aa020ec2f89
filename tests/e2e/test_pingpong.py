# SPDX-License-Identifier: BSD-2-Clause
"""No byte waits for company: a relay that holds one back for more shows as a stall of 40 ms."""
import pytest


@pytest.mark.alone
def test_one_byte_there_and_back(engine, couple):
    _, c, s = couple(engine, ["ping:2000", "shut", "expect:eof"], ["echo", "shut"])
    c.done()
    s.done()
    assert c.told(0)["slow"] <= 20, f"worst: {c.told(0)['worst_ms']} ms"


@pytest.mark.alone
def test_after_a_bulk(engine, couple):
    """What a relay learnt from many bytes must not hold back the few that follow."""
    _, c, s = couple(engine, ["both:5m", "ping:500", "both:5m", "ping:500", "shut", "expect:eof"],
                     ["echo", "shut"])
    c.done()
    s.done()
    assert sum(fact["slow"] for fact in c.told()) <= 20


@pytest.mark.alone
def test_question_in_two_pieces(engine, couple):
    """Two small sends and one answer: where Nagle and delayed acknowledgements meet."""
    times = 1000
    _, c, s = couple(engine, ["chunk:100", *(["send:100", "send:100", "read:50"] * times), "shut",
                              "expect:eof"],
                     [*(["read:200", "send:50"] * times), "expect:eof", "shut"],)
    c.done(30)  # each stall is 40 ms: 1000 of them are 40 s
    s.done()
