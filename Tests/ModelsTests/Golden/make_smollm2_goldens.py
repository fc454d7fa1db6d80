"""Writes files/smollm2.json: what NumPy, tokenizers and jinja2 make of SmolLM2's GGUF file.

    python make_smollm2_goldens.py [MODEL.gguf]     (models/smollm2-135m/... unless given; about three minutes)

`deploy/fetch-model smollm2-135m` fetches the model. The reader, the blocks' layout and the decoder are written down
here by themselves: nothing of them comes from the code they are the measure of.

  tensors   one of each kind: some values, and the SHA-256 of all values as little-endian float32. Half-precision
            scales times small integers are exact in float32, and the sum with the minimum is rounded once, so every
            bit is decided
  prompts   logits, losses, states of the residual stream and 16 greedy tokens, computed in float64 on the float32
            weights
  texts     ids by `tokenizers` (0.23) with the file's vocabulary and merges
  bulk      the SHA-256 of the ids of many texts, which both sides draw from `pieces` by one generator
  chats     conversations as jinja2 renders the file's own template
"""

import hashlib
import json
import math
import pathlib
import struct
import sys

import numpy as np
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

HERE = pathlib.Path(__file__).parent
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GREEDY = 16
BULK = {"count": 600, "longest": 60, "seed": 7}

PROMPTS = {
    "plain": "The river rises in the mountains and",
    "sum": "<|im_start|>user\nWhat is 17 + 25?<|im_end|>\n<|im_start|>assistant\n",
    "code": "def area(width, height):\n    return",
    "list": "Monday, Tuesday, Wednesday,",
    "one token": "Water",
    "long": "A mill stands where three streams meet. The first is cold and comes from the north, the second is slow "
    "and brown, and the third carries leaves in autumn. When the miller opens the gate, the water turns the wheel, "
    "and the wheel turns the stone. On Sundays the gate stays shut, and the pond fills to the brim. The children of "
    "the village know this, and on Sundays they",
}

TEXTS = [
    "", " ", "  ", "\n", "\n\n\n", "\t\tx", " \n a", "trail  ", "\r\nline\r\n", "a\u00a0b", "\u3000x",
    "The water that leaves the mill is none of them and all of them.", "don't we're I'll they've he'd I'm",
    "DON'T WE'RE", "'s 't ''ll", "42", "3.14159", "1,234,567.89", "x  1", "-5 + 7 = 2", "1\n2\n\n3", "2\u00b2 \u00bd \u2167",
    "$5.00 & 10% (net) [b] {c}", "?!?! ... --", "a_b_c #### 42", "for (int i = 0; i < n; i++) { s += v[i]; }",
    "def f(x):\n\treturn x ** 2\n", "        deep\n    less\n", "Der Fluss fließt über die Wehre.", "Où est la clé?",
    "e\u0301 vs \u00e9", "Река течёт к морю.", "Ο ποταμός", "川は海へ流れる。", "नदी", "النهر", "강이 흐른다",
    "\U0001f30a\U0001f3de\ufe0f river", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0000\u0001\u007f", "\U0010ffff",
    "<|im_start|>user\nHi<|im_end|>\n", "a <|im_end|> b", "<|im_start", "<<|endoftext|>>", "a" * 70, " " * 40 + "x",
    "9" * 30, "." * 90, "the " * 30,
]

PIECES = [
    " the", " water", "river", " Mill", "ing", "s", "'s", "'re", " don't", " 7", "0", "12.5", " = ", "+", " - ", "\n",
    "\n\n", "\t", " ", "  ", "     ", ".", ",", "?!", "...", " (", ")", "{", "};", "_", "#", "\"", "ß", "é", "e\u0301", "Ж",
    " поток", "川", "流れ", "ن", "강", "\U0001f30a", "\u200d", "\u00a0", "\u00bd", "<|im_end|>", "<|im", "|>", "Tributary",
    " federated", " of", " def", "return ", "\r\n", "http://", "@", "%", "x", "Q", "z",
]

CHATS = [
    ([("user", "How deep is the pond?")], True),
    ([("user", "How deep is the pond?"), ("assistant", "Two metres.")], False),
    ([("system", "Answer in one word."), ("user", " Spaces kept? "), ("assistant", "Yes"), ("user", "Sure?\n")], True),
    ([("system", ""), ("user", "Ça va? 川")], True),
]


class GGUF:
    """A GGUF file's metadata and tensors."""

    FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def __init__(self, path):
        self.bytes = path.read_bytes()
        self.at = 8
        tensors, pairs = self.number("Q"), self.number("Q")
        self.metadata = {}
        for _ in range(pairs):
            key = self.text()
            self.metadata[key] = self.value(self.number("I"))
        self.entries = {}
        for _ in range(tensors):
            name = self.text()
            shape = [self.number("Q") for _ in range(self.number("I"))][::-1]
            self.entries[name] = (shape, self.number("I"), self.number("Q"))
        self.start = -(-self.at // 32) * 32

    def number(self, form):
        value = struct.unpack_from("<" + form, self.bytes, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def text(self):
        count = self.number("Q")
        self.at += count
        return self.bytes[self.at - count : self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind != 9:
            return self.number(self.FORMATS[kind])
        element, count = self.number("I"), self.number("Q")
        return [self.value(element) for _ in range(count)]

    def tensor(self, name):
        """The float32 values, in row-major order."""
        shape, kind, offset = self.entries[name]
        count, at = math.prod(shape), self.start + offset
        if kind == 0:  # F32
            return np.frombuffer(self.bytes, "<f4", count, at).reshape(shape)
        if kind == 8:  # Q8_0: 32 values are a scale and 32 signed bytes
            block = np.dtype([("scale", "<f2"), ("codes", "i1", 32)])
            blocks = np.frombuffer(self.bytes, block, count // 32, at)
            return (blocks["scale"].astype("f4")[:, None] * blocks["codes"].astype("f4")).reshape(shape)
        if kind == 3:  # Q4_1: a scale, a minimum and 16 bytes, low halves first
            block = np.dtype([("scale", "<f2"), ("minimum", "<f2"), ("codes", "u1", 16)])
            blocks = np.frombuffer(self.bytes, block, count // 32, at)
            codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], 1).astype("f4")
            scale, minimum = (blocks[key].astype("f4")[:, None] for key in ("scale", "minimum"))
            return (scale * codes + minimum).reshape(shape)
        raise SystemExit(f"{name}: type {kind} is not known here")


class Llama:
    """A Llama decoder on one sequence, in float64."""

    def __init__(self, file):
        settings = {key.removeprefix("llama."): value for key, value in file.metadata.items()}
        self.layers, self.heads = settings["block_count"], settings["attention.head_count"]
        self.groups = self.heads // settings["attention.head_count_kv"]
        self.epsilon, self.base = settings["attention.layer_norm_rms_epsilon"], settings["rope.freq_base"]
        self.w = {name: file.tensor(name).astype("f8") for name in file.entries}
        self.size = self.w["token_embd.weight"].shape[1] // self.heads

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.w[name]

    def rotate(self, x):
        """Turns the pairs (0, 1), (2, 3), ... of each head: `x` is [heads, T, size]."""
        angles = np.arange(x.shape[1])[:, None] * self.base ** (-np.arange(0, self.size, 2) / self.size)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = np.empty_like(x)
        turned[..., 0::2] = even * np.cos(angles) - odd * np.sin(angles)
        turned[..., 1::2] = even * np.sin(angles) + odd * np.cos(angles)
        return turned

    def forward(self, ids):
        """The logits [T, V] and the residual stream after the embedding and after each block."""
        x = self.w["token_embd.weight"][ids]
        states, future = [x], np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        for layer in range(self.layers):
            at = f"blk.{layer}."

            def linear(y, name):
                return y @ self.w[f"{at}{name}.weight"].T

            def split(y):
                return y.reshape(len(ids), -1, self.size).swapaxes(0, 1)

            y = self.norm(x, at + "attn_norm.weight")
            q, k = (self.rotate(split(linear(y, name))) for name in ("attn_q", "attn_k"))
            k, v = (np.repeat(part, self.groups, 0) for part in (k, split(linear(y, "attn_v"))))
            scores = q @ k.swapaxes(1, 2) / math.sqrt(self.size) + future
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            seen = scores / scores.sum(-1, keepdims=True) @ v
            x = x + linear(seen.swapaxes(0, 1).reshape(len(ids), -1), "attn_output")
            y = self.norm(x, at + "ffn_norm.weight")
            gate = linear(y, "ffn_gate")
            x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, "ffn_up"), "ffn_down")
            states.append(x)
        return self.norm(x, "output_norm.weight") @ self.w["token_embd.weight"].T, states


def digits(values):
    return [float(f"{float(x):.9g}") for x in values]


def places(count, wanted=8):
    """Indices that are spread over 0 ..< count, first and last among them."""
    return [index * (count - 1) // (wanted - 1) for index in range(wanted)]


def tensors(file):
    last = max(int(name.split(".")[1]) for name in file.entries if name.startswith("blk."))
    names = ["token_embd.weight", "output_norm.weight"]
    kinds = [name.removeprefix("blk.0.") for name in file.entries if name.startswith("blk.0.")]
    names += [f"blk.{last * index // (len(kinds) - 1)}.{kind}" for index, kind in enumerate(kinds)]
    rows = []
    for name in names:
        values = file.tensor(name)
        flat = values.flatten()
        rows.append({
            "name": name, "shape": list(values.shape), "values": digits(flat[places(len(flat))]),
            "sha256": hashlib.sha256(flat.astype("<f4").tobytes()).hexdigest(),
        })
    return rows


def prompt(model, tokenizer, name, text):
    ids = encode(tokenizer, text, True)
    logits, states = model.forward(ids)
    tops = logits.max(-1, keepdims=True)
    sums = (tops + np.log(np.exp(logits - tops).sum(-1, keepdims=True)))[:, 0]
    columns = places(logits.shape[1]) + [int(index) for index in np.argsort(-logits[-1])[:5]]
    row = {
        "name": name, "text": text, "ids": ids, "logSum": digits(sums[-1:])[0],
        "losses": digits(sums[index] - logits[index, ids[index + 1]] for index in range(len(ids) - 1)),
        "columns": columns, "logits": digits(logits[-1, columns]), "states": [],
    }
    for boundary in (0, 1, model.layers // 2, model.layers):
        state = states[boundary][-1]
        row["states"].append({
            "boundary": boundary, "values": digits(state[places(len(state))]), "norm": digits([np.linalg.norm(state)])[0],
        })
    row["greedy"] = []
    for _ in range(GREEDY):
        second, best = np.sort(logits[-1])[-2:]
        assert best - second > 0.01, f"{name}: token {len(row['greedy'])} is too near to a tie for float32"
        row["greedy"].append(int(logits[-1].argmax()))
        logits, _ = model.forward(ids + row["greedy"])
    return row


def make_tokenizer(metadata):
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level])
    special = [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, kinds) if kind == 3]
    tokenizer.add_special_tokens(special)
    return tokenizer


def encode(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).ids


def bulk(tokenizer):
    """Texts of pieces drawn by the high bits of a 32-bit linear congruential generator."""
    state, total, digest = BULK["seed"], 0, hashlib.sha256()

    def draw(below):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return (state >> 8) % below

    for _ in range(BULK["count"]):
        count = 1 + draw(BULK["longest"])
        ids = encode(tokenizer, "".join(PIECES[draw(len(PIECES))] for _ in range(count)), True)
        total += len(ids)
        digest.update(struct.pack(f"<{len(ids)}i", *ids))
    return BULK | {"pieces": PIECES, "tokens": total, "sha256": digest.hexdigest()}


def chats(tokenizer, template):
    render = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template).render
    rows = []
    for turns, opens in CHATS:
        messages = [{"role": role, "content": content} for role, content in turns]
        text = render(messages=messages, add_generation_prompt=opens)
        rows.append({"messages": messages, "opens": opens, "text": text, "ids": encode(tokenizer, text, True)})
    return rows


if __name__ == "__main__":
    standard = HERE.parents[2] / "models" / "smollm2-135m" / NAME
    file = GGUF(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else standard)
    tokenizer, model = make_tokenizer(file.metadata), Llama(file)
    texts = [
        {"text": text, "ids": encode(tokenizer, text, True)}
        | ({"plain": encode(tokenizer, text, False)} if "<|" in text else {})
        for text in TEXTS
    ]
    goldens = {
        "sha256": hashlib.sha256(file.bytes).hexdigest(),
        "parameters": sum(math.prod(shape) for shape, _, _ in file.entries.values()),
        "tensors": tensors(file), "texts": texts, "bulk": bulk(tokenizer),
        "chats": chats(tokenizer, file.metadata["tokenizer.chat_template"]),
        "prompts": [prompt(model, tokenizer, name, text) for name, text in PROMPTS.items()],
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in goldens.items())
    (HERE / "files" / "smollm2.json").write_text("{\n" + lines + "\n}\n")
