"""The models that the scripts share, in PyTorch."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MAPS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def folder(options):
    """SmolLM2's weights as setup leaves them."""
    return options.peers + "/smollm2-135m-f32"


def load(options, name, form="float32"):
    """SmolLM2, or a random model of 1.1 million values."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if name == "smollm2":
        return LlamaForCausalLM.from_pretrained(folder(options), dtype=TYPES[form], attn_implementation="sdpa")
    shape = LlamaConfig(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(shape).to(TYPES[form])


def lora_settings():
    """Rank 16 on all maps of all blocks."""
    from peft import LoraConfig

    return LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=MAPS)


def random_tokens(model, count, length):
    return torch.randint(3, model.config.vocab_size, (count, length))
