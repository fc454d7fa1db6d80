"""Products with PyTorch's `linear`: the shapes, rows and copies of `tributary bench gemm`."""

import math
import time

import torch

import models
import side

options = side.arguments("form", "rows")
torch.set_num_threads(options.threads)
form = models.TYPES[options.form]
rows = [int(count) for count in options.rows.split(",")]
shapes = [(576, 576), (192, 576), (1536, 576), (576, 1536), (49152, 576)]
weights = {}
for shape in shapes:
    copies = 1 + (128 << 20) // (4 * shape[0] * shape[1])
    weights[shape] = [torch.rand(shape).to(form) - 0.5 for _ in range(copies)]


def rate(operations, copies, product):
    count, start = 0, time.perf_counter()
    while True:
        some = copies[: max(1, int(2e8 / operations))]
        for weight in some:
            product(weight)
        count += len(some)
        seconds = time.perf_counter() - start
        if seconds >= 0.01:
            return operations * count / 1e9 / seconds


@torch.inference_mode()
def work():
    figures = {}
    for shape in shapes:
        for count in rows:
            operations = 2 * count * shape[0] * shape[1]
            if operations > 60e9:
                continue
            copies = weights[shape] if count <= 64 else weights[shape][:1]
            name = f"{shape[0]}×{shape[1]}, {count} rows"
            x, y = torch.rand(count, shape[1]).to(form), torch.rand(count, shape[0]).to(form)
            figures["forward " + name] = rate(operations, copies, lambda w: torch.nn.functional.linear(x, w))
            figures["back " + name] = rate(operations, copies, lambda w: torch.matmul(y, w))
    logarithms = [math.log(value) for value in figures.values()]
    figures["geometric mean"] = math.exp(sum(logarithms) / len(logarithms))
    return figures


side.serve(work)
