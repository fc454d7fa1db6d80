#!/usr/bin/env python3
"""Makes the fixtures of TextTests with the PyPI package tokenizers (0.23.3).

Usage: make_fixtures.py [FOLDER]

It trains a small byte-level BPE vocabulary, set up as SmolLM2's own tokenizer.json is, on the text
below, and writes: tokenizer.json, vectors.jsonl (text, ids with and without special parsing, decoded
text), older.json (the same vocabulary with merges as "left right" and GPT-2's pre-tokenizer alone) and
its older_vectors.jsonl, characters.json and characters_vectors.jsonl (one token a character), and
unicode_classes.txt (the class of every character as the reference's pre-tokenizer sees it).
"""
import json, pathlib, sys
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)

CORPUS = [
    "A river does not ask where the rain came from; it carries all of it to the sea.",
    "Three streams meet below the mill, and the water that leaves is none of them and all of them.",
    "She'll say that they've gone, that he's late, that I'd better wait and that we're done. Don't.",
    "for (int index = 0; index < count; index++) { total += values[index] * weights[index]; }",
    "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value\n    return total / len(values)\n",
    "struct Point { var x: Double\n    var y: Double\n}\n\tlet origin = Point(x: 0.0, y: 0.0)\n",
    "The sum of 12 and 30 is 42, the product is 360; 7 times 8 is 56, and 100 minus 1 is 99.",
    "Der Fluss fließt über die Wehre, später auch durch Gärten. Où est la clé? Là-bas, près du café.",
    "Река течёт к морю. Ο ποταμός κυλά προς τη θάλασσα. 川は海へ流れる。河流入海。",
    "the there then them they these other another rather mother water later after matter letter",
    "ing ring string bring thing nothing something walking talking reading writing training",
    "user\nassistant\nsystem\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face\n",
    "        deep indent\n\n\n    less\n\n  little\n   odd\n",
]
MISSING = [0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2] + list(range(0xF5, 0x100))
TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", "\t\tx", " \t x", "a  b", "a   b", "a \n b", "a\n\n  b",
    "  lead", "trail  ", "trail \n", "\r\nline\r\n", "a\u00a0b", "a\u2003\u2003b", "\u3000x", "a\u0085b", "\x0b\x0c",
    "0", "42", "3.14159", "a1b2", "x  1", " 12", "1,234,567", "2\u00b2 + \u00bd = \u2167", "\u0661\u0662\u0663",
    "12th of 7", "-5 + 7 = 2", "1\n2\n\n3",
    "Hello, world!", "don't won't we're I'll they've he'd I'm", "DON'T WE'RE", "'sound 'tis 'll", "it's'd'm", "'", "''s",
    "...", "?!?!", "(a) [b] {c}", " - -- --- ", "a_b_c", "#### 42", "$5.00 & 10%", "\"quoted\" \u201ctext\u201d",
    "the water that leaves the mill", "another mother rather than the other brother", "walking talking training",
    "for (int i = 0; i < n; i++) { s += v[i]; }", "def f(x):\n\treturn x ** 2\n", "    let y = [1, 2, 3]\n        .map { $0 }",
    "Gärten über später fließt", "Où est la clé? Là-bas, près du café.", "e\u0301 vs \u00e9", "na\u00efve co\u00f6perate",
    "Река течёт", "Ο ποταμός", "川は海へ流れる。", "नदी समुद्र की ओर", "النهر يجري", "แม่น้ำไหล", "강이 흐른다",
    "\U0001f30a\U0001f3de\ufe0f river", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "\u200b\u200d\ufeff", "\U0001d7d8\U0001d7d9", "\U00020000\U0002a6d6", "\u0149\u017f\u1e9e",
    "<|im_start|>user\nHi<|im_end|>\n", "a<|im_end|>b", "a <|im_end|> b", "<|im_start", "<|im_end|><|im_end|>",
    "<|endoftext|>x", "<<|im_end|>>", "<tool>1<tool> 2", "<tool", "x\x04y", "\x04", "a\x13\x14b", "x\x1dy\x1ez",
    "a\U00040000b", "\U0010ffff", "\u0000\u0001\u007f", "a" * 300, "ab" * 200, " " * 120 + "x", "the " * 80,
    "9" * 60, "." * 200, "tributary", "Tributary's rivers",
]


def encode(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).ids


def write_lines(name, rows):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def vectors(tokenizer, texts):
    rows = []
    for text in texts:
        ids = encode(tokenizer, text, True)
        rows.append({
            "text": text, "ids": ids, "ids_plain": encode(tokenizer, text, False),
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "decoded_plain": tokenizer.decode(ids, skip_special_tokens=True),
        })
    return rows


def train(pre_tokenizer):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    every = {}
    following = 256
    for byte in range(256):  # GPT-2's alphabet
        printable = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        every[byte] = chr(byte if printable else following)
        following += 0 if printable else 1
    alphabet = [every[byte] for byte in range(256) if byte not in MISSING]
    trainer = trainers.BpeTrainer(
        vocab_size=600, min_frequency=1, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    return tokenizer


def bytepair():
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    smol = train(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]))
    (folder / "tokenizer.json").write_text(smol.to_str(), encoding="utf-8")
    write_lines("vectors.jsonl", vectors(smol, TEXTS))
    older = train(level)
    write_lines("older_vectors.jsonl", vectors(older, TEXTS))
    file = json.loads(older.to_str())
    file["model"]["merges"] = [" ".join(pair) for pair in file["model"]["merges"]]
    (folder / "older.json").write_text(json.dumps(file), encoding="utf-8")
    return smol


def characters():
    tokens = ["<pad>", "<bos>", "<eos>"] + list("0123456789+-*%=,:><srmckwbxdo")
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in tokens[:3]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B:0", special_tokens=[("<bos>", 1)]
    )
    (folder / "characters.json").write_text(tokenizer.to_str(), encoding="utf-8")
    texts = ["", "12+3=", "<bos>12+3=", "15<eos>", "s0912=0129", ">12,34=", "c31234=", "<pad><pad><bos>r1=", "*%:wbxdo"]
    rows = [{"text": text, "ids": encode(tokenizer, text, True)} for text in texts]
    write_lines("characters_vectors.jsonl", rows)


def classes(tokenizer):
    def count(text):
        return len(tokenizer.pre_tokenizer.pre_tokenize_str(text))

    def kind(scalar):
        if count("x" + scalar) == 1: return "L"
        if count("!" + scalar) == 1: return "-"
        return "S" if count(" " + scalar) == 1 else "N"

    runs = []
    for value in range(0x110000):
        if 0xD800 <= value < 0xE000: continue
        this = kind(chr(value))
        if runs and runs[-1][0] == this and runs[-1][2] == value - 1: runs[-1][2] = value
        else: runs.append([this, value, value])
    lines = [f"{kind} {first:X} {last:X}\n" for kind, first, last in runs if kind != "-"]
    (folder / "unicode_classes.txt").write_text("".join(lines))


smol = bytepair()
characters()
classes(smol)
