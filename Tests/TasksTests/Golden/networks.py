"""Writes networks.json: what NumPy computes for the dynamics on networks and for the rules.

    python networks.py > networks.json        (NumPy 2.x)

`episodes` are followed node by node in float32, with random numbers that both sides make by `ramp`, so that every
state can be compared. `means` are returns over many episodes with NumPy's own random numbers, computed for all
nodes and episodes at once with other formulas, in float64; they come with their standard errors.
"""

import json

import numpy as np

F = np.float32

# Zachary 1977, members 1 to 34: friends with higher numbers.
KARATE = {1: "2 3 4 5 6 7 8 9 11 12 13 14 18 20 22 32", 2: "3 4 8 14 18 20 22 31", 3: "4 8 9 10 14 28 29 33",
          4: "8 13 14", 5: "7 11", 6: "7 11 17", 7: "17", 9: "31 33 34", 10: "34", 14: "34", 15: "33 34",
          16: "33 34", 19: "33 34", 20: "34", 21: "33 34", 23: "33 34", 24: "26 28 30 33 34", 25: "26 28 32",
          26: "32", 27: "30 34", 28: "34", 29: "32 34", 30: "33 34", 31: "33 34", 32: "33 34", 33: "34"}


def graph(name):
    """The adjacency matrix."""
    if name == "karate":
        pairs = [(i - 1, int(j) - 1) for i, others in KARATE.items() for j in others.split()]
        count = 34
    else:  # "grid4x5"
        count, pairs = 20, []
        for node in range(20):
            if node % 5 < 4:
                pairs.append((node, node + 1))
            if node < 15:
                pairs.append((node, node + 5))
    matrix = np.zeros((count, count), int)
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = 1
    return matrix


def distances(matrix):
    """Hops between all pairs, by Floyd and Warshall."""
    count = len(matrix)
    hops = np.where(matrix > 0, 1, 1000)
    np.fill_diagonal(hops, 0)
    for k in range(count):
        hops = np.minimum(hops, hops[:, [k]] + hops[[k], :])
    return hops


def ramp(count, salt):
    """count numbers in [0, 1): the high bits of a 32-bit linear congruential generator."""
    state, numbers = salt, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers.append(F(state >> 8) * F(2.0**-24))
    return numbers


def act(rule, active, level, hops, tau):
    """Actions of a rule: active and level [..., n]."""
    near = np.where(active[..., None, :], hops, 1000).min(-1)
    if rule == "none":
        return np.zeros_like(level)
    if rule == "all":
        return np.ones_like(level)
    if rule.startswith("degree"):
        degree = (hops == 1).sum(-1)
        chosen = sorted(range(len(degree)), key=lambda i: (-degree[i], i))
        actions = np.zeros_like(level)
        actions[..., chosen[: round(float(rule.split("-")[1]) * len(degree))]] = 1
        return actions
    if rule == "hand":
        return ((near <= 1) | ((near <= 4) & (level < 0.9 * tau))).astype(int)
    return (near <= int(rule[1:])).astype(int)


def follow(case):
    """One episode, node by node; x: 0, 1, 2 as in NodeStates."""
    matrix, d = graph(case["graph"]), case["dynamics"]
    hops, count = distances(matrix), len(matrix)
    x, level = np.zeros(count, int), np.zeros(count, int)
    x[case["start"]] = 1
    tau = d.get("ramp", 0)
    noise, rows, total, weight = ramp(case["steps"] * count, case["salt"]), [], 0.0, 1.0
    for t in range(case["steps"]):
        action = act(case["rule"], x == 1, level, hops, tau)
        if tau:
            level = np.clip(level + np.where(action == 1, 1, -1), 0, tau)
        guard = np.where(level == tau, F(d["efficacy"]), F(0)) if tau else None
        after, reward = x.copy(), np.zeros(count)
        for i in range(count):
            u = noise[t * count + i]
            spreading = [j for j in range(count) if matrix[i, j] and x[j] == 1]
            if "transmission" in d:
                escape = F(1)
                for j in spreading:
                    escape = escape * (F(1) - F(d["transmission"]) * (F(1) - guard[j]))
                if x[i] == 0 and u < (F(1) - guard[i]) * (F(1) - escape):
                    after[i] = 1
                elif x[i] == 1 and u >= F(1) - F(d["recovery"]):
                    after[i] = 0 if d["model"] == "sis" else 2
            else:
                rate = d["spreading"]
                share = [F(1) - F(d["efficacy"]) * F(action[j]) for j in spreading]
                if d["model"] == "threshold":
                    m = float(np.sum(share, dtype=F))
                    heard = F(max(0.0, 1 - (1 - 0.2 * rate) ** m * (1 - rate) ** (m * (m - 1) / 2)))
                else:
                    heard = F(1)
                    for s in share:
                        heard = heard * (F(1) - F(rate) * s)
                    heard = F(1) - heard
                if x[i] == 0 and u < heard:
                    after[i] = 1
                elif x[i] == 0 and action[i] and u >= F(1) - (F(1) - heard) * F(d["prebunking"]):
                    after[i] = 2
                elif x[i] == 1:
                    stays = F(1) - F(d["forgetting"])
                    for j in range(count):
                        if matrix[i, j] and x[j] > 0:
                            stays = stays * (F(1) - F(d["stifling"]))
                    if u >= stays:
                        after[i] = 2
            reward[i] = -float(after[i] == 1) - d["cost"] * action[i]
        x = after
        total += weight * reward.mean()
        weight *= d["discount"]
        rows.append({"actions": "".join(map(str, action)), "compartments": "".join(map(str, x)),
                     "levels": "".join(map(str, level))})
    return {**case, "rows": rows, "return": total}


def mean(case, episodes=20000):
    """The mean return over many episodes."""
    matrix, d = graph(case["graph"]), case["dynamics"]
    hops, count = distances(matrix), len(matrix)
    random = np.random.default_rng(7)
    order = np.argsort(random.random((episodes, count)), axis=1)
    x = (order < max(1, round(d["startShare"] * count))).astype(int)
    level = np.zeros((episodes, count), int)
    total = np.zeros(episodes)
    for t in range(d["horizon"]):
        action = act(case["rule"], x == 1, level, hops, d.get("ramp", 0))
        active, u, v = x == 1, random.random(x.shape), random.random(x.shape)
        if "transmission" in d:
            level = np.clip(level + 2 * action - 1, 0, d["ramp"])
            guard = d["efficacy"] * (level == d["ramp"])
            through = np.log1p(-d["transmission"] * (1 - guard) * 0.9999999)
            infected = u < (1 - guard) * -np.expm1((active * through) @ matrix)
            after = np.where(x == 0, infected, np.where(active & (v < d["recovery"]), 0 if d["model"] == "sis" else 2, x))
        else:
            weight = 1 - d["efficacy"] * action
            if d["model"] == "threshold":
                m = (active * weight) @ matrix
                heard = 1 - (1 - 0.2 * d["spreading"]) ** m * (1 - d["spreading"]) ** (m * (m - 1) / 2)
            else:
                heard = -np.expm1((active * np.log1p(-d["spreading"] * weight)) @ matrix)
            informed = (x > 0) @ matrix
            stays = (1 - d["forgetting"]) * (1 - d["stifling"]) ** informed
            opened = np.where(u < heard, 1, np.where((action == 1) & (v < d["prebunking"]), 2, 0))
            after = np.where(x == 0, opened, np.where(active & (u >= stays), 2, x))
        x = after.astype(int)
        total += d["discount"] ** t * (-(x == 1).mean(1) - d["cost"] * action.mean(1))
    return {**case, "mean": total.mean(), "standardError": total.std() / np.sqrt(episodes)}


RANGE = {"model": "sis", "transmission": 0.5, "recovery": 0.2, "efficacy": 1.0, "ramp": 5, "cost": 0.06,
         "startShare": 0.05, "horizon": 40, "discount": 0.99}
S1 = {**RANGE, "transmission": 0.4, "recovery": 0.15, "efficacy": 0.9, "ramp": 3, "cost": 0.05, "startShare": 0.1,
      "horizon": 20, "discount": 0.98}
RUMOUR = {"model": "simple", "spreading": 0.4, "stifling": 0.05, "forgetting": 0.02, "efficacy": 0.7,
          "prebunking": 0.15, "cost": 0.05, "startShare": 0.05, "horizon": 30, "discount": 0.99}

episodes = [
    ("karate", RANGE, "h3", [0, 33]),
    ("karate", {**RANGE, "model": "sir", "efficacy": 0.6, "ramp": 2}, "h1", [5, 16, 24]),
    ("grid4x5", {**RANGE, "efficacy": 0.8, "ramp": 1}, "h0", [7]),
    ("grid4x5", RANGE, "hand", [0, 19]),
    ("grid4x5", S1, "degree-0.25", [3, 11]),
    ("karate", RUMOUR, "h2", [16]),
    ("karate", {**RUMOUR, "model": "threshold", "spreading": 0.7}, "h0", [0, 33, 2]),
    ("grid4x5", {**RUMOUR, "efficacy": 0.3}, "none", [12]),
]
means = [("karate", RANGE, rule) for rule in ["none", "all", "degree-0.25", "h1", "h3", "hand"]]
means += [("grid4x5", S1, "h2"), ("grid4x5", RANGE, "h4"), ("grid4x5", {**RANGE, "model": "sir"}, "h1")]
means += [("karate", RUMOUR, "h1"), ("karate", RUMOUR, "h2"), ("grid4x5", {**RUMOUR, "model": "threshold"}, "h0")]
numbers = {
    "episodes": [
        follow({"graph": g, "dynamics": d, "rule": r, "start": s, "salt": 10 + i, "steps": 16})
        for i, (g, d, r, s) in enumerate(episodes)
    ],
    "means": [mean({"graph": g, "dynamics": d, "rule": r}) for g, d, r in means],
}
print(json.dumps(numbers, indent=1))
