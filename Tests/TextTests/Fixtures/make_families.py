"""Writes Families/ with the PyPI packages tokenizers (0.23.3), sentencepiece (0.2.3) and transformers (5.24).

Usage: make_families.py [FOLDER]

For each family a small vocabulary is trained on the text below, with the normaliser, pre-tokenizer, post-processor and
decoder that the family's own tokenizer.json has. Written are NAME.json, for those whose GGUF form differs NAME.gguf.json
(the arrays of the metadata), texts.jsonl (the strings, one in a line), and goldens.json: for each family and each 50
strings the hashes of the ids with and without special tokens, and of the decoded texts; and some strings to read.
"""
import base64, io, json, pathlib, random, sys, tempfile
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.tokenization_utils_base import generate_merges

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "Families")
folder.mkdir(exist_ok=True)

CORPUS = [
    "A river does not ask where the rain came from; it carries all of it to the sea.",
    "Three streams meet below the mill, and the water that leaves is none of them and all of them.",
    "She'll say that they've gone, that he's late, that I'd better wait and that we're done. Don't. It's I'm.",
    "for (int index = 0; index < count; index++) { total += values[index] * weights[index]; } // sum\n",
    "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value\n    return total / len(values)\n",
    "struct Point { var x: Double\n    var y: Double\n}\n\tlet origin = Point(x: 0.0, y: 0.0)\r\n\r\n",
    "The sum of 12 and 30 is 42, the product is 360; 7 times 8 is 56, and 100 minus 1 is 99. In 1984, 2026 and 31415.",
    "Der Fluss fließt über die Wehre, später auch durch Gärten. Où est la clé? Là-bas, près du café.",
    "Река течёт к морю. Ο ποταμός κυλά προς τη θάλασσα. 川は海へ流れる。河流入海。 नदी समुद्र की ओर। النهر يجري",
    "the there then them they these other another rather mother water later after matter letter HTML URL JSON API",
    "ing ring string bring thing nothing something walking talking reading writing training camelCase getValueOf",
    "user\nassistant\nsystem\nYou are a helpful assistant. What is it? How are you? I am fine, thank you!\n",
    "        deep indent\n\n\n    less\n\n  little\n   odd\n", "aa aaa aaaa bb bbb == === ---- ____ .... !!! ??",
]

WORDS = (" ".join(CORPUS)).split() + [
    "tributary", "federated", "Zürich", "naïve", "coöperate", "e\u0301", "A\u030a", "\u1e69", "s\u0323\u0307", "q\u0307\u0323",
    "한국어", "\u1112\u1161\u11ab", "\u1100\u1161", "ไทย", "עברית", "தமிழ்", "ქართული", "հայերեն", "ÅÄÖ", "ﬁne", "①②", "Ⅻ", "½",
    "²", "٣٤", "१२", "𝟘𝟙", "𝔘𝔫𝔦", "𠀀", "🌊", "👨\u200d👩\u200d👧", "🇩🇪", "👍🏽", "☃\ufe0f", "’s", "'S", "'LL", "'\u017f", "I\u0307",
    "ǅ", "ʰ", "ª", "…", "—", "„quoted“", "«x»", "£5", "€", "№", "\u00ad", "\u200b", "\ufeff", "\u2028", "\u0085", "\u00a0",
    "\u3000", "\u2003", "\x00", "\x07", "\x1b[0m", "\x7f", "\ufffd", "\U0010ffff", "\ue000", "▁", "▁▁", "Ġ", "ĠĠ", "<0x41>", "<0x0A>",
    "don't", "WE'RE", "it'sx", "''", "`", "``", "\\n", "\\u0041", "{}", "[[", "]]", "://", "a/b", "//", "#!", "@x", "$1", "%", "&&", "||",
    "1,234.5", "0x1F", "1e-5", "12345678901234567890", "v2", "3D", "x²", "1st", "ß", "ẞ", "ﬀ", "K", "Ω", "Å",
]
GAPS = [" "] * 14 + ["", "", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\u00a0", "\u3000 ", "        ", "\t\t", " \r", "\u2003"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "<|begin_of_text|>", "<tool>",
           "<extra_id_0>", "<bos>", "<|im_", "|>", "<s", "</"]
FIXED = [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", " \n", "\n ", "\t", "\r\n", "\r", "\r\r\n\n", " \r\n ", "a", " a", "a ", " a ", "  a", "   a  b",
    "a\n\n  b", "1", "12", "123", "1234", "12345", "123456", " 1", "  1", "1 ", "a1", "1a", "a 1", "1\n2", "'", "''", "'s", " 's", "x's", "X'S",
    "'\u017f", "x'ſ", "'K", "\u00a0", "\u00a0\u00a0x", "\u3000", "\u0085", "\u2028x", "\u200b", "\ufeff", "\x00", "▁", "▁a", " ▁", "a▁b",
    "é", "e\u0301", "\u0344", "\u1e9b\u0323", "\u0958", "\u2126", "\uac00\u11a8", "\u1100\u1161\u11a8", "\U0001d15e", "\u0340", "a\u0315\u0300\u05ae\u0062",
    "A" * 40, "ab" * 150, " " * 100, " " * 100 + "x", "\n" * 50, "9" * 50, "." * 80, "=" * 63, "the " * 60, "ABCdefGHI", "XMLHttpRequest",
    "\u0300" * 40 + "a", "a" + "\u0323\u0301" * 20, "😀" * 30, "🏴\U000e0067\U000e0062\U000e007f", "\U000e0001", "ÀÉÎ" * 30, "\u4e00" * 40,
    "<0x41><0x0A>", "<0xFF", "Hello, world!", "How are you? I'm fine.", "if x == 1:\n\treturn\n", "https://example.org/a?b=c&d=%20#e",
]


def draw_texts():
    source = random.Random(11)
    texts = list(FIXED) + CORPUS
    while len(texts) < 2200:
        kind = source.random()
        if kind < 0.12:  # characters of all planes
            ranges = [(0, 0x7f)] * 3 + [(0x80, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff), (0xe00, 0x11ff),
                      (0x1e00, 0x20cf), (0x2100, 0x27bf), (0x3000, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xf900, 0xfaff),
                      (0xfb00, 0xfeff), (0xff00, 0xffef), (0x1d400, 0x1d7ff), (0x1f300, 0x1faff), (0x20000, 0x2a6df)]
            text = "".join(chr(source.randint(*source.choice(ranges))) for _ in range(source.randint(1, 24)))
        elif kind < 0.2:  # white space and digits
            text = "".join(source.choice([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "a", "1", "23", "456", ".", "'"])
                           for _ in range(source.randint(1, 30)))
        else:
            text = source.choice(["", "", " ", "\n"])
            for _ in range(source.randint(1, 14)):
                text += source.choice(SPECIAL) if source.random() < 0.06 else source.choice(WORDS)
                text += source.choice(GAPS)
        texts.append(text)
    return texts


def fnv(values):
    value = 0xCBF29CE484222325
    for number in values:
        value = ((value ^ number) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def hashes(rows):
    """A hash for each 50 rows of numbers; each row is closed by a number that is in none."""
    return [fnv(n for row in rows[start:start + 50] for n in row + [0xFFFFFFFF]) for start in range(0, len(rows), 50)]


def encode(tokenizer, text, special):
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).ids


def without_special(tokenizer):
    """The tokenizer for plain text. A unigram model has its special tokens among its pieces, and `tokenizers` finds them
    there even in plain text; here nothing does."""
    file = json.loads(tokenizer.to_str())
    if file["model"]["type"] != "Unigram": return tokenizer
    for token in file["added_tokens"]: file["model"]["vocab"][token["id"]][0] = f"\uf8ff{token['id']}"
    file["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(file))


def golden(tokenizer, texts):
    unspecial = without_special(tokenizer)
    ids = [encode(tokenizer, text, True) for text in texts]
    plain = [encode(unspecial, text, False) for text in texts]
    decoded = [list(tokenizer.decode(row, skip_special_tokens=False).encode()) for row in ids]
    # Cut in the middle, so that characters are cut too.
    parts = [list(tokenizer.decode(row[len(row) // 2:], skip_special_tokens=True).encode()) for row in ids]
    readable = [{"text": text, "ids": encode(tokenizer, text, True), "plain": encode(unspecial, text, False)} for text in READABLE]
    tokenizer.encode_special_tokens = False
    return {"ids": hashes(ids), "plain": hashes(plain), "decoded": hashes(decoded), "parts": hashes(parts), "readable": readable,
            "whole": tokenizer.encode("Hello, world!").ids}


READABLE = ["Hello, world!", " the  water\n\n  of 1234 rivers", "she'll DON'T", "café e\u0301 川 🌊", "<s><|im_end|> <tool>x</s>", "\x00▁a"]

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + SUFFIX +
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + SUFFIX +
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_level(steps, special, added=(), normalizer=None, ignore_merges=False, post=None):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, min_frequency=1, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    if ignore_merges:  # a token that no rules lead to
        file = json.loads(tokenizer.to_str())
        file["model"]["vocab"]["Ġwalkingx"] = len(file["model"]["vocab"])
        tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    tokenizer.add_tokens(list(added))
    if post: tokenizer.post_processor = post(tokenizer)
    return tokenizer


def split(pattern):
    return [pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)]


def template(token, before=True):
    def make(tokenizer):
        return processors.TemplateProcessing(single=f"{token} $A" if before else f"$A {token}", pair=f"{token} $A $B" if before else f"$A $B {token}",
                                             special_tokens=[(token, tokenizer.token_to_id(token))])
    return make


def train_pieces(**settings):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in CORPUS for line in text.split("\n") if line]), model_writer=model,
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **settings)
    return pb.ModelProto.FromString(model.getvalue())


def sentence_pieces():
    proto = train_pieces(model_type="bpe", vocab_size=800, byte_fallback=True, normalization_rule_name="identity",
                         remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True,
                         character_coverage=0.98)
    pieces = [(piece.piece, piece.score, piece.type) for piece in proto.pieces]
    vocabulary = {text: id for id, (text, _, _) in enumerate(pieces)}
    scores = {text: score for text, score, kind in pieces if kind == 1}
    return pieces, vocabulary, generate_merges({text: vocabulary[text] for text in scores}, scores)


PIECES = sentence_pieces()


def piece_bpe(normalizer, pre_tokenizer, strip, normalized, added=(), post="<s>"):
    pieces, vocabulary, merges = PIECES
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    if pre_tokenizer: tokenizer.pre_tokenizer = pre_tokenizer
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))
    tokenizer.add_special_tokens([AddedToken(token, normalized=normalized, special=True) for token in ["<unk>", "<s>", "</s>"]])
    tokenizer.add_tokens(list(added))
    tokenizer.post_processor = template(post)(tokenizer)
    return tokenizer


def unigram(byte_fallback):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        # Some of NFKC's rules: ligatures, circled digits, wide forms, accents, white space; and one that starts as another does.
        for left, right in [("\ufb01", "fi"), ("\u2460", "1"), ("\u2461", "2"), ("\u00bd", "1/2"), ("\u216b", "XII"), ("e\u0301", "\u00e9"),
                            ("A\u030a", "\u00c5"), ("\u2126", "\u03a9"), ("\u212b", "\u00c5"), ("\u3000", " "), ("\u00a0", " "), ("\u2003", " "),
                            ("\t", " "), ("\n", " "), ("\u200b", ""), ("\u00b2", "2"), ("\u2026", "..."), ("\u1100\u1161", "\uac00"),
                            ("\u00ad", "")]:
            rules.write(" ".join(f"{ord(c):X}" for c in left) + "\t" + " ".join(f"{ord(c):X}" for c in right) + "\n")
        rules.flush()
        proto = train_pieces(model_type="unigram", vocab_size=620, byte_fallback=byte_fallback, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
                             **({} if byte_fallback else {"normalization_rule_tsv": rules.name}),
                             **({"normalization_rule_name": "identity"} if byte_fallback else {}))
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    if not byte_fallback: pieces += [(f"<extra_id_{index}>", 0.0) for index in (1, 0)]
    tokenizer = Tokenizer(models.Unigram(pieces, 2, byte_fallback))
    if byte_fallback:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", "first", True)
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace("▁", "first", True)])
    else:
        tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", "always", True)])
        tokenizer.decoder = decoders.Metaspace("▁", "always", True)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in ["<pad>", "</s>", "<unk>"]])
    if not byte_fallback:
        tokenizer.add_special_tokens([AddedToken(f"<extra_id_{index}>", normalized=False, special=True) for index in (1, 0)])
    tokenizer.post_processor = template("</s>", before=False)(tokenizer)
    return tokenizer, proto


def gguf(pieces, **rest):
    return {"tokens": [piece[0] for piece in pieces], "scores": [piece[1] for piece in pieces], "types": [piece[2] for piece in pieces], **rest}


texts = draw_texts()
chat = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
metaspace = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
gemma_added = [AddedToken(token, normalized=False) for token in ["\n\n", "▁▁▁", "<tool>"]]
flagged = [AddedToken("<tool>", normalized=False, lstrip=True, rstrip=True), AddedToken("water", single_word=True, normalized=True),
           AddedToken("é", normalized=True)]
t5, t5_proto = unigram(False)
families = {
    "gpt2": byte_level([pre_tokenizers.ByteLevel(add_prefix_space=False)], ["<|endoftext|>"]),
    "prefix": byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True)], ["<s>", "</s>"], flagged),
    "smollm": byte_level([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)], chat),
    "llama3": byte_level(split(LLAMA3), ["<|begin_of_text|>", "<|im_end|>"], ignore_merges=True,
                         post=lambda tokenizer: processors.Sequence([processors.ByteLevel(trim_offsets=True), template("<|begin_of_text|>")(tokenizer)])),
    "qwen2": byte_level(split(QWEN2), chat, [AddedToken("<tool>", normalized=False)], normalizer=normalizers.NFC(),
                        post=lambda tokenizer: processors.ByteLevel(trim_offsets=False)),
    "tekken": byte_level(split(TEKKEN), ["<s>", "</s>", "[INST]"], ignore_merges=True, post=template("<s>")),
    "gpt4o": byte_level(split(GPT4O), ["<|endoftext|>"]),
    "llama2": piece_bpe(metaspace, None, True, False),
    "llama2-normalized": piece_bpe(metaspace, None, True, True),
    "mistral": piece_bpe(None, pre_tokenizers.Metaspace("▁", "first", False), True, False, [AddedToken("[INST]", special=True, normalized=False)]),
    "metaspace": piece_bpe(None, pre_tokenizers.Metaspace("▁", "always", True), True, False),
    "gemma": piece_bpe(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), False, False, gemma_added),
    "t5": t5,
    "unigram": unigram(True)[0],
}
(folder / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
goldens = {}
# `tokenizers` 0.23.3 spells special tokens of this kind as the normaliser writes them, and then does not skip them.
undecoded = {"llama2-normalized"}
for name, tokenizer in families.items():
    (folder / f"{name}.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    goldens[name] = golden(tokenizer, texts)
    if name in undecoded: goldens[name].update(decoded=[], parts=[])
(folder / "goldens.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(golden, separators=(',', ':'))}" for name, golden in goldens.items()) + "\n}\n")
(folder / "llama2.gguf.json").write_text(json.dumps(gguf(PIECES[0]), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
types = {"<pad>": 3, "</s>": 3, "<unk>": 2, "<extra_id_0>": 3, "<extra_id_1>": 3}
t5_pieces = [(text, score, types.get(text, 1)) for text, score in json.loads(t5.to_str())["model"]["vocab"]]
charsmap = base64.b64encode(t5_proto.normalizer_spec.precompiled_charsmap).decode()
(folder / "t5.gguf.json").write_text(json.dumps(gguf(t5_pieces, charsmap=charsmap), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
