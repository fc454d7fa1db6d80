"""The bars of the issue that asked for speed, with both sides' figures, as Markdown from a folder of bench files.

table.py FOLDER
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
records = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
records = {name: record for name, record in records.items() if "rows" in record}
# Some benches have one thread alone: the header is of one that has all.
widest = max(records.values(), key=lambda record: record["threads"])
machine = widest["machine"]
is_wide = "avx512f" in machine["instructions"]


class Bar:
    """One line: what is measured, where, how much better than the best peer it has to be, in how much memory.

    Memory is the process's peak or a figure.
    """

    def __init__(self, name, file, work, ratio, memory=None, figure=None, peers=None, sides=None, room="peakMiB"):
        self.name, self.file, self.work, self.memory = name, file, work, memory
        self.room_figure = room
        self.figure, self.peers, self.sides = figure, peers, sides
        # On a machine with AVX2, and on one with AVX-512.
        self.ratio = ratio if isinstance(ratio, tuple) else (ratio, ratio)

    def line(self):
        rows = [row for row in records.get(self.file, {"rows": []})["rows"] if self.work in row["work"]]
        own = [row for row in rows if row["isOwn"] and self.is_wanted(row, self.sides)]
        peers = [row for row in rows if not row["isOwn"] and self.is_wanted(row, self.peers)]
        if not own:
            return [self.name, "–", "–", "–", self.bar(), "–", self.room(), "not measured"]
        figure = self.figure or own[0]["figure"]
        less = own[0]["figure"].startswith("s")
        pick = min if less else max

        def value(row):
            return row["figures"][figure]["median"]

        # The best form; on equal terms the one that fits.
        ours = pick(own, key=value)
        ratio = None
        shown = "–"
        if peers:
            best = pick(peers, key=value)
            ratio = value(best) / value(ours) if less else value(ours) / value(best)
            shown = f"{best['side']}: {self.range(best, figure)}"
        misses = []
        figures = ours["figures"]
        used = figures[self.room_figure]["median"] if self.room_figure in figures else ours["peakMiB"]
        if ratio is not None and ratio < self.ratio[is_wide]:
            misses.append("speed")
        if self.memory and used > self.memory:
            misses.append("memory")
        return [
            self.name,
            f"{ours['side'].removeprefix('tributary ')}: {self.range(ours, figure)} {figure}",
            shown,
            f"{ratio:.2f} ×" if ratio is not None else "–",
            self.bar(),
            f"{used:,.0f}",
            self.room(),
            self.verdict(misses, bool(peers)),
        ]

    def verdict(self, misses, is_compared):
        if misses:
            return "**missed** (" + ", ".join(misses) + ")"
        return "met" if is_compared else "not compared"

    def is_wanted(self, row, words):
        return words is None or any(word in row["side"] for word in words)

    def bar(self):
        low, high = self.ratio
        return f"≥ {low} ×" if low == high else f"≥ {low} × (AVX2), {high} × (AVX-512)"

    def room(self):
        return f"≤ {self.memory:,.0f}" if self.memory else "–"

    def range(self, row, figure):
        spread = row["figures"][figure]
        return f"{number(spread['median'])} ({number(spread['lowest'])}–{number(spread['highest'])})"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


sixteen = ["bfloat16", "int8"]
bars = [
    Bar("LoRA step, 8 × 256, float32", "train", "LoRA", (1.45, 3), 1024, sides=["float32"], peers=["torch float32"]),
    Bar("the same, frozen weights 16- or 8-bit", "train", "LoRA", (1.45, 2), 700, sides=sixteen),
    Bar("sampling, 32 × (64 + 128), against HF", "generate", "sampling 32", (4, 5), 450, peers=["hf"]),
    Bar("the same, against llama.cpp", "generate", "sampling 32", (1.6, 1.3), 450, peers=["llama"]),
    Bar(
        "the same, decoding alone",
        "generate",
        "sampling 32",
        (1.6, 1.3),
        450,
        figure="decode alone, tokens/s",
        peers=["llama"],
    ),
    Bar("sampling, 4 × 8 × (64 + 128)", "generate-groups", "sampling 4", 1),
    Bar("single-stream decode", "generate", "one answer", 1.2, peers=["llama"]),
    Bar("prefill, 512 tokens", "generate", "prefill", (1.5, 1.2), peers=["llama"]),
    Bar("RLVR step, 8 × 8 × 64", "rlvr", "RLVR", 5, 1229),
    Bar("tiny (1.1 M), full training, 1 thread", "train-tiny", "all of 1.1 M", 2, peers=["torch float32"]),
    Bar("tiny, sampling, 32 × 128 new, 1 thread", "generate-tiny", "sampling 32", 6),
    Bar("`generate`, 64 tokens, start to end, 1 thread", "generate-start", "start to end", 1, 200),
    Bar("wire round, 20 MB float32, 4 clients", "wire", "f32", 1, 120),
    Bar("the same, memory of a client", "wire", "f32", 1, 60, room="client, MiB"),
]

ceilings = widest["ceilings"]
print(f"# {machine['processor']}, {machine['family']}\n")
print(f"{machine['cores']} cores, {machine['memoryGiB']:.0f} GiB; {', '.join(machine['instructions'])}; {machine['kernels']}\n")
print("| ceiling | 1 thread | all | |\n|---|---|---|---|")
for name, ceiling in [*ceilings["arithmetic"].items(), ("memory", ceilings["memory"])]:
    unit = {"memory": "GB/s", "int8": "GOP/s"}.get(name, "GFLOP/s")
    one, all_threads = number(ceiling["one"]["highest"]), number(ceiling["all"]["highest"])
    print(f"| {name}, {unit} | {one} | {all_threads} | {ceiling['instruction']} |")
print("\nMedians of runs by turns, with ranges; peak memory in MiB of the process that is measured.\n")
print("| work | Tributary | best peer | ratio | bar | MiB | bar | |\n|---|---|---|---|---|---|---|---|")
for bar in bars:
    print("| " + " | ".join(bar.line()) + " |")
others = max((row["othersShare"] for record in records.values() for row in record["rows"]), default=0)
print(f"\nOther programs took at most {100 * others:.0f} % of the machine during a run.\n")
print("| file | command |\n|---|---|")
for name, record in records.items():
    print(f"| `{name}.json` | `tributary {record['command']}` |")
