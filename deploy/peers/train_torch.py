"""A step of training with PyTorch and PEFT; bfloat16 means autocast, the fastest way that PyTorch has here."""

import torch

import models
import side

options = side.arguments("form", "model")
is_tiny = options.model == "tiny"
model = models.load(options, options.model)
count, length, steps = (32, 64, 20) if is_tiny else (8, 256, 1)
if not is_tiny:
    from peft import get_peft_model

    model = get_peft_model(model, models.lora_settings())
model.train()
model.config.use_cache = False
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimiser = torch.optim.AdamW(trained, lr=1e-4)
tokens = models.random_tokens(model, count, length)


def work():
    forward = back = step = 0.0
    for _ in range(steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=options.form == "bfloat16"):
            result = []
            forward += side.timed(lambda: result.append(model(input_ids=tokens, labels=tokens).loss))
        back += side.timed(result[0].backward)

        def update():
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

        step += side.timed(update)
    seconds = forward + back + step
    return {
        "tokens/s": count * length * steps / seconds,
        "s/step": seconds / steps,
        "forward, s": forward / steps,
        "back, s": back / steps,
        "optimiser, s": step / steps,
    }


side.serve(work)
