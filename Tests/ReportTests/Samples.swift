import Contract

@testable import Report

/// A measure as trainers of language models give it.
let passAt1 = Measure(
    key: "passAt1",
    name: "pass@1",
    unit: .fraction,
    meaning: "the chance that one sampled answer is right",
    slice: "topic"
)

/// A measure that is a plain number of which less is better.
let logLoss = Measure(
    key: "logLoss",
    name: "log loss",
    higherIsBetter: false,
    meaning: "the mean negative logarithm of the probability of what came next",
    slice: "domain"
)

/// A run with every figure, its numbers near those that the demo gives.
func sampleSummary(rounds: Int = 3) -> RunSummary {
    let topics = ["inc", "dec", "max", "sort"]
    func score(_ values: [Double]) -> Score {
        Score(
            overall: values.reduce(0, +) / 4,
            bySlice: Dictionary(uniqueKeysWithValues: zip(topics, values)),
            slice: "topic"
        )
    }
    func at(_ share: Double, of end: Score, from start: Score) -> Score {
        score(
            topics.map { start.bySlice[$0, default: 0] * (1 - share) + end.bySlice[$0, default: 0] * share }
        )
    }
    let base = score([0.213, 0.187, 0.287, 0.229])
    let federated = score([0.516, 0.401, 0.787, 0.771])
    let noSwap = score([0.504, 0.390, 0.782, 0.766])
    let local = score([0.357, 0.314, 0.446, 0.323])
    let bytes = [
        ByteCount(kind: "adapter", up: 0, down: 171_000), ByteCount(kind: "update", up: 169_500, down: 0),
        ByteCount(kind: "responses", up: 88_300, down: 0), ByteCount(kind: "pool", up: 0, down: 21_900),
        ByteCount(kind: "batch", up: 0, down: 16_400), ByteCount(kind: "control", up: 9_800, down: 14_100),
    ]
    let history = (1...rounds).map { round in
        let share = [0, 0.54, 0.85, 1, 1][min(round * 3 / rounds, 4)]
        return RoundHistory(
            round: round,
            federated: at(share, of: federated, from: base),
            noSwap: at(share, of: noSwap, from: base),
            localOnly: at(min(1, share * 1.2), of: local, from: base),
            drift: 2.1 - 0.25 * Double(round % 5),
            fedITGap: 0.17 - 0.013 * Double(round % 4),
            silentBefore: 0.26 - 0.01 * Double(round % 3),
            silentAfter: 0.13 + 0.01 * Double(round % 3),
            swaps: 1180 + 40 * (round % 3),
            bytes: bytes
        )
    }
    return RunSummary(
        federation: "demo",
        topology: "topologies/demo.yaml",
        trainer: "rlvr",
        seed: 1,
        rounds: rounds,
        clients: 4,
        measure: passAt1,
        scores: MethodScores(base: base, federated: federated, noSwap: noSwap, localOnly: local),
        bytes: ByteTotals(byKind: history.flatMap(\.bytes), fullModelSync: 24 * 449_472 * rounds / 3),
        seconds: Seconds(build: 0.4, training: 71.2, evaluation: 3.4),
        adapterDigest: "3f5c0f6a9d5c1b4f2f0e6a7d8c9b0a1f2e3d4c5b6a79808172635445362718ff",
        history: history,
        settings: [
            Setting("clients", "inc, dec, max, sort"),
            Setting("model", "tiny-arithmetic, 224,736 parameters"),
            Setting("adapter", "rank 8, α 16, 29,184 parameters"),
            Setting("schedule", "60 steps a round, 2 local to 1 public"),
            Setting("responses", "K = 8, 16 prompts a step, temperature 1"),
            Setting("optimiser", "AdamW, learning rate 0.003, reset at each round"),
            Setting("delta", "factors, uniform weights, bf16 on the wire"), Setting("pool", "balanced"),
        ]
    )
}

/// Five methods with five seeds.
func sampleReproduction() -> Reproduction {
    func method(_ name: String, _ centre: Double, _ noise: Double) -> Reproduction.Method {
        Reproduction.Method(
            name: name,
            runs: (1...5).map { seed in
                let value = centre + noise * [0.7, -1.2, 0.2, 1.1, -0.8][seed - 1]
                return .init(
                    seed: UInt64(seed),
                    score: Score(
                        overall: value,
                        bySlice: [
                            "inc": value - 0.1, "dec": value - 0.2, "max": value + 0.15, "sort": value + 0.15,
                        ],
                        slice: "topic"
                    ),
                    metrics: ["fedITGap": 0.14 + noise, "silentAfter": 0.2]
                )
            }
        )
    }
    return Reproduction(
        title: "Demo, five seeds",
        topology: "topologies/demo.yaml",
        measure: passAt1,
        base: Score(
            overall: 0.229,
            bySlice: ["inc": 0.213, "dec": 0.187, "max": 0.287, "sort": 0.229],
            slice: "topic"
        ),
        methods: [
            method("local only", 0.360, 0.006), method("private only", 0.522, 0.01),
            method("no swap", 0.610, 0.006), method("balanced", 0.619, 0.009),
            method("random", 0.610, 0.004), method("replaceAll", 0.544, 0.004),
        ],
        comparisons: [
            .init("private only", against: "local only"), .init("no swap", against: "private only"),
            .init("balanced", against: "no swap"), .init("random", against: "balanced"),
            .init("replaceAll", against: "balanced"),
        ],
        settings: [Setting("schedule", "60 steps a round, 2 local to 1 public, 3 rounds")]
    )
}

/// A run whose measure is a plain number of which less is better, with a round that was refused, monitors, metrics
/// and figures.
func sampleNumberSummary(slices: Int = 20) -> RunSummary {
    func score(_ value: Double) -> Score {
        let parts = (0..<slices).map { ("domain \($0)", value + 0.05 * Double($0 % 5)) }
        return Score(
            overall: value,
            bySlice: Dictionary(uniqueKeysWithValues: parts),
            slice: "domain",
            interval: Interval(low: value - 0.02, high: value + 0.02)
        )
    }
    var summary = sampleSummary()
    summary.measure = logLoss
    summary.scores = MethodScores(base: score(3.21), federated: score(3.18), localOnly: score(3.2))
    summary.history = (1...4).map { round in
        RoundHistory(
            round: round,
            federated: score(3.21 - 0.0075 * Double(round)),
            monitors: ["exposure": 0.5 + 0.001 * Double(round), "canary rank": Double(900 - 200 * round)]
        )
    }
    summary.history[2].vetoed = "log loss rose by 0.4"
    summary.history[2].vetoedClients = ["north", "south"]
    summary.metrics = ["perplexity": 24.05, "calibration error": 0.0312]
    summary.figures = sampleFigures()
    return summary
}

/// One figure of each kind.
func sampleFigures() -> [Figure] {
    let quarters = (0...8).map { Double($0) * 0.25 }
    return [
        Figure(
            "Loss by temperature",
            caption: "Lines over coordinates that are not whole.",
            .lines(
                .init(
                    xName: "temperature",
                    yName: "loss",
                    series: ["north", "south", "east"].enumerated().map { index, name in
                        .init(
                            name,
                            x: quarters,
                            y: quarters.map { 3 + Double(index) * 0.2 + ($0 - 1) * ($0 - 1) }
                        )
                    }
                )
            )
        ),
        Figure(
            "Errors by domain",
            caption: "Bars with a gap.",
            .bars(
                .init(
                    xName: "domain",
                    yName: "errors",
                    groups: ["prose", "code", "tables"],
                    series: [
                        .init("before", values: [12, 30, nil]), .init("after", values: [9, 21.5, 4]),
                    ]
                )
            )
        ),
        Figure(
            "Rating of checkpoints",
            caption: "With intervals where they are known.",
            .intervals(
                .init(
                    xName: "rating",
                    rows: [
                        .init("base", value: 1000),
                        .init("round 1", value: 1043, interval: .init(low: 1021, high: 1068)),
                        .init("round 2", value: 1066, interval: .init(low: 1040, high: 1091)),
                    ]
                )
            )
        ),
        Figure(
            "Confusion",
            caption: "Rows are what was meant, columns what was said.",
            .heatMap(
                .init(
                    rows: ["insertion", "deletion", "transposition"],
                    columns: ["insertion", "deletion", "transposition"],
                    values: [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0, 0.35, 0.65]]
                )
            )
        ),
        Figure(
            "Who learns from whom",
            caption: "Edges as heavy as what was taken over.",
            .graph(
                .init(
                    nodes: [
                        .init("north", weight: 3), .init("south"), .init("east", weight: 2), .init("west"),
                    ],
                    edges: [
                        .init(from: 0, to: 1, weight: 3), .init(from: 1, to: 0),
                        .init(from: 2, to: 0, weight: 2),
                        .init(from: 3, to: 3, weight: 2), .init(from: 0, to: 0, weight: 1),
                    ]
                )
            )
        ),
        Figure(
            "Which expert reads what",
            caption: "Spans by the expert that had most weight.",
            .annotatedText(
                .init(
                    groups: ["syntax", "numbers", "names"],
                    spans: [
                        .init("The train to "), .init("Augsburg", group: 2), .init(" leaves at "),
                        .init("17:05", group: 1), .init(", "), .init("if it leaves", group: 0), .init("."),
                    ]
                )
            )
        ),
    ]
}
