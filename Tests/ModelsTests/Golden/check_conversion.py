"""Checks what `tributary convert` wrote with the programs that others use.

    tributary convert MODEL.gguf folder
    tributary convert folder back.gguf
    venv/bin/python Tests/ModelsTests/Golden/check_conversion.py MODEL.gguf folder back.gguf

transformers has to read the same weights, logits and ids from all three (the folder in float32, `--type f32`).
Needs gguf, numpy, torch and transformers as make_checkpoint_goldens.py does.
"""

import pathlib
import sys

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "Hello world 123 4567", "  a\n\n\tb  <|im_start|>user\nhi<|im_end|>", "déjà vu — 東京 🤖👩‍👩‍👧",
    "x='don't' y=3.14159\r\n",
]


def load(path):
    """A model in float32 and its tokenizer, from a folder or a GGUF file."""
    path = pathlib.Path(path)
    place = (path.parent, {"gguf_file": path.name}) if path.suffix == ".gguf" else (path, {})
    model = AutoModelForCausalLM.from_pretrained(place[0], dtype=torch.float32, **place[1])
    return model, AutoTokenizer.from_pretrained(place[0], **place[1])


def main(original, folder, back):
    (base, tokenizer), *copies = [load(path) for path in (original, folder, back)]
    ids = torch.tensor([tokenizer(TEXTS[0], add_special_tokens=False).input_ids])
    weights = base.state_dict()
    with torch.no_grad():
        logits = base(ids).logits
        for path, (model, other) in zip((folder, back), copies):
            mine = model.state_dict()
            assert mine.keys() == weights.keys(), path
            assert all(torch.equal(mine[key], weights[key]) for key in weights), path
            assert torch.equal(model(ids).logits, logits), path
            for text in TEXTS:
                expected = tokenizer(text, add_special_tokens=False).input_ids
                assert other(text, add_special_tokens=False).input_ids == expected, (path, text)
            assert other.chat_template == tokenizer.chat_template, path
    fields = [{key: field.contents() for key, field in gguf.GGUFReader(path).fields.items()} for path in (original, back)]
    skipped = ("GGUF.", "general.")
    for key in fields[0].keys() & fields[1].keys():
        assert key.startswith(skipped) or fields[0][key] == fields[1][key], key
    print("equal: weights, logits, ids, templates and keys")


if __name__ == "__main__":
    main(*sys.argv[1:])
