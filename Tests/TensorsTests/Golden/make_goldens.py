"""Writes goldens.json: what PyTorch computes for the operations and the optimiser of Tensors.

    python make_goldens.py > goldens.json        (PyTorch 2.x, CPU)

Inputs are not stored: both sides make them by `ramp`, a short integer recurrence, so that the file holds
results only. Everything is computed in float64 and written with 9 digits.
"""

import json
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def ramp(count, salt):
    """count numbers in [-1, 1): the high bits of a 32-bit linear congruential generator."""
    state, numbers = salt, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers.append((state >> 8) / 2**23 - 1)
    return numbers


def leaf(shape, salt):
    return torch.tensor(ramp(math.prod(shape), salt)).reshape(shape).requires_grad_()


def result(output, inputs, salt=99):
    """The output and the gradients of its inner product with a ramp."""
    seed = torch.tensor(ramp(output.numel(), salt)).reshape(output.shape)
    output.backward(seed)
    numbers = {"output": output.detach().flatten().tolist()}
    for name, tensor in inputs.items():
        numbers["d" + name] = tensor.grad.flatten().tolist()
    return numbers


def rms_norm():
    x, weight = leaf((3, 10), 1), leaf((10,), 2)
    return result(F.rms_norm(x, (10,), weight, eps=1e-5), {"x": x, "weight": weight})


def swiglu():
    gate, up = leaf((4, 5), 3), leaf((4, 5), 4)
    return result(F.silu(4 * gate) * up, {"gate": gate, "up": up})


def rotate_half(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


def rope():
    """As in transformers' modeling_llama: heads first, cos and sin repeated over the halves."""
    rows, heads, size = 4, 2, 6
    x = leaf((rows, heads * size), 5)
    positions = torch.tensor([0.0, 1.0, 7.0, 30.0])
    frequencies = 1.0 / 10000 ** (torch.arange(0, size, 2) / size)
    angles = torch.outer(positions, frequencies).repeat(1, 2)[:, None, :]
    y = x.reshape(rows, heads, size)
    y = y * angles.cos() + rotate_half(y) * angles.sin()
    return result(y.reshape(rows, heads * size), {"x": x})


def attention():
    """Two causal sequences, of 7 and of 3 rows, four query heads on two key-value heads."""
    heads, kv_heads, size, lengths = 4, 2, 5, [7, 3]
    rows = sum(lengths)
    q = leaf((rows, heads * size), 6)
    k, v = leaf((rows, kv_heads * size), 7), leaf((rows, kv_heads * size), 8)
    outputs, start = [], 0
    for length in lengths:
        split = lambda t, h: t[start : start + length].reshape(length, h, size).transpose(0, 1)[None]
        y = F.scaled_dot_product_attention(
            split(q, heads), split(k, kv_heads), split(v, kv_heads), is_causal=True, enable_gqa=True
        )
        outputs.append(y[0].transpose(0, 1).reshape(length, heads * size))
        start += length
    return result(torch.cat(outputs), {"q": q, "k": k, "v": v})


def token_log_probs():
    hidden, head = leaf((5, 6), 9), leaf((11, 6), 10)
    targets = torch.tensor([3, 0, 10, 3, 7])
    log_probs = F.log_softmax(4 * hidden @ head.T / 0.7, dim=-1).gather(1, targets[:, None])[:, 0]
    numbers = result(log_probs, {"hidden": hidden, "head": head})
    distribution = torch.distributions.Categorical(logits=(4 * hidden @ head.T / 0.7).detach())
    numbers["entropy"] = distribution.entropy().tolist()
    return numbers


def token_divergence():
    """KL(p || q) of each row, p and q from hidden states and a reference's, as torch's kl_div counts it."""
    hidden, head, reference = leaf((5, 6), 9), leaf((11, 6), 10).detach(), leaf((5, 6), 17).detach()
    log_p = F.log_softmax(4 * hidden @ head.T / 0.7, dim=-1)
    log_q = F.log_softmax(4 * reference @ head.T / 0.7, dim=-1)
    divergence = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(dim=-1)
    return result(divergence, {"hidden": hidden})


def lora():
    x, w, a, b = leaf((4, 6), 11), leaf((5, 6), 12), leaf((2, 6), 13), leaf((5, 2), 14)
    return result(x @ w.T + 1.5 * (x @ a.T) @ b.T, {"x": x, "a": a, "b": b})


def layer_norm():
    x, weight, bias = leaf((3, 10), 1), leaf((10,), 2), leaf((10,), 21)
    return result(F.layer_norm(x, (10,), weight, bias, eps=1e-5), {"x": x, "weight": weight, "bias": bias})


def gelu():
    x = leaf((4, 5), 3)
    return result(F.gelu(4 * x), {"x": x})


def elu():
    x = leaf((4, 5), 3)
    return result(F.elu(4 * x), {"x": x})


# A ring of five nodes with a tail of two.
EDGES = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (4, 5), (5, 6)]


def distances(nodes, edges):
    """Hops between all pairs of nodes by repeated relaxation (Floyd and Warshall)."""
    hops = [[0 if i == j else 9 for j in range(nodes)] for i in range(nodes)]
    for i, j in edges:
        hops[i][j] = hops[j][i] = 1
    for k in range(nodes):
        for i in range(nodes):
            for j in range(nodes):
                hops[i][j] = min(hops[i][j], hops[i][k] + hops[k][j])
    return torch.tensor(hops)


def graph_attention():
    """Two heads of three, the vector a over the concatenated pair, node by node as the paper writes it."""
    nodes, heads, size = 7, 2, 3
    x, source, target = leaf((nodes, heads * size), 5), leaf((heads * size,), 6), leaf((heads * size,), 7)
    hops, rows = distances(nodes, EDGES), []
    for i in range(nodes):
        row = []
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            seen = [j for j in range(nodes) if hops[i, j] <= 1]
            a = torch.cat([target[part], source[part]])
            scores = torch.stack([F.leaky_relu(a @ torch.cat([x[i, part], x[j, part]]), 0.2) for j in seen])
            row.append(torch.softmax(scores, 0) @ x[seen][:, part])
        rows.append(torch.cat(row))
    return result(torch.stack(rows), {"x": x, "source": source, "target": target})


def node_attention():
    """Two heads of three, by PyTorch's own attention with a float mask; distances above 2 are out of reach."""
    nodes, heads, size = 7, 2, 3
    q, k, v = (leaf((nodes, heads * size), salt) for salt in (6, 7, 8))
    table, hops = leaf((heads, 10), 9), distances(nodes, EDGES)
    bias = table[:, hops].masked_fill(hops > 2, -math.inf)
    split = lambda t: t.reshape(nodes, heads, size).transpose(0, 1)[None]
    y = F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=bias[None])
    return result(y[0].transpose(0, 1).reshape(nodes, heads * size), {"q": q, "k": k, "v": v, "table": table})


def adamw():
    """Ten steps; the gradient of step t is a ramp, clipped to a norm of 1 as clip_grad_norm_ does."""
    parameters = [leaf((3, 4), 15), leaf((5,), 16)]
    optimiser = torch.optim.AdamW(parameters, lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    norms, trace = [], []
    for step in range(10):
        for index, parameter in enumerate(parameters):
            gradient = torch.tensor(ramp(parameter.numel(), 100 + 10 * step + index))
            parameter.grad = gradient.reshape(parameter.shape) * (0.2 if step == 4 else 1.0)
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        optimiser.step()
        trace.append(torch.cat([p.detach().flatten() for p in parameters]).tolist())
    return {"norms": norms, "parameters": sum(trace, [])}


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [float(f"{item:.9g}") for item in value]


if __name__ == "__main__":
    cases = [rms_norm, swiglu, rope, attention, token_log_probs, token_divergence, lora, adamw]
    cases += [layer_norm, gelu, elu, graph_attention, node_attention]
    print(json.dumps({case.__name__: rounded(case()) for case in cases}))
