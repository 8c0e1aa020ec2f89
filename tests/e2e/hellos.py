# SPDX-License-Identifier: BSD-2-Clause
"""hellos.py — ClientHellos made to measure"""


def counted(size, data):
    """Data behind its length in so many bytes."""
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return kind.to_bytes(2, "big") + counted(2, data)


def message(name=b"a.example", alpn=(), ciphers=1, pad=0):
    """A ClientHello: a handshake message, in no record yet."""
    extensions = b""
    if name is not None:
        extensions += extension(0, counted(2, b"\0" + counted(2, name)))
    if alpn:
        extensions += extension(16, counted(2, b"".join(counted(1, p) for p in alpn)))
    extensions += extension(43, counted(1, b"\x03\x04"))
    if pad:
        extensions += extension(21, bytes(pad))
    body = (b"\x03\x03" + bytes(range(32)) + counted(1, b"") + counted(2, b"\x13\x01" * ciphers)
            + counted(1, b"\0") + counted(2, extensions))
    return b"\x01" + counted(3, body)


def records(data, *cuts):
    """In TLS records, each ending at a cut, or after 16,384 bytes."""
    out, at = b"", 0
    for end in (*cuts, len(data)):
        while at < end:
            piece = data[at:min(end, at + 16384)]
            out += b"\x16\x03\x01" + counted(2, piece)
            at += len(piece)
    return out


def hello(name=b"a.example", **how):
    return records(message(name, **how))
