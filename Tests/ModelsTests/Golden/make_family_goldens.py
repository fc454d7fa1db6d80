"""Makes the golden numbers of the families of models with PyTorch, transformers and peft on a CPU: in float64 but for the
rotary angles, which transformers always takes in float32, because float32 alone is off by up to 1.4e-5 on these models.

usage: python make_family_goldens.py [NAME ...]          (writes files/families/ beside this script)

For each tiny random model NAME/:
  config.json, model.safetensors     the model, as transformers saves it
  adapter/                           a LoRA adapter with random A and B on all linear maps, as peft saves it
  golden.safetensors                 see `measure`
and for each VARIANT, which has the weights of a model and another configuration:
  NAME/VARIANT.json                  its config.json
  NAME/VARIANT.safetensors           what `measure` gives for it
inputs.json holds the tokens that all of them are given, rotary.json the frequencies of rotary scalings at the sizes of
published models.
"""

import copy
import json
import pathlib
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import (
    AutoConfig, AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, LlamaConfig, MistralConfig, Phi3Config,
    Qwen2Config, Qwen3Config, SmolLM3Config,
)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = pathlib.Path(__file__).parent / "files" / "families"
VOCABULARY = 60
SEQUENCE = [(7 * i * i + 3 * i + 5) % VOCABULARY for i in range(40)]
PROMPT = [1, 17, 4, 33, 8, 25]
NEW_TOKENS = 42
# Two prompts with their responses; longer than the models' windows.
GROUPS = [
    ([1, 17, 4, 33, 8, 50, 9, 21, 30], [[5, 9, 2], [11, 12, 13, 14, 41, 22, 7, 58, 3, 19, 2], [40]]),
    ([1, 3, 3], [[7, 2], [49, 0, 21, 34, 56, 12, 12, 8, 2]]),
]
COMMON = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.2, bos_token_id=1, eos_token_id=2,
    pad_token_id=None, attn_implementation="eager",
)
MODELS = {
    "llama": (LlamaConfig, dict(rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False)),
    "llama-biases": (LlamaConfig, dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "mistral": (MistralConfig, dict(sliding_window=6, head_dim=12)),
    "qwen2": (Qwen2Config, dict(
        use_sliding_window=True, sliding_window=7, max_window_layers=1, rope_theta=1e6, tie_word_embeddings=True)),
    "qwen3": (Qwen3Config, dict(head_dim=16, rope_theta=1e6, tie_word_embeddings=True)),
    "smollm3": (SmolLM3Config, dict(num_hidden_layers=4, rope_theta=2e6, intermediate_size=24)),
    "phi3": (Phi3Config, dict(sliding_window=6)),
    "gemma2": (Gemma2Config, dict(
        head_dim=12, sliding_window=6, query_pre_attn_scalar=20, attn_logit_softcapping=2.5,
        final_logit_softcapping=6.0)),
    "gemma3": (Gemma3TextConfig, dict(
        num_hidden_layers=3, head_dim=12, sliding_window=6, query_pre_attn_scalar=10, sliding_window_pattern=3,
        intermediate_size=24, rope_theta=1e6, rope_local_base_freq=1e4)),
}


def scaled(**scaling):
    return dict(rope_parameters=dict(rope_theta=10000.0, **scaling))


VARIANTS = {
    "llama": {
        "linear": scaled(rope_type="linear", factor=4.0),
        "dynamic": scaled(rope_type="dynamic", factor=3.0),
        "llama3": scaled(
            rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=16),
        "yarn": scaled(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
        "yarn-more": scaled(
            rope_type="yarn", factor=6.0, original_max_position_embeddings=20, beta_fast=4.0, beta_slow=0.5,
            mscale=0.7, mscale_all_dim=1.3, truncate=False),
        "longrope": scaled(
            rope_type="longrope", original_max_position_embeddings=64, short_factor=[1.0, 1.1, 1.7, 2.5],
            long_factor=[1.0, 2.0, 5.0, 9.0]),
    },
    "phi3": {
        "longrope": dict(
            original_max_position_embeddings=64,
            rope_parameters=dict(
                rope_theta=10000.0, rope_type="longrope", partial_rotary_factor=0.75,
                short_factor=[1.0, 1.2, 2.0], long_factor=[1.0, 3.0, 9.0])),
    },
    "smollm3": {
        "windows": dict(
            no_rope_layers=[1, 0, 0, 1], use_sliding_window=True, sliding_window=5,
            layer_types=["full_attention", "sliding_attention", "full_attention", "sliding_attention"]),
    },
    "gemma3": {
        "linear": dict(
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e6),
                sliding_attention=dict(rope_type="default", rope_theta=1e4)),
            final_logit_softcapping=7.0),
    },
}


def response_log_probs(model):
    """The log-probabilities of all response tokens, group by group, each sequence by itself."""
    parts = []
    for prompt, responses in GROUPS:
        for response in responses:
            logits = model(input_ids=torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
            parts.append(torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0])
    return torch.cat(parts)


def greedy(model):
    """The most likely continuation, by the cache and without it, and how far ahead of the second each token was."""
    with torch.no_grad():
        cached = model.generate(
            torch.tensor([PROMPT]), attention_mask=torch.ones(1, len(PROMPT), dtype=torch.int64),
            max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None, pad_token_id=0,
        )[0, len(PROMPT):].tolist()
        ids, margin = list(PROMPT), float("inf")
        for _ in range(NEW_TOKENS):
            top = model(input_ids=torch.tensor([ids])).logits[0, -1].topk(2)
            margin = min(margin, (top.values[0] - top.values[1]).item())
            ids.append(top.indices[0].item())
    assert cached == ids[len(PROMPT):], "the cache changes the continuation"
    return cached, margin


def measure(base, adapter_folder):
    """Logits of SEQUENCE, the greedy continuation of PROMPT, log-probabilities of GROUPS and their mean's gradients: of
    the base model and its vectors, and of the model with the adapter and all A and B."""
    golden = {"logits.base": base(input_ids=torch.tensor([SEQUENCE])).logits[0]}
    ids, margin = greedy(base)
    golden["greedy.base"] = torch.tensor(ids, dtype=torch.float32)
    log_probs = response_log_probs(base)
    golden["log_probs.base"] = log_probs
    (-log_probs.mean()).backward()
    for key, value in base.named_parameters():
        if value.dim() == 1:
            golden["gradient." + key] = value.grad
    base.zero_grad()
    model = PeftModel.from_pretrained(copy.deepcopy(base), adapter_folder, is_trainable=True).double()
    golden["logits.adapter"] = model(input_ids=torch.tensor([SEQUENCE])).logits[0]
    ids, other = greedy(model)
    golden["greedy.adapter"] = torch.tensor(ids, dtype=torch.float32)
    log_probs = response_log_probs(model)
    golden["log_probs.adapter"] = log_probs
    loss = -log_probs.mean()
    golden["loss.adapter"] = loss[None]
    loss.backward()
    for key, value in model.named_parameters():
        if value.requires_grad:
            golden["gradient." + key.replace(".default", "")] = value.grad
    return {key: value.detach().float().contiguous() for key, value in golden.items()}, min(margin, other)


def make(name):
    kind, settings = MODELS[name]
    folder = HERE / name
    config = kind(**{**COMMON, **settings})
    for seed in range(1, 100):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config).float().eval()
        with torch.no_grad():
            for key, value in model.named_parameters():
                if "norm" in key and kind in (Gemma2Config, Gemma3TextConfig):
                    value.uniform_(-0.5, 0.5)
                elif "norm" in key:
                    value.uniform_(0.5, 1.5)
                elif value.dim() == 1:
                    value.uniform_(-0.5, 0.5)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        adapted = get_peft_model(
            copy.deepcopy(model),
            LoraConfig(r=2, lora_alpha=3, target_modules="all-linear", task_type="CAUSAL_LM"))
        with torch.no_grad():
            for key, value in adapted.named_parameters():
                if value.requires_grad:
                    value.normal_(0, 0.15)
        adapted.save_pretrained(folder / "adapter")
        (folder / "adapter" / "README.md").unlink(missing_ok=True)
        margins = [measured(name, None, model, config)]
        described = json.loads((folder / "config.json").read_text())
        for variant, changes in VARIANTS.get(name, {}).items():
            path = folder / f"{variant}.json"
            path.write_text(json.dumps({**described, **changes}, indent=2, sort_keys=True) + "\n")
            margins.append(measured(name, variant, model, AutoConfig.for_model(**{**described, **changes})))
        print(name, "seed", seed, "margins", *(f"{margin:.1e}" for margin in margins), flush=True)
        # Far from a tie at each token of each greedy continuation.
        if min(margins) > 5e-4:
            break


def measured(name, variant, model, config):
    """Writes the numbers of a model with a configuration of its own or another one, and returns the margin."""
    other = AutoModelForCausalLM.from_config(config, attn_implementation="eager").double().eval()
    other.load_state_dict(model.state_dict())
    golden, margin = measure(other, HERE / name / "adapter")
    save_file(golden, HERE / name / f"{variant or 'golden'}.safetensors")
    return margin


def rotary():
    """What each pair turns by at the sizes of published models, and what turned pairs are multiplied by."""
    cases = []
    ramp = [1 + 0.02 * i for i in range(24)]
    for head, theta, positions, scaling in [
        (128, 5e5, 131072, dict(
            rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=8192)),
        (64, 5e5, 131072, dict(
            rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=8192)),
        (128, 1e6, 131072, dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)),
        (64, 1e4, 65536, dict(rope_type="yarn", factor=16.0, original_max_position_embeddings=4096)),
        (16, 100.0, 65536, dict(rope_type="yarn", factor=16.0, original_max_position_embeddings=4096)),
        (64, 1e4, 4096, dict(
            rope_type="yarn", factor=40.0, original_max_position_embeddings=4096, beta_fast=20.0, beta_slow=2.0,
            mscale=0.707, mscale_all_dim=1.2, truncate=False)),
        (64, 1e4, 4096, dict(
            rope_type="yarn", factor=2.0, original_max_position_embeddings=2048, attention_factor=1.25)),
        (128, 1e6, 32768, dict(rope_type="linear", factor=8.0)),
        (64, 1e4, 131072, dict(
            rope_type="longrope", original_max_position_embeddings=4096, partial_rotary_factor=0.75, short_factor=ramp,
            long_factor=[2 * value for value in ramp])),
    ]:
        parameters = dict(rope_theta=theta, **scaling)
        config = LlamaConfig(
            hidden_size=2 * head, num_attention_heads=2, head_dim=head, max_position_embeddings=positions,
            rope_parameters=dict(parameters))
        frequencies, magnitude = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, torch.device("cpu"))
        cases.append({
            "headSize": head, "positions": positions, "parameters": json.dumps(parameters),
            "frequencies": [float(f"{value:.9g}") for value in frequencies.tolist()], "magnitude": magnitude,
        })
    (HERE / "rotary.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "inputs.json").write_text(
        json.dumps(
            {
                "sequence": SEQUENCE, "prompt": PROMPT, "newTokens": NEW_TOKENS,
                "groups": [{"prompt": p, "responses": r} for p, r in GROUPS],
            }
        )
        + "\n")
    rotary()
    for name in sys.argv[1:] or MODELS:
        make(name)
