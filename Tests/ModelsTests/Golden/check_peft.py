"""Loads a base model and an adapter with transformers and peft and writes their logits.

usage: python check_peft.py BASE_DIRECTORY ADAPTER_DIRECTORY OUTPUT.safetensors ID [ID ...]

The output holds `logits` [T, V] for the token ids given, and `disabled` [T, V] with the adapter switched off.
"""

import sys

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

base, adapter, output, *ids = sys.argv[1:]
ids = torch.tensor([[int(text) for text in ids]])
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = PeftModel.from_pretrained(model, adapter).eval()
with torch.no_grad():
    logits = model(input_ids=ids).logits[0]
    with model.disable_adapter():
        disabled = model(input_ids=ids).logits[0]
save_file({"logits": logits.contiguous(), "disabled": disabled.contiguous()}, output)
