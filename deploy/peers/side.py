"""One side of a comparison by `tributary bench`: does the work once for each line that it is given.

The bench starts the script, which works once to warm up. For each line `run` it works once more. Each time it says one line
of JSON: seconds, cpuSeconds, peakMiB and figures, a number for each name.
"""

import argparse
import json
import os
import resource
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# What libraries print is no answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def arguments(*names):
    """The options that every script has, and those named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", required=True)
    parser.add_argument("--threads", type=int, required=True)
    for name in names:
        parser.add_argument("--" + name, required=True)
    return parser.parse_args()


def cpu_seconds():
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def peak_mib():
    """The most memory that this process had at once."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def children_peak_mib():
    """The most memory that one of the ended children had at once."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def say(line):
    answers.write(line + "\n")
    answers.flush()


class Turns:
    """For work that is driven by someone else's loop: `begin` waits until a run is wanted, `end` answers."""

    def __init__(self):
        self.is_warm = False

    def begin(self):
        """Waits; false where no more runs are wanted. The first run is the warm-up, which nobody asks for."""
        if self.is_warm and not sys.stdin.readline():
            return False
        self.start, self.cpu = time.perf_counter(), cpu_seconds()
        return True

    def end(self, figures, peak=None):
        self.is_warm = True
        sample = {
            "seconds": time.perf_counter() - self.start,
            "cpuSeconds": cpu_seconds() - self.cpu,
            "peakMiB": peak if peak is not None else peak_mib(),
            "figures": figures,
        }
        say(json.dumps(sample))


def serve(work, peak=None):
    """Works once to warm up, and then once for each line. `work` returns figures, `peak` memory that is not this process's."""
    turns = Turns()
    while turns.begin():
        figures = work()
        turns.end(figures, peak() if peak else None)


def timed(work):
    """The seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
