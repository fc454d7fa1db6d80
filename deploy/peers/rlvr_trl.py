"""A step of GRPO with TRL's trainer: 8 questions of 64 tokens, 8 responses each, all of 64 new tokens, LoRA of rank 16.

One generation of all 64 responses, then 8 passes of 8 whose gradients add up, one optimiser step, no divergence term.
bfloat16 means the trainer's own `bf16`.
"""

import random
import tempfile
import time

import torch
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

import models
import side

options = side.arguments("form")
model = models.load(options, "smollm2")
tokenizer = AutoTokenizer.from_pretrained(models.folder(options))

words = (
    "sea land wind rain sun moon star tree leaf root bird fish stone sand road house door wall window table chair "
    "book page word line song bell clock hour day night week month year spring summer autumn winter bread milk salt "
    "water fire earth air hand foot head heart eye ear voice name king queen farmer baker sailor miller smith child"
).split()
chance = random.Random(1)
prompts = []
while len(prompts) < 8 * 200:
    ids = tokenizer(" ".join(chance.choices(words, k=100)))["input_ids"][:64]
    text = tokenizer.decode(ids)
    # Only those that are read back as 64 tokens.
    if len(tokenizer(text)["input_ids"]) == 64:
        prompts.append(text)


def reward(completions, **_):
    return [len(set(text.split())) / 64 + 0.001 * len(text) for text in completions]


settings = GRPOConfig(
    output_dir=tempfile.mkdtemp(),
    use_cpu=True,
    bf16=options.form == "bfloat16",
    fp16=False,
    per_device_train_batch_size=8,
    gradient_accumulation_steps=8,
    num_generations=8,
    max_completion_length=64,
    generation_kwargs={"min_new_tokens": 64},
    temperature=1.0,
    beta=0.0,
    num_iterations=1,
    learning_rate=1e-5,
    max_steps=200,
    save_strategy="no",
    report_to=[],
    gradient_checkpointing=False,
    disable_tqdm=True,
)
trainer = GRPOTrainer(
    model=model,
    reward_funcs=reward,
    args=settings,
    train_dataset=Dataset.from_dict({"prompt": prompts}),
    processing_class=tokenizer,
    peft_config=models.lora_settings(),
)
sampling = []
generate = trainer.model.generate


def timed_generate(*arguments, **named):
    start = time.perf_counter()
    result = generate(*arguments, **named)
    sampling.append(time.perf_counter() - start)
    return result


trainer.model.generate = timed_generate
turns = side.Turns()


class Steps(TrainerCallback):
    def on_step_begin(self, arguments, state, control, **_):
        sampling.clear()
        if not turns.begin():
            raise SystemExit

    def on_step_end(self, arguments, state, control, **_):
        seconds, sampled = time.perf_counter() - turns.start, sum(sampling)
        turns.end(
            {
                "s/step": seconds,
                "sampling, s": sampled,
                "learning, s": seconds - sampled,
                "sampled tokens/s": 8 * 8 * 64 / max(sampled, 1e-9),
            }
        )


trainer.add_callback(Steps())
trainer.train()
