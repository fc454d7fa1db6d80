"""Makes the golden numbers of ModelsTests with PyTorch, transformers and peft (float32, CPU).

usage: python make_goldens.py            (writes files/ beside this script)

For a tiny random Llama with a tied and one with an untied head:
  config.json, model.safetensors          the base model, as transformers saves it
  adapter/                                a LoRA adapter with random A and B on all seven maps, as peft saves it
  golden.safetensors                      logits, log-probabilities, gradients, the adapter after ten AdamW steps
and types.safetensors: the same values as float32, float16 and bfloat16.
"""

import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).parent / "files"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Two prompts, three and two responses; the responses end with token 2.
GROUPS = [
    ([1, 17, 4, 33, 8], [[5, 9, 2], [40, 2], [11, 12, 13, 14, 2]]),
    ([1, 3, 3], [[7, 2], [49, 0, 21, 2]]),
]


def response_log_probs(model, temperature):
    """The log-probabilities of all response tokens, group by group, each sequence by itself."""
    parts = []
    for prompt, responses in GROUPS:
        for response in responses:
            ids = torch.tensor([prompt + response])
            logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1] / temperature
            parts.append(torch.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None])[:, 0])
    return torch.cat(parts)


def plain(name):
    return name.replace(".default", "")


def make(name, tied, seed):
    torch.manual_seed(seed)
    folder = HERE / name
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
        tie_word_embeddings=tied, initializer_range=0.25, bos_token_id=1, eos_token_id=2,
    )
    model = LlamaForCausalLM(config).float()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "norm" in key:
                value.uniform_(0.5, 1.5)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    golden = {}
    golden["logits.base"] = model(input_ids=torch.tensor([GROUPS[0][0]])).logits[0]

    loss = -response_log_probs(model, 1.0).mean()
    golden["loss.base"] = loss[None]
    loss.backward()
    for key, value in model.named_parameters():
        golden["base_gradient." + key] = value.grad
    model.zero_grad()

    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=TARGETS, task_type="CAUSAL_LM"))
    trained = [(key, value) for key, value in model.named_parameters() if value.requires_grad]
    with torch.no_grad():
        for key, value in trained:
            value.normal_(0, 0.15)
    model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)

    golden["logits.adapter"] = model(input_ids=torch.tensor([GROUPS[0][0]])).logits[0]
    golden["log_probs.adapter"] = response_log_probs(model, 1.0)
    golden["log_probs.warm"] = response_log_probs(model, 1.7)
    optimiser = torch.optim.AdamW([value for _, value in trained], lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    losses, norms = [], []
    for step in range(10):
        optimiser.zero_grad()
        loss = -response_log_probs(model, 1.0).mean()
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            for key, value in trained:
                golden["gradient." + plain(key)] = value.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_([value for _, value in trained], 1.0))
        optimiser.step()
    golden["losses"], golden["norms"] = torch.stack(losses), torch.stack(norms)
    for key, value in get_peft_model_state_dict(model).items():
        golden["after." + key] = value
    save_file({key: value.detach().clone().contiguous() for key, value in golden.items()}, folder / "golden.safetensors")


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    HERE.mkdir(exist_ok=True)
    make("tiny-tied", True, 1)
    make("tiny-untied", False, 2)
    torch.manual_seed(3)
    values = torch.cat([torch.randn(40) * 10, torch.tensor([0.0, -0.0, 65504.0, 6e-8, -1e-5, 1.0])])
    half, brain = values.half(), values.bfloat16()
    save_file(
        {"f32": values, "f16": half, "bf16": brain, "f16.expected": half.float(), "bf16.expected": brain.float()},
        HERE / "types.safetensors",
    )
    (HERE / "groups.json").write_text(json.dumps([{"prompt": p, "responses": r} for p, r in GROUPS]) + "\n")
