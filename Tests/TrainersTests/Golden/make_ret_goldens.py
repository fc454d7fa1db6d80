"""Golden numbers of RET's objective, of its optimiser steps and of agreement, by PyTorch and scikit-learn.

    python make_ret_goldens.py ret.json
"""
import json
import sys

import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
WIDTH, WINDOWS, HIDDEN, OUTPUTS, PREDICTOR, BATCH = 3, 1, 5, 4, 6, 8
INPUTS = WIDTH * (1 + WINDOWS)


def layers(widths):
    return [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]


def apply(net, x):
    for i, layer in enumerate(net):
        x = layer(x)
        if i < len(net) - 1:
            x = torch.relu(x)
    return x


def values(t):
    return [float(v) for v in t.detach().reshape(-1)]


def named(nets):
    return {
        f"{name}.{i}.{part}": values(getattr(layer, part))
        for name, net in nets.items()
        for i, layer in enumerate(net)
        for part in ("weight", "bias")
    }


encoder = layers([INPUTS, HIDDEN, OUTPUTS])
predictor = layers([OUTPUTS, PREDICTOR, OUTPUTS])
target = layers([INPUTS, HIDDEN, OUTPUTS])
for slow, fast in zip(target, encoder):
    slow.load_state_dict(fast.state_dict())
    with torch.no_grad():
        slow.weight.add_(0.1)  # a target that is not the encoder
nets = {"encoder": encoder, "predictor": predictor, "target": target}
out = {"initial": named(nets), "steps": []}
parameters = [p for net in (encoder, predictor) for layer in net for p in layer.parameters()]
optimiser = torch.optim.Adam(parameters, lr=1e-2)
decay = 0.9
for _ in range(3):
    now, later = torch.randn(BATCH, INPUTS), torch.randn(BATCH, INPUTS)
    z = apply(encoder, now)
    p = apply(predictor, z)
    with torch.no_grad():
        y = apply(target, later)
        y = y - y.mean(0, keepdim=True)
    prediction = (
        (torch.nn.functional.normalize(p, dim=1) - torch.nn.functional.normalize(y, dim=1)) ** 2
    ).sum(1).mean()
    std = (z.var(0, unbiased=False) + 1e-8).sqrt()
    centred = z - z.mean(0, keepdim=True)
    covariance = centred.T @ centred / BATCH
    off = covariance - torch.diag(torch.diagonal(covariance))
    spread = torch.relu(1 - std).sum() / OUTPUTS + 0.04 * (off**2).sum() / OUTPUTS
    loss = prediction + 0.5 * spread
    optimiser.zero_grad()
    loss.backward()
    gradients = {
        f"{name}.{i}.{part}": values(getattr(layer, part).grad)
        for name, net in (("encoder", encoder), ("predictor", predictor))
        for i, layer in enumerate(net)
        for part in ("weight", "bias")
    }
    optimiser.step()
    with torch.no_grad():
        for slow, fast in zip(target, encoder):
            for part in ("weight", "bias"):
                s, f = getattr(slow, part), getattr(fast, part)
                s.mul_(decay).add_(f, alpha=1 - decay)
    out["steps"].append(
        {
            "now": values(now),
            "later": values(later),
            "prediction": float(prediction),
            "spread": float(spread),
            "gradients": gradients,
            "after": named(nets),
        }
    )

out["agreement"] = []
for seed in range(4):
    torch.manual_seed(seed)
    a = torch.randint(0, 4, (60,))
    b = torch.where(torch.rand(60) < 0.3 * seed, a, torch.randint(0, 3, (60,)))
    a, b = a.tolist(), b.tolist()
    out["agreement"].append(
        {
            "a": a,
            "b": b,
            "nmi": normalized_mutual_info_score(a, b, average_method="geometric"),
            "adjustedRand": adjusted_rand_score(a, b),
        }
    )
json.dump(out, open(sys.argv[1], "w"))
