"""Writes files/graph_transformer.json: what PyTorch computes for the graph transformer of Models/Graph.

    python make_graph_goldens.py        (PyTorch 2.x, CPU)

The model is written down here by itself, node by node where that is plain: nothing of it comes from the code it is
the measure of. Weights and features are not stored: both sides make them by `ramp`, each weight with the salt of its
place among the sorted names. Everything is computed in float64 and written with 9 digits.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)

FEATURES, WIDTH, HEADS, INNER = 5, 8, 2, 12
SIZE = WIDTH // HEADS


def ramp(count, salt):
    """count numbers in [-1, 1): the high bits of a 32-bit linear congruential generator."""
    state, numbers = salt, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers.append((state >> 8) / 2**23 - 1)
    return numbers


def path_with_chords(nodes):
    """Hops, at most 9, in a path whose every fourth node is joined with the one after next."""
    hops = [[0 if i == j else 9 for j in range(nodes)] for i in range(nodes)]
    for i, j in [(i - 1, i) for i in range(1, nodes)] + [(i, i + 2) for i in range(0, nodes - 2, 4)]:
        hops[i][j] = hops[j][i] = 1
    for k in range(nodes):
        for i in range(nodes):
            for j in range(nodes):
                hops[i][j] = min(hops[i][j], hops[i][k] + hops[k][j])
    return torch.tensor(hops)


def shapes(own, outputs):
    square, vector = (WIDTH, WIDTH), (WIDTH,)
    named = {"embed.0.weight": (WIDTH, FEATURES), "embed.0.bias": vector}
    named |= {"embed.1.weight": square, "embed.1.bias": vector}
    for name in ["graph.0.norm", "layers.0.attention_norm", "layers.0.feed_forward_norm", "norm"]:
        named |= {f"{name}.weight": vector, f"{name}.bias": vector}
    named |= {"graph.0.map.weight": square, "graph.0.source": vector, "graph.0.target": vector}
    for name in "qkvo":
        named[f"layers.0.attention.{name}_proj.weight"] = square
    named["layers.0.attention.distance"] = (HEADS, 10)
    named |= {"layers.0.feed_forward.0.weight": (INNER, WIDTH), "layers.0.feed_forward.0.bias": (INNER,)}
    named |= {"layers.0.feed_forward.1.weight": (WIDTH, INNER), "layers.0.feed_forward.1.bias": vector}
    named |= {"head.0.weight": (WIDTH, WIDTH + own), "head.0.bias": vector}
    named |= {"head.1.weight": (outputs, WIDTH), "head.1.bias": (outputs,)}
    return named


def forward(w, features, own, hops, reach, pools):
    def linear(name, x):
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-5)

    def heads(x):
        return x.reshape(len(x), HEADS, SIZE).transpose(0, 1)

    h = linear("embed.1", F.gelu(linear("embed.0", features)))

    mapped = heads(linear("graph.0.map", norm("graph.0.norm", h)))
    target, source = (w[f"graph.0.{name}"].reshape(HEADS, 1, SIZE) for name in ("target", "source"))
    scores = F.leaky_relu((mapped * target).sum(-1)[:, :, None] + (mapped * source).sum(-1)[:, None, :], 0.2)
    weights = torch.softmax(scores.masked_fill(hops > 1, -math.inf), -1)
    h = h + F.elu((weights @ mapped).transpose(0, 1).reshape(len(h), WIDTH))

    z = norm("layers.0.attention_norm", h)
    q, k, v = (heads(linear(f"layers.0.attention.{name}_proj", z)) for name in "qkv")
    scores = q @ k.transpose(1, 2) / math.sqrt(SIZE) + w["layers.0.attention.distance"][:, hops]
    if reach is not None:
        scores = scores.masked_fill(hops > reach, -math.inf)
    seen = (torch.softmax(scores, -1) @ v).transpose(0, 1).reshape(len(h), WIDTH)
    h = h + linear("layers.0.attention.o_proj", seen)
    inner = F.gelu(linear("layers.0.feed_forward.0", norm("layers.0.feed_forward_norm", h)))
    h = h + linear("layers.0.feed_forward.1", inner)

    h = norm("norm", h)
    if pools:
        h = h.mean(0, keepdim=True)
    if own is not None:
        h = torch.cat([h, own], 1)
    return linear("head.1", F.gelu(linear("head.0", h)))


def case(graphs, reach, own, outputs, pools):
    """Outputs of states on some graphs, and the gradients of their inner product with a ramp."""
    named = sorted(shapes(own, outputs).items())
    w = {
        name: (0.5 * torch.tensor(ramp(math.prod(shape), 100 + place)).reshape(shape)).requires_grad_()
        for place, (name, shape) in enumerate(named)
    }
    rows = sum(graphs)
    features = torch.tensor(ramp(rows * FEATURES, 1)).reshape(rows, FEATURES)
    extra = torch.tensor(ramp(rows * own, 2)).reshape(rows, own) if own else None
    parts, row = [], 0
    for nodes in graphs:
        own_rows = extra[row : row + nodes] if own else None
        parts.append(
            forward(w, features[row : row + nodes], own_rows, path_with_chords(nodes), reach, pools)
        )
        row += nodes
    y = torch.cat(parts)
    y.backward(torch.tensor(ramp(y.numel(), 99)).reshape(y.shape))
    numbers = {"outputs": y.detach()} | {name: tensor.grad for name, tensor in w.items()}
    return {name: [float(f"{x:.9g}") for x in values.flatten().tolist()] for name, values in numbers.items()}


if __name__ == "__main__":
    cases = {
        "actor": case([20, 20, 6], reach=3, own=3, outputs=1, pools=False),
        "critic": case([20, 6], reach=None, own=0, outputs=1, pools=False),
        "pooled": case([20, 6, 9], reach=None, own=0, outputs=2, pools=True),
    }
    folder = pathlib.Path(__file__).parent / "files"
    (folder / "graph_transformer.json").write_text(json.dumps(cases) + "\n")
