"""Makes the golden logits of PeftAdapterTests with PyTorch, transformers and peft (0.21, float32, CPU).

usage: python make_adapter_goldens.py            (writes files/adapters/ beside this script)

For each form of adapter that peft writes: the directory as peft saves it, with random arrays, on one of the tiny
models of make_goldens.py and make_family_goldens.py, and all logits of one prompt in logits.safetensors.
"""

import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

FILES = pathlib.Path(__file__).parent / "files"
PROMPT = [1, 17, 4, 33, 8, 25, 2, 17]
ATTENTION = ["q_proj", "v_proj"]
# name: (base, options of LoraConfig)
ADAPTERS = {
    "rslora": ("tiny-tied", dict(target_modules=ATTENTION, use_rslora=True)),
    "all-linear": ("tiny-untied", dict(target_modules="all-linear")),
    "expression": ("tiny-tied", dict(target_modules=r".*\.layers\.[01]\.(self_attn\.(q|k)|mlp\.\w+)_proj")),
    "excluded": ("tiny-tied", dict(target_modules="all-linear", exclude_modules=["model.layers.0.mlp.up_proj", "k_proj"])),
    "layers": ("tiny-tied", dict(target_modules=ATTENTION, layers_to_transform=[1], layers_pattern="layers")),
    "patterns": ("tiny-tied", dict(
        target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={"q_proj": 2, r"layers\.1\.mlp.down_proj": 7},
        alpha_pattern={"^model.layers.0.self_attn.v_proj": 20, "mlp.down_proj": 1})),
    "patterns-rslora": ("tiny-tied", dict(
        target_modules=ATTENTION, use_rslora=True, rank_pattern={"v_proj": 6}, alpha_pattern={r"layers\.\d+\.self_attn\.q_proj": 9})),
    "dora": ("tiny-tied", dict(target_modules=["q_proj", "o_proj", "up_proj"], use_dora=True, rank_pattern={"o_proj": 2})),
    "dora-biases": ("families/qwen2", dict(target_modules=ATTENTION, use_dora=True)),
    "fused": ("families/phi3", dict(target_modules=["qkv_proj", "gate_up_proj", "down_proj"])),
    "fused-dora": ("families/phi3", dict(target_modules="all-linear", use_dora=True)),
    "saved": ("tiny-untied", dict(target_modules=ATTENTION, modules_to_save=["embed_tokens", "lm_head", "norm"])),
    "saved-tied": ("tiny-tied", dict(target_modules=ATTENTION, modules_to_save=["embed_tokens"])),
    "saved-map": ("tiny-tied", dict(target_modules=ATTENTION, modules_to_save=["down_proj", "input_layernorm"])),
    "embedding": ("tiny-untied", dict(target_modules=["q_proj", "embed_tokens", "lm_head"])),
    "embedding-tied": ("tiny-tied", dict(target_modules=["q_proj", "embed_tokens"])),
    "head-tied": ("tiny-tied", dict(target_modules=["q_proj", "lm_head"])),
    "biases": ("families/qwen2", dict(target_modules=ATTENTION, bias="all")),
    "biases-lora": ("families/qwen2", dict(target_modules=["q_proj"], bias="lora_only")),
    "tokens": ("tiny-untied", dict(target_modules=["q_proj"], trainable_token_indices=[4, 17, 33])),
    "tokens-tied": ("tiny-tied", dict(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [17, 4]})),
}


def make(name, base, options):
    model = AutoModelForCausalLM.from_pretrained(FILES / base, dtype=torch.float32, attn_implementation="eager")
    before = model(input_ids=torch.tensor([PROMPT])).logits[0]
    config = LoraConfig(**(dict(r=4, lora_alpha=6, task_type="CAUSAL_LM") | options))
    model = get_peft_model(model, config)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if not value.requires_grad:
                continue
            if "magnitude" in key:
                value.mul_(torch.empty_like(value).uniform_(0.5, 1.5))
            else:
                value.add_(torch.empty_like(value).normal_(0, 0.15))
    folder = FILES / "adapters" / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    (folder / "adapter_config.json").write_text(
        (folder / "adapter_config.json").read_text().replace(str(FILES) + "/", ""))
    after = model(input_ids=torch.tensor([PROMPT])).logits[0]
    assert (after - before).abs().max() > 0.1, name
    save_file({"logits": after.detach().contiguous()}, folder / "logits.safetensors")


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    for number, (name, (base, options)) in enumerate(ADAPTERS.items()):
        torch.manual_seed(100 + number)
        make(name, base, options)
