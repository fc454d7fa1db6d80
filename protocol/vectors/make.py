#!/usr/bin/env python3
"""Writes frames.json, blobs.json and packing.json beside itself.

An encoder of the protocol that shares nothing with the Swift one: it is written from SPEC.md and the
.proto files, with the standard library and the `zstandard` package. Run it again only when the
protocol changes; the files are committed.

    python3 make.py
"""

import hashlib
import json
import pathlib
import struct

import zstandard

from encoding import (
    TYPES, bf16, bits, data, double, entry, f32, frame, header, manifest, number, pack_bf16, pack_f32, pack_int8,
    optional, planes, simple_manifest, varint, zigzag, zstd,
)

HERE = pathlib.Path(__file__).resolve().parent

CLIENT = {"hello", "fetchRound", "fetchBatch", "offerResponses", "fetchPool", "offerUpdate", "progress", "bye",
          "ask"}

# --- Vectors

frames, blobs, packing = [], [], []


def add_frame(name, sender, bytes_, expect="ok", decoded=None):
    frames.append(
        {"name": name, "from": sender, "hex": bytes_.hex(), "expect": expect, "decoded": decoded or []}
    )


def add_message(name, kind, body, decoded, expect="ok"):
    sender = "client" if kind in CLIENT else "coordinator"
    add_frame(name, sender, frame(kind, body), expect, decoded if expect == "ok" else [])


A, B = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()


PARTS = (("base model", A.hex()), ("adapter.rank", "8"))


def hello(version=1, software="tributary 0.1", federation="demo", client="north", trainer="rlvr", parts=PARTS):
    return (
        number(1, version) + optional(2, software) + optional(3, federation) + optional(4, client)
        + optional(6, trainer) + b"".join(data(8, optional(1, name) + optional(2, value)) for name, value in parts)
    )


def hello_lines(client="north", parts=PARTS, software="tributary 0.1"):
    return [
        "protocol_version: 1", f"software: {software}", "federation: demo", f"client: {client}", "trainer: rlvr",
    ] + [f"fingerprint {name}: {value}" for name, value in parts]


def session_messages():
    add_message("hello", "hello", hello(), hello_lines())
    add_message("hello without a fingerprint", "hello", hello(parts=()), hello_lines(parts=()))
    add_message("hello with the retired fields 5 and 7", "hello", hello() + data(5, A) + data(7, B), hello_lines())
    for label, parts, expect in (
        ("as many parts as allowed, names in no order", [(f"{index * 37 % 64}", "") for index in range(64)], "ok"),
        ("one part too many", [(f"{index}", "") for index in range(65)], "LIMIT_EXCEEDED"),
        ("twenty thousand empty parts", [("", "")] * 20_000, "LIMIT_EXCEEDED"),
        ("the longest name and value", [("n" * 256, "é" * 128)], "ok"),
        ("a name one byte too long", [("n" * 257, "")], "LIMIT_EXCEEDED"),
        ("a value one byte too long", [("n", "é" * 128 + "v")], "LIMIT_EXCEEDED"),
        ("a part without a name", [("", "8")], "MALFORMED"),
        ("a control character in a value", [("n", "8\n")], "MALFORMED"),
        ("a part twice", [("n", "8"), ("m", "1"), ("n", "8")], "DUPLICATE_NAME"),
    ):
        add_message(f"hello with {label}", "hello", hello(parts=parts), hello_lines(parts=parts), expect)
    add_message(
        "hello with a field of a later version", "hello", hello() + data(99, b"later") + number(98, 7), hello_lines()
    )
    longest = "n" * 63
    add_message("hello with the longest client name", "hello", hello(client=longest), hello_lines(client=longest))
    add_message("hello with a client name one byte too long", "hello", hello(client="n" * 64), [], "LIMIT_EXCEEDED")
    add_message("hello with a client name in capitals", "hello", hello(client="Ada"), [], "MALFORMED")
    add_message("hello with a client name of 9,000 bytes", "hello", hello(client="n" * 9000), [], "LIMIT_EXCEEDED")
    add_message("hello without a client name", "hello", hello(client=""), [], "MALFORMED")
    add_message("hello with a slash in the client name", "hello", hello(client="a/b"), [], "MALFORMED")
    add_message("hello with a control character", "hello", hello(software="a\nb"), [], "MALFORMED")
    add_message("hello of protocol version 2", "hello", hello(version=2), [], "UNSUPPORTED_VERSION")
    add_message("hello with text that is not UTF-8", "hello", hello() + data(2, b"\xff\xfe"), [], "MALFORMED")
    add_message("hello cut inside a field", "hello", hello()[:-5], [], "MALFORMED")
    add_message("hello with a hundred nested groups", "hello", hello() + varint(50 << 3 | 3) * 100, [], "MALFORMED")
    settings = b'{"rank":4}'
    welcome = (
        number(1, 7) + number(2, 2**64 - 1) + data(3, "rlvr") + data(4, settings) + number(5, 3) + number(6, 6)
        + number(7, 2) + number(8, 5000) + number(9, 3)
    )
    lines = [
        "session: 7", "seed: 18446744073709551615", "trainer: rlvr", "settings: 10 B", "rounds: 3", "steps: 6",
        "local_per_public: 2", "heartbeat_ms: 5000", "encoding: int8",
    ]
    add_message("welcome", "welcome", welcome, lines)
    add_message("welcome with the encoding bytes", "welcome", welcome + number(9, 4), [], "MALFORMED")
    add_message("welcome with an unknown encoding", "welcome", welcome + number(9, 9), [], "MALFORMED")
    add_message("welcome with too many rounds", "welcome", welcome + number(5, 1_000_001), [], "LIMIT_EXCEEDED")
    add_message("welcome without steps", "welcome", welcome + varint(6 << 3) + b"\0", [], "MALFORMED")
    add_message(
        "welcome with settings one byte too long", "welcome", welcome + data(4, bytes(32769)), [], "LIMIT_EXCEEDED"
    )
    add_message(
        "refused", "refused", number(1, 201) + data(2, "the certificate says 'south'"),
        ["code: 201 NAME_MISMATCH", "message: the certificate says 'south'"],
    )
    add_message("refused with an unknown code", "refused", number(1, 999), [], "MALFORMED")
    add_message("refused with a text one byte too long", "refused", number(1, 201) + data(2, "x" * 1025), [], "LIMIT_EXCEEDED")
    add_message("bye", "bye", data(1, "finished"), ["reason: finished"])
    add_message("finished", "finished", number(1, 3) + data(2, A), ["rounds: 3", f"adapter: {A.hex()}"])
    add_message("drain", "drain", number(1, 2500), ["reconnect_after_ms: 2500"])
    add_message("drain for longer than an hour", "drain", number(1, 3_600_001), [], "LIMIT_EXCEEDED")
    add_message("ask for the status", "ask", number(1, 1), ["what: status"])
    add_message("ask to stop", "ask", number(1, 2), ["what: stop"])
    add_message("ask for nothing", "ask", b"", [], "MALFORMED")
    add_message("ask for what nobody knows", "ask", number(1, 3), [], "MALFORMED")
    add_message("report", "report", data(1, '{"round":1}'), ["status: 11 B"])
    add_message("report with a status one byte too long", "report", data(1, bytes(196_609)), [], "LIMIT_EXCEEDED")
    add_frame("heartbeat of a client", "client", frame("heartbeat"))
    add_frame("heartbeat of the coordinator", "coordinator", frame("heartbeat"))
    add_frame("heartbeat with a body", "client", frame("heartbeat", b"\x08\x01"), "MALFORMED")


def round_messages():
    place, place_lines = number(1, 4) + number(2, 11), ["round: 4", "step: 11"]
    add_message("fetchRound before the first round", "fetchRound", zigzag(1, -1), ["after: -1"])
    add_message("fetchRound after a round", "fetchRound", zigzag(1, 41), ["after: 41"])
    add_message("fetchRound after round -2", "fetchRound", zigzag(1, -2), [], "MALFORMED")
    add_message("fetchRound after round 2^62", "fetchRound", zigzag(1, 2**62), [], "LIMIT_EXCEEDED")
    add_message("fetchBatch", "fetchBatch", place, place_lines)
    add_message("fetchBatch of round 0, step 0, an empty body", "fetchBatch", b"", ["round: 0", "step: 0"])
    add_message("fetchPool", "fetchPool", place, place_lines)
    add_message("stepSkipped", "stepSkipped", place, place_lines)
    adapter, adapter_lines = simple_manifest("adapter", shape=(2, 3))
    add_message("roundStart", "roundStart", number(1, 4) + data(2, adapter), ["round: 4"] + adapter_lines)
    add_message("roundStart without a manifest", "roundStart", number(1, 4), [], "MALFORMED")
    for kind in ("batch", "pool"):
        body, lines = simple_manifest(kind, name=kind, element="bytes", shape=(9,))
        add_message(kind, kind, place + data(3, body), place_lines + lines)
    answers, answers_lines = simple_manifest("responses", name="responses", element="bytes", shape=(9,))
    add_message("offerResponses", "offerResponses", place + data(3, answers), place_lines + answers_lines)
    add_message("offerResponses with a batch", "offerResponses",
                place + data(3, simple_manifest("batch", name="batch", element="bytes", shape=(9,))[0]), [], "BAD_MANIFEST")
    update, update_lines = simple_manifest("update", element="bf16", shape=())
    metrics = data(4, data(1, "loss") + double(2, 0.25)) + data(4, data(1, "reward") + double(2, -1.5))
    offer = number(1, 4) + data(2, update) + number(3, 640)
    add_message("offerUpdate of a scalar in bf16", "offerUpdate", offer + metrics,
                ["round: 4"] + update_lines + ["examples: 640", "metric loss: 0.25", "metric reward: -1.5"])
    add_message("offerUpdate with an adapter", "offerUpdate", number(1, 4) + data(2, adapter), [], "BAD_MANIFEST")
    nan = data(4, data(1, "loss") + double(2, float("nan")))
    add_message("offerUpdate with a metric that is NaN", "offerUpdate", offer + nan, [], "NOT_FINITE")
    add_message("offerUpdate with metrics out of order", "offerUpdate",
                offer + data(4, data(1, "b")) + data(4, data(1, "a")), [], "DUPLICATE_NAME")
    add_message("offerUpdate with a metric twice", "offerUpdate", offer + data(4, data(1, "b")) * 2, [], "DUPLICATE_NAME")
    many = [data(3, data(1, f"m{index:03}") + double(2, 1.0)) for index in range(257)]
    add_message("progress with as many metrics as allowed", "progress", place + b"".join(many[:256]),
                place_lines + [f"metric m{index:03}: 1.0" for index in range(256)])
    add_message("progress with one metric too many", "progress", place + b"".join(many), [], "LIMIT_EXCEEDED")
    add_message("progress of five thousand empty metrics", "progress", place + data(3, b"") * 5000, [], "LIMIT_EXCEEDED")


def transfer_messages():
    for sender in ("client", "coordinator"):
        add_frame(f"continue of a {sender}", sender, frame("continue", data(1, A) + number(2, 3)),
                  decoded=[f"transfer: {A.hex()}", "from_chunk: 3"])
        add_frame(f"chunk of a {sender}", sender, frame("chunk", A + struct.pack("<II", 2, 0) + b"xyz"),
                  decoded=[f"transfer: {A.hex()}", "index: 2", "bytes: 3 B"])
    add_frame("continue from chunk 8193", "client", frame("continue", data(1, A) + number(2, 8193)), "LIMIT_EXCEEDED")
    add_frame("chunk without a byte", "client", frame("chunk", A + struct.pack("<II", 0, 0)), "TRUNCATED")
    add_frame("chunk with a reserved byte", "client", frame("chunk", A + struct.pack("<II", 0, 1) + b"x"), "RESERVED_BITS")
    add_frame("chunk number 8192", "client", frame("chunk", A + struct.pack("<II", 8192, 0) + b"x"), "BAD_CHUNK")
    add_message("accepted", "accepted", data(1, A), [f"transfer: {A.hex()}"])
    add_message("rejected late", "rejected", number(1, 400) + data(2, "round 3 is closed") + data(3, A),
                ["code: 400 LATE", "message: round 3 is closed", f"transfer: {A.hex()}"])
    add_message("rejected request without a transfer", "rejected", number(1, 402),
                ["code: 402 FUTURE_ROUND", "message: ", "transfer: none"])


def bad_frames():
    good = frame("fetchRound", zigzag(1, 1))
    add_frame("bad magic", "client", header(2, 0, magic=b"TRIC"), "BAD_MAGIC")
    add_frame("an HTTP request", "client", b"GET / HTTP/1.1\r\nHost: coordinator\r\n\r\n", "BAD_MAGIC")
    add_frame("protocol version 2", "client", header(2, 0, version=2), "UNSUPPORTED_VERSION")
    add_frame("protocol version 0", "client", header(2, 0, version=0), "UNSUPPORTED_VERSION")
    add_frame("type 0", "client", header(0, 0), "UNKNOWN_TYPE")
    add_frame("type 255", "client", header(255, 0), "UNKNOWN_TYPE")
    add_frame("a flag", "client", header(2, 0, flags=1), "RESERVED_BITS")
    add_frame("the last flag", "client", header(2, 0, flags=0x8000), "RESERVED_BITS")
    add_frame("a stream", "client", header(2, 0, stream=1), "RESERVED_BITS")
    add_frame("bad checksum", "client", good[:16] + bytes([good[16] ^ 1]) + good[17:], "BAD_CHECKSUM")
    add_frame("a length that the checksum does not cover", "client", good[:12] + b"\x03" + good[13:], "BAD_CHECKSUM")
    for name, kind, limit in (
        ("control", "hello", 65536), ("offer", "offerUpdate", 262144), ("chunk", "chunk", 65536 + 40),
    ):
        add_frame(f"{name} body at the limit, not there", "client", header(TYPES[kind], limit), "TRUNCATED")
        add_frame(f"{name} body one byte over the limit", "client", header(TYPES[kind], limit + 1), "FRAME_TOO_LARGE")
        add_frame(f"{name} body of four gigabytes", "client", header(TYPES[kind], 2**32 - 1), "FRAME_TOO_LARGE")
    add_frame("a header cut short", "client", good[:19], "TRUNCATED")
    add_frame("a body cut short", "client", good[:-1], "TRUNCATED")
    add_frame("welcome from a client", "client", frame("welcome"), "UNEXPECTED_MESSAGE")
    add_frame("hello from the coordinator", "coordinator", frame("hello", hello()), "UNEXPECTED_MESSAGE")


def bad_manifests():
    one = entry("a", "f32", [2], 8, 8)
    two = entry("b", "f32", [2], 8, 8)

    def add(name, entries, raw, encoded, expect, kind="adapter", digest=A):
        add_message(f"manifest: {name}", "roundStart", data(2, manifest(kind, entries, raw, encoded, digest)), [], expect)

    add("no entries", [], 0, 0, "BAD_MANIFEST")
    add("names out of order", [two, one], 16, 16, "DUPLICATE_NAME")
    add("a name twice", [one, one], 16, 16, "DUPLICATE_NAME")
    add("an empty name", [entry("", "f32", [2], 8, 8)], 8, 8, "MALFORMED")
    add("a name one byte too long", [entry("n" * 257, "f32", [2], 8, 8)], 8, 8, "LIMIT_EXCEEDED")
    add("a wrong raw total", [one, two], 17, 16, "BAD_MANIFEST")
    add("a wrong encoded total", [one, two], 16, 15, "BAD_MANIFEST")
    add("a digest of 33 bytes", [one], 8, 8, "MALFORMED", digest=A + b"x")
    add("an unknown kind", [one], 8, 8, "MALFORMED", kind=6)
    add("an unknown element type", [entry("a", 5, [2], 8, 8)], 8, 8, "MALFORMED")
    add("an unknown compression", [entry("a", "f32", [2], 8, 8, 3)], 8, 8, "MALFORMED")
    add("bytes among arrays", [entry("a", "bytes", [8], 8, 8)], 8, 8, "BAD_MANIFEST")
    add("two encodings that are not f32", [entry("a", "int8", [4], 8, 8), two, entry("c", "bf16", [2], 4, 4)],
        20, 20, "BAD_MANIFEST")
    add("a name in two spellings", [entry(name, "f32", [2], 8, 8) for name in ("e\u0301", "f", "\u00e9")], 24, 24,
        "DUPLICATE_NAME")
    add("a raw size that is not the shape's", [entry("a", "f32", [3], 8, 8)], 8, 8, "BAD_MANIFEST")
    add("stored in another size", [entry("a", "f32", [2], 8, 7)], 8, 7, "BAD_MANIFEST")
    add("compressed into more", [entry("a", "f32", [2], 8, 9, "zstd")], 8, 9, "BAD_MANIFEST")
    add("compressed into nothing", [entry("a", "f32", [2], 8, 0, "zstd")], 8, 0, "BAD_MANIFEST")
    add("a dimension of 0", [entry("a", "f32", [2, 0], 0, 0)], 0, 0, "BAD_MANIFEST")
    add("five dimensions", [entry("a", "f32", [1] * 5, 4, 4)], 4, 4, "LIMIT_EXCEEDED")
    add("a dimension one too large", [entry("a", "f32", [2**24 + 1], 4 * (2**24 + 1), 9, "zstd")], 4, 9, "LIMIT_EXCEEDED")
    add("a shape whose product overflows", [entry("a", "f32", [2**24] * 4, 0, 9, "zstd")], 0, 9, "LIMIT_EXCEEDED")
    size = 4 * 2**13 * (2**14 + 1)
    add("more raw bytes than an adapter may have", [entry("a", "f32", [2**13, 2**14 + 1], size, 9, "zstd")],
        size, 9, "LIMIT_EXCEEDED")
    add("one entry too many", [b""] * 2049, 0, 0, "LIMIT_EXCEEDED")
    batch = manifest("batch", [entry("batch", "bytes", [2**24 + 1], 2**24 + 1, 9, "zstd")], 2**24 + 1, 9, A)
    add_message("manifest: more raw bytes than a batch may have", "batch", data(3, batch), [], "LIMIT_EXCEEDED")
    pool = manifest("pool", [entry("other", "bytes", [9], 9, 9)], 9, 9, A)
    add_message("manifest: a payload of another name", "pool", data(3, pool), [], "BAD_MANIFEST")


def add_blob(name, kind, entries, encoded, expect="ok", decoded=None, digest=None):
    """entries: (name, element, shape, raw size, encoded size, compression)"""
    raw = sum(item[3] for item in entries)
    announced = digest or hashlib.sha256(encoded).digest()
    head = manifest(kind, [entry(*item) for item in entries], raw, sum(item[4] for item in entries), announced)
    blobs.append(
        {"name": name, "kind": kind, "manifest": head.hex(), "hex": encoded.hex(), "expect": expect,
         "decoded": decoded or []}
    )


def array_line(name, shape, values):
    return f"{name} {list(shape)}: " + " ".join(f"{bits(value):08x}" for value in values)


def rle_frame(declared, actual, descriptor=b"\x20"):
    """A zstd frame by hand: single segment, a one-byte content size, one last RLE block."""
    size = bytes([declared])
    return b"\x28\xb5\x2f\xfd" + descriptor + size + struct.pack("<I", actual << 3 | 1 << 1 | 1)[:3] + b"\0"


def array_blobs():
    values = [1.0, -2.5, 0.0, 3.4e38, -1e-40, 1 / 3]
    values = [f32(value) for value in values]
    raw = pack_f32(values)
    line = array_line("w", (2, 3), values)
    add_blob("f32 stored", "adapter", [("w", "f32", [2, 3], 24, 24, "stored")], raw, decoded=[line])
    many = [f32(index % 7 / 8) for index in range(512)]
    squeezed = zstd(pack_f32(many))
    item = ("w", "f32", [16, 32], 2048, len(squeezed), "zstd")
    add_blob("f32 in zstd", "update", [item], squeezed, decoded=[array_line("w", (16, 32), many)])
    halves = pack_bf16(values[:3] + [1e38] + values[4:])
    rounded = [struct.unpack("<f", struct.pack("<I", bf16(v) << 16))[0] for v in values[:3] + [1e38] + values[4:]]
    add_blob("bf16 stored", "update", [("w", "bf16", [6], 12, 12, "stored")], halves,
             decoded=[array_line("w", (6,), rounded)])
    signal = [0.5, -1.0, 0.25, 0.0, 0.0, 0.0, 3.0, 2.0, -3.0]
    quantised, scales, out = pack_int8(signal, 3)
    back = [f32(value * scales[index // 3]) for index, value in enumerate(out)]
    add_blob("int8 stored", "update", [("w", "int8", [3, 3], 21, 21, "stored")], quantised,
             decoded=[array_line("w", (3, 3), back)])
    scalar = pack_f32([2.0])
    add_blob("two arrays, one a scalar", "adapter",
             [("a", "f32", [], 4, 4, "stored"), ("w", "f32", [2, 3], 24, 24, "stored")], scalar + raw,
             decoded=[array_line("a", (), [2.0]), line])
    counters = [("a", "f32", [2], 8, 8, "stored"), ("w", "int8", [3, 3], 21, 21, "stored")]
    add_blob("counters in f32 beside int8", "update", counters, pack_f32([16777215.0, 3.0]) + quantised,
             decoded=[array_line("a", (2,), [16777215.0, 3.0]), array_line("w", (3, 3), back)])
    for label, value in (("NaN", float("nan")), ("infinity", float("inf")), ("minus infinity", float("-inf"))):
        add_blob(f"f32 with {label}", "update", [("w", "f32", [2], 8, 8, "stored")], pack_f32([1.0, value]), "NOT_FINITE")
    add_blob("bf16 with NaN", "update", [("w", "bf16", [2], 4, 4, "stored")],
             planes(struct.pack("<HH", 0x3F80, 0x7FC0), 2), "NOT_FINITE")
    add_blob("int8 with a NaN scale", "update", [("w", "int8", [2], 6, 6, "stored")],
             pack_f32([float("nan")]) + b"\1\2", "NOT_FINITE")
    add_blob("int8 with a scale that overflows", "update", [("w", "int8", [2], 6, 6, "stored")],
             pack_f32([3e38]) + b"\1\2", "NOT_FINITE")
    add_blob("int8 with a negative scale", "update", [("w", "int8", [2], 6, 6, "stored")],
             pack_f32([-1.0]) + b"\1\2", "MALFORMED")
    add_blob("int8 with the byte -128", "update", [("w", "int8", [2], 6, 6, "stored")],
             pack_f32([1.0]) + b"\1\x80", "MALFORMED")
    add_blob("another digest", "adapter", [("w", "f32", [2, 3], 24, 24, "stored")], raw, "DIGEST_MISMATCH", digest=A)
    add_blob("a byte too many", "adapter", [("w", "f32", [2, 3], 24, 24, "stored")], raw + b"x", "SIZE_MISMATCH")
    add_blob("a byte too few", "adapter", [("w", "f32", [2, 3], 24, 24, "stored")], raw[:-1], "SIZE_MISMATCH")


def zstd_blobs():
    def add(name, bytes_, expect, raw=1024):
        add_blob(name, "update", [("w", "f32", [raw // 4], raw, len(bytes_), "zstd")], bytes_, expect)

    good = zstd(bytes(1024))
    add("zstd of zeros", good, "ok")
    blobs[-1]["decoded"] = [array_line("w", (256,), [0.0] * 256)]
    bomb = zstd(bytes(64 * 2**20))
    add("a bomb: 64 MiB announced as 8 KiB", bomb, "SIZE_MISMATCH", raw=8192)
    streamed = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(bytes(1024))
    add("no content size in the frame", streamed, "DECOMPRESSION_FAILED")
    add("no zstd frame at all", b"not a frame, just text", "DECOMPRESSION_FAILED")
    add("a skippable frame", struct.pack("<II", 0x184D2A50, 8) + bytes(8), "SIZE_MISMATCH")
    add("a frame cut short", good[:-1], "DECOMPRESSION_FAILED")
    add("a byte after the frame", good + b"x", "SIZE_MISMATCH")
    add("two frames", good + good, "SIZE_MISMATCH")
    add("a frame that holds more than it declares", rle_frame(64, 1000), "DECOMPRESSION_FAILED", raw=64)
    add("a frame that holds less than it declares", rle_frame(64, 60), "DECOMPRESSION_FAILED", raw=64)
    # A single segment of 3 MiB of zeros in blocks of 128 KiB: its window is its content.
    size, block = 3 * 2**20, 2**17
    blocks = [struct.pack("<I", block << 3 | 1 << 1 | (start + block == size))[:3] + b"\0"
              for start in range(0, size, block)]
    single = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size) + b"".join(blocks)
    add("a single segment that holds less than it declares", single[:9] + blocks[0] + blocks[-1],
        "DECOMPRESSION_FAILED", raw=size)
    large = [("batch", "bytes", [size], size, len(single), "zstd")]
    add_blob("a batch of zeros in a single segment larger than any window", "batch", large, single, "MALFORMED")
    # Window descriptor 0x88 is exponent 17: a window of 2^27 bytes; 0x58 is exponent 11: 2^21, the limit;
    # 0x59 is an eighth more. Frame descriptor 0x80: four bytes of content size.
    for label, descriptor, expect in (
        ("the largest window", 0x58, "ok"), ("a window just over the limit", 0x59, "DECOMPRESSION_FAILED"),
        ("a window of 128 MiB", 0x88, "DECOMPRESSION_FAILED"),
    ):
        frame_ = (b"\x28\xb5\x2f\xfd\x80" + bytes([descriptor]) + struct.pack("<I", 1024)
                  + struct.pack("<I", 1024 << 3 | 1 << 1 | 1)[:3] + b"\0")
        add(label, frame_, expect)
        if expect == "ok":
            blobs[-1]["decoded"] = [array_line("w", (256,), [0.0] * 256)]


def payload_blobs():
    def add(name, kind, raw, expect="ok", decoded=None):
        add_blob(name, kind, [(kind, "bytes", [len(raw)], len(raw), len(raw), "stored")], raw, expect, decoded)

    def add_squeezed(name, kind, raw, expect):
        squeezed = zstd(raw)
        add_blob(name, kind, [(kind, "bytes", [len(raw)], len(raw), len(squeezed), "zstd")], squeezed, expect)

    def item(name, payload=b"2+2="):
        return data(1, name) + data(2, "sums") + data(3, payload)

    head = number(1, 1) + number(2, 4) + number(3, 11)
    add("batch", "batch", head + data(4, item("q1")) + data(4, item("q2", b"")) + number(5, 8),
        decoded=["round 4, step 11, 8 responses", "q1 sums 322b323d", "q2 sums "])
    add("batch of no items", "batch", number(1, 1) + number(5, 1), decoded=["round 0, step 0, 1 responses"])
    add("batch with an item twice", "batch", head + data(4, item("q1")) * 2 + number(5, 8), "DUPLICATE_NAME")
    add("batch without responses", "batch", head + data(4, item("q1")), "MALFORMED")
    add("batch of another format", "batch", number(1, 2) + number(5, 8), "MALFORMED")
    add("batch with one item too many", "batch", head + data(4, b"") * 4097, "LIMIT_EXCEEDED")
    add_squeezed("batch with an item one byte too large", "batch",
                 head + data(4, item("q", bytes(2**20 + 1))) + number(5, 8), "LIMIT_EXCEEDED")
    answer = data(1, "q1") + number(2, 1) + data(3, b"\1\0\0\0")
    add("responses", "responses", number(1, 1) + data(2, data(1, "q1")) + data(2, answer),
        decoded=["q1 0 ", "q1 1 01000000"])
    add("responses: none", "responses", number(1, 1), decoded=[])
    add("responses with index 256", "responses", number(1, 1) + data(2, data(1, "q1") + number(2, 256)), "LIMIT_EXCEEDED")
    add_squeezed("responses with one a byte too large", "responses",
                 number(1, 1) + data(2, data(1, "q1") + data(3, bytes(2**23 + 1))), "LIMIT_EXCEEDED")
    add("responses cut short", "responses", (number(1, 1) + data(2, answer))[:-1], "MALFORMED")
    swap = number(1, 1) + double(2, 1.0) + data(3, b"\7\0\0\0")
    scores = data(2, struct.pack("<dd", 1.0, 0.0))
    add("pool", "pool", head + data(4, data(1, "q1") + scores + data(3, swap)) + data(4, data(1, "q2") + scores),
        decoded=["round 4, step 11", "q1 [1.0, 0.0] 1<-1.0:07000000", "q2 [1.0, 0.0]"])
    add("pool with a target and merged bytes", "pool",
        head + data(4, data(1, "q1") + data(4, b"\1\2")) + data(4, data(1, "q2") + scores) + data(5, b"\3"),
        decoded=["round 4, step 11, merged 03", "q1 [] target 0102", "q2 [1.0, 0.0]"])
    add_squeezed("pool with a target one byte too large", "pool",
                 head + data(4, data(1, "q1") + data(4, bytes(2**23 + 1))), "LIMIT_EXCEEDED")
    add_squeezed("pool with one merged byte too many", "pool", head + data(5, bytes(2**23 + 1)), "LIMIT_EXCEEDED")
    add("pool with a NaN score", "pool", head + data(4, data(1, "q1") + data(2, struct.pack("<d", float("nan")))), "NOT_FINITE")
    add("pool with replacements out of order", "pool", head + data(4, data(1, "q1") + scores + data(3, swap) * 2), "MALFORMED")
    add("pool with an item twice", "pool", head + data(4, data(1, "q1")) * 2, "DUPLICATE_NAME")
    add("pool with one replacement too many", "pool", head + data(4, data(1, "q1") + data(3, b"") * 257), "LIMIT_EXCEEDED")


def add_packing(name, encoding, shape, values, packed_bytes):
    packing.append(
        {"name": name, "encoding": encoding, "shape": list(shape), "values": [bits(value) for value in values],
         "packed": packed_bytes.hex()}
    )


def packings():
    values = [f32(value) for value in (1.0, -1.0, 0.1, 65504.0, 1e-30, -0.0, 1 / 3, 2.0**-149)]
    add_packing("f32", "f32", (2, 4), values, pack_f32(values))
    ties = [struct.unpack("<f", struct.pack("<I", word))[0]
            for word in (0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0xBF818000, 0x00008000, 0x00018000, 0x7F7F7FFF)]
    add_packing("bf16, ties to even", "bf16", (8,), ties, pack_bf16(ties))
    add_packing("bf16", "bf16", (2, 4), values, pack_bf16(values))
    add_packing("int8, a row of zeros", "int8", (2, 4), values[:4] + [0.0] * 4, pack_int8(values[:4] + [0.0] * 4, 2)[0])
    halves = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -127.0]
    add_packing("int8, halves to even", "int8", (8,), halves, pack_int8(halves, 1)[0])
    state, noise = 1, []
    for _ in range(60):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        noise.append(f32((state / 2**31 - 0.5) * 0.02))
    add_packing("int8, rows of three dimensions", "int8", (5, 4, 3), noise, pack_int8(noise, 5)[0])


def write(name, vectors):
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), "two vectors of one name"
    text = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in vectors)
    (HERE / name).write_text(f"[\n{text}\n]\n")
    print(f"{name}: {len(vectors)} vectors")


session_messages()
round_messages()
transfer_messages()
bad_frames()
bad_manifests()
array_blobs()
zstd_blobs()
payload_blobs()
packings()
write("frames.json", frames)
write("blobs.json", blobs)
write("packing.json", packing)
