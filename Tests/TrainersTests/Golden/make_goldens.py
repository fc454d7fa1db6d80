"""Makes objectives.json: values and gradients of the objective's terms, and advantages, by PyTorch autograd.

Run with PyTorch 2 on a CPU:  python make_goldens.py
Everything is computed in float64 from inputs rounded to float32.  Tolerance of the tests: 1e-6 absolute
on losses, 1e-6 plus 1e-5 relative on gradients, which the implementation keeps in float32.
"""

import json
import pathlib

import torch

torch.manual_seed(20260414)
torch.set_default_dtype(torch.float64)


def rounded(values):
    """Numbers that float32 holds exactly."""
    return values.to(torch.float32).to(torch.float64)


def token_mean(per_token, lengths, normaliser):
    """(1/n) sum_k (1/|y_k|) sum_t."""
    parts = torch.split(per_token, lengths)
    return sum(part.mean() for part in parts) / normaliser


def policy_case(lengths, normaliser, clip_low, clip_high, spread):
    count = sum(lengths)
    old = rounded(-3 * torch.rand(count) - 0.05)
    new = rounded(old + spread * torch.randn(count)).requires_grad_(True)
    advantages = torch.randn(len(lengths))
    repeated = torch.repeat_interleave(advantages, torch.tensor(lengths))
    ratio = torch.exp(new - old)
    clipped = torch.clamp(ratio, 1 - clip_low, 1 + clip_high)
    loss = -token_mean(torch.min(ratio * repeated, clipped * repeated), lengths, normaliser)
    loss.backward()
    held_low = int(((ratio < 1 - clip_low) & (repeated < 0)).sum())
    held_high = int(((ratio > 1 + clip_high) & (repeated > 0)).sum())
    return {
        "lengths": lengths, "normaliser": normaliser, "clipLow": clip_low, "clipHigh": clip_high,
        "old": old.tolist(), "new": new.tolist(), "advantages": advantages.tolist(),
        "loss": loss.item(), "gradient": new.grad.tolist(), "heldLow": held_low, "heldHigh": held_high,
    }


def kl_case(lengths, normaliser, beta):
    count = sum(lengths)
    reference = rounded(-3 * torch.rand(count) - 0.05)
    new = rounded(reference + 0.4 * torch.randn(count)).requires_grad_(True)
    difference = reference - new
    estimate = torch.exp(difference) - difference - 1
    loss = beta * token_mean(estimate, lengths, normaliser)
    loss.backward()
    return {
        "lengths": lengths, "normaliser": normaliser, "beta": beta,
        "reference": reference.tolist(), "new": new.tolist(),
        "loss": loss.item(), "gradient": new.grad.tolist(), "meanKL": estimate.mean().item(),
    }


def supervised_case(count, normaliser):
    new = rounded(-3 * torch.rand(count)).requires_grad_(True)
    loss = -new.sum() / normaliser
    loss.backward()
    return {"new": new.tolist(), "normaliser": normaliser, "loss": loss.item(), "gradient": new.grad.tolist()}


def proximal_case(count, mu):
    parameter = rounded(torch.randn(count)).requires_grad_(True)
    anchor = rounded(torch.randn(count))
    loss = mu / 2 * ((parameter - anchor) ** 2).sum()
    loss.backward()
    return {
        "parameter": parameter.tolist(), "anchor": anchor.tolist(), "mu": mu,
        "loss": loss.item(), "gradient": parameter.grad.tolist(),
    }


def advantage_case(rewards):
    rewards = torch.tensor(rewards)
    mean, deviation = rewards.mean(), rewards.std(correction=0)
    return {
        "rewards": rewards.tolist(), "mean": mean.item(), "deviation": deviation.item(),
        "normalised": ((rewards - mean) / (deviation + 1e-6)).tolist(), "plain": (rewards - mean).tolist(),
    }


golden = {
    "policy": [
        policy_case([3, 1, 5, 2], 4, 0.2, 0.2, 0.0),
        policy_case([3, 1, 5, 2], 4, 0.2, 0.2, 0.3),
        policy_case([2, 4, 4, 7, 1], 16, 0.2, 0.28, 0.5),
    ],
    "kl": [kl_case([3, 1, 5], 3, 0.04), kl_case([2, 6], 8, 1.0)],
    "supervised": [supervised_case(6, 6), supervised_case(5, 12)],
    "proximal": [proximal_case(7, 0.1), proximal_case(3, 2.0)],
    "advantages": [
        advantage_case([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        advantage_case([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        advantage_case([0.2, 0.7, 0.1, 1.0]),
    ],
}

path = pathlib.Path(__file__).with_name("objectives.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
print(f"wrote {path}")
