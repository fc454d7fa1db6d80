"""Sampling with Hugging Face's `generate` and its cache."""

import torch

import models
import side

options = side.arguments("form", "model", "work")
model = models.load(options, options.model, options.form).eval()
# Prompts, their tokens, answers to each, new tokens.
prompts, length, samples, new = {
    "prefill": (1, 512, 1, 1),
    "single": (1, 1, 1, 129),
    "batch": (32, 64, 1, 128),
    "groups": (4, 64, 8, 128),
}[options.work]
tokens = models.random_tokens(model, prompts, length)


@torch.inference_mode()
def generate(new):
    result = model.generate(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=new,
        min_new_tokens=new,
        num_return_sequences=samples,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        pad_token_id=2,
    )
    assert result.shape == (prompts * samples, length + new)


def work():
    if options.work == "prefill":
        return {"tokens/s": length / side.timed(lambda: generate(1))}
    first = side.timed(lambda: generate(1))
    seconds = side.timed(lambda: generate(new))
    decode = prompts * samples * (new - 1) / max(seconds - first, 1e-9)
    if options.work == "single":
        return {"tokens/s": decode}
    return {
        "tokens/s": prompts * samples * new / seconds,
        "decode alone, tokens/s": decode,
        "prefill, s": first,
    }


side.serve(work)
