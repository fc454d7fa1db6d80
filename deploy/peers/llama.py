"""llama.cpp's own benches, a process for each run; what they measure does not include loading the file."""

import json
import subprocess

import side

options = side.arguments("file", "work")
programs = options.peers + "/llama/bin/"
common = ["-m", options.file, "-t", str(options.threads)]


def output(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def bench(prompt, new):
    """Tokens a second of llama-bench, which warms up by itself."""
    text = output(programs + "llama-bench", *common, "-p", str(prompt), "-n", str(new), "-r", "1", "-o", "json")
    return {"tokens/s": json.loads(text[text.index("[") :])[0]["avg_ts"]}


def batched(*more):
    """llama-batched-bench on 32 answers: what it feeds is not drawn from the model."""
    text = output(
        programs + "llama-batched-bench",
        *common,
        *("-tb", str(options.threads), "-c", "8192", "-b", "2048", "-ub", "512"),
        *("-npp", "64", "-ntg", "128", "-npl", "32"),
        *more,
    )
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    # | PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s |
    row = next(row for row in rows if len(row) > 10 and row[1] == "64")
    prefill, decode = float(row[5]), float(row[7])
    new = 32 * 128
    return {"tokens/s": new / (prefill + decode), "decode alone, tokens/s": new / decode, "prefill, s": prefill}


def start():
    """A whole process of llama.cpp's simplest example: load, read the prompt, 64 tokens, each the likeliest."""
    prompt = "Once upon a time, in a village by the sea,"
    words = [programs + "llama-simple", "-m", options.file, "-n", "64", prompt]
    seconds = side.timed(lambda: output(*words))
    return {"s": seconds}


works = {
    "prefill": lambda: bench(512, 0),
    "single": lambda: bench(0, 128),
    "batch": batched,
    # One prompt that all 32 answers share: less work than four.
    "groups": lambda: batched("-pps"),
    "start": start,
}
side.serve(works[options.work], peak=side.children_peak_mib)
