internal import Contract
internal import Randomness
internal import Report
internal import Tensors

/// A key somewhere in a sequence and a query at its end decide the label together, out of a random table
/// (appendix F.2.1, "skip-trigram bug"): a head of pairs adds what the key says to what the query says, a
/// ternary score has a weight for each pair.
struct SkipTrigram: StudyExperiment {
    let name = "skip-trigram"
    let title = "Skip-trigram: a key and a query decide together"

    /// What is compared, with one attention layer, a residual and a linear read-out.
    static let kinds: [TrigramNet.Kind] = [
        .softmax(heads: 1), .softmax(heads: 2), .linear, .featureProduct, .exactTriples, .linearTriples,
    ]

    /// One training and what came of it.
    struct Run: Sendable {
        var parameters: Int
        /// The part of fresh sequences whose label is the most likely one.
        var accuracy: Double
        /// Mean negative logarithm of the label's probability.
        var crossEntropy: Double
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) throws -> StudySection {
        let training = SkipTrigram.training(options)
        let additive = options.seeds.map { TrigramTask(seed: $0).bestAdditive() }
        let runs = SkipTrigram.kinds.map { kind in
            options.seeds.map { seed in
                let run = train(kind, training, seed: seed)
                progress("\(kind.name), seed \(seed): accuracy \((run.accuracy * 1000).rounded() / 10) %")
                return run
            }
        }
        return StudySection(
            name: name,
            title: title,
            claims: SkipTrigram.claims,
            settings: [
                Setting(
                    "task",
                    "64 symbols: 48 fillers, 8 keys, 8 queries; 12 random fillers, a key at a random place "
                        + "among them, a query last; the label is a table entry, one of 8 classes drawn for "
                        + "each key and query"
                ),
                Setting(
                    "model",
                    "embeddings of 32, one attention layer for the last place, residual, read-out"
                ),
                Setting(
                    "training",
                    "AdamW without decay, \(training.steps) steps of \(SkipTrigram.batch) fresh sequences, "
                        + "rate \(training.rate) on half a cosine"
                ),
            ],
            tables: [table(additive, runs)],
            figures: [figure(additive, runs)],
            checks: checks(additive, runs),
            remarks: options.isQuick
                ? ["--quick trains a third of the steps, with one seed; bounds are those of the full study."]
                : []
        )
    }

    static let batch = 128

    static func training(_ options: StudyOptions) -> TapeTraining {
        TapeTraining(steps: options.isQuick ? 500 : 1500, rate: 1e-2)
    }

    /// Trains one kind on fresh sequences and tests it on others.
    func train(_ kind: TrigramNet.Kind, _ training: TapeTraining, seed: UInt64) -> Run {
        let task = TrigramTask(seed: seed)
        var start = RandomStream(seed: seed, "trigram", "start")
        let net = TrigramNet(kind, using: &start)
        var stream = RandomStream(seed: seed, "trigram", "train")
        training.train(net.parameters) { tape in
            let (symbols, labels) = task.draw(SkipTrigram.batch, using: &stream)
            let logits = net.logits(symbols, on: tape)
            var seed = TrigramTask.softmax(logits.doubles)
            for (row, label) in labels.enumerated() { seed[row * TrigramTask.classes + label] -= 1 }
            return (logits, seed.map { Float($0 / Double(labels.count)) })
        }
        var fresh = RandomStream(seed: seed, "trigram", "test")
        let (symbols, labels) = task.draw(4000, using: &fresh)
        let logits = net.logits(symbols, on: Tape(recording: false)).doubles
        let (accuracy, crossEntropy) = TrigramTask.score(logits, labels)
        return Run(
            parameters: net.parameters.reduce(0) { $0 + $1.count },
            accuracy: accuracy,
            crossEntropy: crossEntropy
        )
    }

    // MARK: - Results

    private func table(_ additive: [TrigramTask.Additive], _ runs: [[Run]]) -> StudyTable {
        let rows = zip(SkipTrigram.kinds, runs).map { kind, runs -> [StudyTable.Cell] in
            [
                .text(kind.name), .count(runs[0].parameters),
                .measured(runs.map { $0.accuracy * 100 }.median),
                .measured(runs.map { $0.accuracy * 100 }.min()),
                .measured(runs.map(\.crossEntropy).median), .measured(runs.map(\.crossEntropy).max()),
            ]
        }
        let best: [StudyTable.Cell] = [
            .text("best additive logits"), .none, .measured(additive.map { $0.accuracy * 100 }.median),
            .measured(additive.map { $0.accuracy * 100 }.min()),
            .measured(additive.map(\.crossEntropy).median),
            .measured(additive.map(\.crossEntropy).max()),
        ]
        return StudyTable(
            "Accuracy and cross-entropy by attention kind",
            caption:
                "Medians and worst of seeds on 4000 fresh sequences; parameters with embeddings and "
                + "read-out (2304 of them). Additive logits, a[key] + b[query], are fitted to all 64 pairs.",
            header: ["kind", "parameters", "accuracy %", "worst", "cross-entropy", "worst"],
            rows: [best] + rows
        )
    }

    private func figure(_ additive: [TrigramTask.Additive], _ runs: [[Run]]) -> Figure {
        Figure(
            "Cross-entropy by attention kind",
            caption: "Medians over seeds; less is better. \(TrigramTask.classes) classes at random have "
                + "ln \(TrigramTask.classes) ≈ 2.08.",
            .bars(
                .init(
                    xName: "kind",
                    yName: "cross-entropy",
                    groups: ["best additive logits"] + SkipTrigram.kinds.map(\.name),
                    series: [
                        .init(
                            "cross-entropy",
                            values: [additive.map(\.crossEntropy).median]
                                + runs.map { $0.map(\.crossEntropy).median }
                        )
                    ]
                )
            )
        )
    }

    private func checks(_ additive: [TrigramTask.Additive], _ runs: [[Run]]) -> [StudyCheck] {
        let accuracy = { (kind: Int) in runs[kind].map(\.accuracy).median ?? .nan }
        let entropy = { (kind: Int) in runs[kind].map(\.crossEntropy).median ?? .nan }
        let bound = additive.map(\.crossEntropy).median ?? .nan
        return [
            StudyCheck(
                "One softmax head stays near the best additive logits: its cross-entropy over theirs",
                found: entropy(0) / bound,
                expected: .between(0.75, 1.25),
                source: .notes
            ),
            StudyCheck(
                "HA of order 3, exact: accuracy, median of seeds",
                found: accuracy(4),
                expected: .atLeast(0.99),
                source: .notes
            ),
            StudyCheck(
                "HA of order 3, linear: accuracy, median of seeds",
                found: accuracy(5),
                expected: .atLeast(0.99)
            ),
            StudyCheck(
                "One softmax head's cross-entropy over that of exact HA",
                found: entropy(0) / entropy(4),
                expected: .atLeast(10),
                source: .paper
            ),
            StudyCheck(
                "HFA of order 2 is a score of pairs too: its cross-entropy over that of exact HA",
                found: entropy(3) / entropy(4),
                expected: .atLeast(10)
            ),
        ]
    }

    private static let claims = [
        StudyClaim(
            .paper,
            "A head of pairs that raises keep…in→mind and keep…at→bay also raises keep…in→bay; a ternary "
                + "score has a separate weight for each triple (appendix F.2.1)."
        ),
        StudyClaim(
            .notes,
            "Expected, not run before: one softmax head stuck near the best additive logits, HyperAttention "
                + "of order 3 near 100 %."
        ),
        StudyClaim(
            .ours,
            "Pairs need not stay near additive logits: the residual gives b[query] and the head s(query, "
                + "key)·v[key], and a number that depends on both can choose among classes that v lines up. "
                + "Linear attention, whose s is any number, is shown beside the softmax, whose s is between "
                + "0 and 1."
        ),
    ]
}
