# SPDX-License-Identifier: BSD-2-Clause
"""Real players of a live stream that ffmpeg sends: whenever they join, their decoders have nothing to say.

A splitter that looks at no byte starts a player at any packet. In the middle of a group of pictures a decoder complains of
headers and pictures that it has not seen, of the same bytes from a file as well (doc/split.md). So these are streams of which
every start is a clean one.
"""
import collections
import re
import urllib.request

import pytest

from actors import PATIENCE, need
from splitting import split  # noqa: F401

FFMPEG = ("ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
BURST = 2 << 20
PICTURES, SECONDS = 10, 4  # a second; for which a player stays
STREAMS = {
    # every picture stands alone, as studios send them; padded to a constant rate, as multiplexes are. The last player
    # joins when the source's first byte is out of reach.
    "pictures": (("-g", "1", "-muxrate", "8M"), (1, BURST // 2, BURST + (1 << 20))),
    # groups of twelve pictures, so little that a burst is all that was sent so far
    "groups": (("-g", "12", "-b:v", "200k"), (1, 40 << 10, 80 << 10)),
}


def transport(port, how):
    """A picture and a tone as an MPEG transport stream, at the pace of time, for longer than anybody listens."""
    return [*FFMPEG, "-re", "-f", "lavfi", "-i", f"testsrc2=size=160x120:rate={PICTURES}", "-f", "lavfi",
            "-i", "sine=frequency=440:sample_rate=48000", "-t", "600", "-c:v", "mpeg2video", *how,
            "-c:a", "mp2", "-b:a", "64k", "-f", "mpegts", f"tcp://127.0.0.1:{port}"]


def source_bytes(door):
    with urllib.request.urlopen(f"http://{door}/metrics", timeout=PATIENCE) as answer:
        return int(re.search(r"^shunt_split_source_bytes_total (\d+)$", answer.read().decode(), re.M)[1])


def decoded(player):
    """The sums of the pictures it showed, and of the sound it played; it has ended well and without a word."""
    player.done()
    assert player.text() == ""
    sums = collections.defaultdict(list)
    for line in player.lines["stdout"]:
        if not line.startswith("#"):
            fields = [field.strip() for field in line.split(",")]
            sums[int(fields[0])].append(fields[-1])
    return sums[0], sums[1]


@pytest.mark.parametrize("stream", STREAMS)
def test_players_join_at_different_times(stream, split, cast):
    need("ffmpeg")
    how, joins = STREAMS[stream]
    # nobody falls behind: how fast the players are is not asked here
    s = split("--source", "listen:127.0.0.1:0", "--http", "video/mp2t", "--align", "188", "--burst", str(BURST),
              "--lag", "256M", "--admin", "127.0.0.1:0")
    door = s.message("metrics, connections and health are told over HTTP")["admin"]
    cast.run(transport(s.source_address.rsplit(":", 1)[1], how), "ffmpeg")
    players = []
    for join in joins:
        s.until(lambda: source_bytes(door) >= join, what=f"byte {join} of the source")
        players.append(cast.run([*FFMPEG, "-xerror", "-i", f"http://{s.address}/", "-t", str(SECONDS), "-f",
                                 "framemd5", "-"], f"player {len(players)}"))
    seen = [decoded(player) for player in players]
    for pictures, sound in seen:
        assert len(pictures) > (SECONDS - 1) * PICTURES and len(sound) > 100
    if stream == "groups":  # each began with the very first
        assert seen[0] == seen[1] == seen[2]
    assert {e["skips"] for e in s.ends(3)} == {0}
