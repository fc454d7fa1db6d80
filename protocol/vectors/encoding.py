"""The protocol's encodings, written from SPEC.md and the .proto files by hand, for make.py."""

import hashlib
import struct
import zlib

import zstandard

TYPES = {
    "hello": 1, "fetchRound": 2, "fetchBatch": 3, "offerResponses": 4, "fetchPool": 5,
    "offerUpdate": 6, "progress": 7, "bye": 8, "ask": 9, "welcome": 33, "refused": 34, "roundStart": 35,
    "batch": 36, "pool": 37, "stepSkipped": 38, "accepted": 39, "rejected": 40, "finished": 41,
    "drain": 42, "report": 43, "continue": 65, "chunk": 66, "heartbeat": 67,
}
KINDS = {"adapter": 1, "update": 2, "batch": 3, "responses": 4, "pool": 5}
ELEMENTS = {"f32": 1, "bf16": 2, "int8": 3, "bytes": 4}
COMPRESSIONS = {"stored": 1, "zstd": 2}

# --- Protobuf, by hand


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return b"" if value == 0 else varint(field << 3) + varint(value)


def zigzag(field, value):
    return number(field, value << 1 ^ value >> 63)


def data(field, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def optional(field, value):
    return data(field, value) if value else b""


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def packed(field, values):
    return data(field, b"".join(varint(value) for value in values)) if values else b""


# --- Frames


def header(type_number, length, magic=b"TRIB", version=1, flags=0, stream=0):
    head = magic + struct.pack("<BBHII", version, type_number, flags, stream, length)
    return head + struct.pack("<I", zlib.crc32(head))


def frame(kind, body=b""):
    return header(TYPES[kind], len(body)) + body


# --- Blobs


def entry(name, element, shape, raw, encoded, compression="stored"):
    return (
        optional(1, name) + number(2, ELEMENTS.get(element, element))
        + number(3, COMPRESSIONS.get(compression, compression)) + packed(4, shape)
        + number(5, raw) + number(6, encoded)
    )


def manifest(kind, entries, raw, encoded, digest):
    return (
        number(1, KINDS.get(kind, kind)) + b"".join(data(2, item) for item in entries)
        + number(3, raw) + number(4, encoded) + optional(5, digest)
    )


def simple_manifest(kind, blob=b"", name="a", element="f32", shape=(2,)):
    """One stored entry; the bytes need not exist for a frame vector."""
    width = {"f32": 4, "bf16": 2, "bytes": 1}[element]
    size = width
    for dimension in shape:
        size *= dimension
    blob = blob or bytes(size)
    digest = hashlib.sha256(blob).digest()
    lines = [
        f"manifest: {kind}, 1 entries, {size} raw B, {size} encoded B, digest {digest.hex()}",
        f"entry {name}: {element} {list(shape)} stored, {size} raw B, {size} encoded B",
    ]
    return manifest(kind, [entry(name, element, shape, size, size)], size, size, digest), lines


def zstd(raw, **options):
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=20)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(raw, **options)


def planes(raw, width):
    return b"".join(raw[plane::width] for plane in range(width))


def bits(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def f32(value):
    """The nearest binary32, as a Python float."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def pack_f32(values):
    return planes(struct.pack(f"<{len(values)}f", *values), 4)


def bf16(value):
    word = bits(value)
    low, half = word & 0xFFFF, word >> 16
    if low > 0x8000 or low == 0x8000 and half & 1:
        half += 1
    return half


def pack_bf16(values):
    return planes(b"".join(struct.pack("<H", bf16(value)) for value in values), 2)


def pack_int8(values, rows):
    columns = len(values) // rows
    scales, out = [], []
    for row in range(rows):
        chosen = [f32(value) for value in values[row * columns:(row + 1) * columns]]
        scale = f32(max(abs(value) for value in chosen) / 127)
        scales.append(scale)
        # The quotient of two binary32 numbers is rounded to binary32 before it is rounded to a whole.
        out += [max(-127, min(127, round(f32(value / scale)))) if scale > 0 else 0 for value in chosen]
    return pack_f32(scales) + struct.pack(f"<{len(out)}b", *out), scales, out
