@testable import Report

/// A run with every figure, its numbers near those that the demo gives.
func sampleSummary(rounds: Int = 3) -> RunSummary {
    let topics = ["inc", "dec", "max", "sort"]
    func score(_ values: [Double]) -> Score {
        Score(
            overall: values.reduce(0, +) / 4,
            byTopic: Dictionary(uniqueKeysWithValues: zip(topics, values))
        )
    }
    func at(_ share: Double, of end: Score, from start: Score) -> Score {
        score(
            topics.map { start.byTopic[$0, default: 0] * (1 - share) + end.byTopic[$0, default: 0] * share }
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
        passAt1: MethodScores(base: base, federated: federated, noSwap: noSwap, localOnly: local),
        bytes: ByteTotals(byKind: history.flatMap(\.bytes), fullModelSync: 24 * 449_472 * rounds / 3),
        seconds: Seconds(build: 0.4, training: 71.2, evaluation: 3.4),
        adapterSHA256: "3f5c0f6a9d5c1b4f2f0e6a7d8c9b0a1f2e3d4c5b6a79808172635445362718ff",
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
                    passAt1: Score(
                        overall: value,
                        byTopic: [
                            "inc": value - 0.1, "dec": value - 0.2, "max": value + 0.15, "sort": value + 0.15,
                        ]
                    ),
                    metrics: ["fedITGap": 0.14 + noise, "silentAfter": 0.2]
                )
            }
        )
    }
    return Reproduction(
        title: "Demo, five seeds",
        topology: "topologies/demo.yaml",
        base: Score(overall: 0.229, byTopic: ["inc": 0.213, "dec": 0.187, "max": 0.287, "sort": 0.229]),
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
