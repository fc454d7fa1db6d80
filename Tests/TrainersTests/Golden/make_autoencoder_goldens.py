"""Golden numbers of an autoencoder's learning, in double precision with NumPy.

    python make_autoencoder_goldens.py autoencoder.json

Loss and gradients are those of Bricken et al. (2023): squared error summed over the columns plus a weight times the
sum of activations, mean over the batch; the part of the decoder's gradient along its rows is taken off, rows are
brought back to unit length after a step of Adam.
"""
import json
import sys

import numpy as np

M, C, BATCH, STEPS, SPARSITY, RATE = 7, 5, 6, 4, 0.3, 0.01
rng = np.random.default_rng(3)


def run(k):
    decoder = rng.normal(size=(M, C))
    decoder /= np.linalg.norm(decoder, axis=1, keepdims=True)
    p = [decoder + 0.1 * rng.normal(size=(M, C)), 0.1 * rng.normal(size=M), decoder, 0.1 * rng.normal(size=C)]
    start = [v.copy() for v in p]
    batches = rng.normal(size=(STEPS, BATCH, C))
    moments = [(np.zeros_like(v), np.zeros_like(v)) for v in p]
    losses = []
    for step, x in enumerate(batches):
        z = np.maximum(x @ p[0].T + p[1], 0)
        if k:
            cut = -np.sort(-z, axis=1)[:, k - 1 : k]
            z = np.where(z >= cut, z, 0)
        error = z @ p[2] + p[3] - x
        weight = 0 if k else SPARSITY
        losses.append(((error**2).sum() + weight * z.sum()) / BATCH)
        dz = np.where(z > 0, 2 / BATCH * error @ p[2].T + weight / BATCH, 0)
        ddec = 2 / BATCH * z.T @ error
        ddec -= (ddec * p[2]).sum(1, keepdims=True) * p[2]
        for v, g, (m, s) in zip(p, [dz.T @ x, dz.sum(0), ddec, 2 / BATCH * error.sum(0)], moments):
            m += 0.1 * (g - m)
            s += 0.001 * (g * g - s)
            t = step + 1
            v -= RATE * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        p[2] /= np.linalg.norm(p[2], axis=1, keepdims=True)
    flat = lambda vs: [[float(x) for x in v.reshape(-1)] for v in vs]
    return {"topK": k, "start": flat(start), "batches": flat(batches), "losses": losses, "end": flat(p)}


golden = {"latents": M, "width": C, "sparsity": SPARSITY, "learningRate": RATE, "runs": [run(None), run(2)]}
json.dump(golden, open(sys.argv[1], "w"), indent=1)
