package import Contract
internal import Randomness

/// How well a behaviour of labelled trajectories can be told from their beginnings, by macrostates and by what is
/// simpler (RET's notes, 2.5 and section 4).
///
/// Every kind of features gets the same folds of prompts, the same probe and the same resamples. The encoder, the
/// components and the groups of hidden states were found without labels, on the same trajectories.
package struct BehaviourForecast: Sendable, Equatable, Codable {
    /// What a label of 1 means.
    package var behaviour: String
    /// How many trajectories have label 1.
    package var ones: Int
    /// How many have label 0.
    package var zeros: Int
    /// How many have none, and were left out.
    package var unknown: Int
    /// The parts of the generated tokens that were seen.
    package var fractions: [Double]
    /// From how many tokens on a new group counts as a change.
    package var debounce: Int
    /// The kinds of features, RET's first.
    package var methods: [Method]

    /// A kind of features.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Occupancy of RET's groups, and debounced changes between them.
        case groups = "RET groups"
        /// The mean hidden state.
        case meanState = "mean hidden state"
        /// The mean hidden state in as many principal components as a macrostate has numbers.
        case principal = "its principal components"
        /// As RET's groups, of as many groups by k-means on the hidden states themselves.
        case stateGroups = "k-means of hidden states"
        /// The mean hidden state over the prompt: what is known before anything was generated.
        case prompt = "prompt only"
        /// How many tokens were generated so far. A part of a length tells the length.
        case length = "length"
    }

    /// What a kind of features achieves.
    package struct Method: Sendable, Equatable, Codable {
        /// Which.
        package var kind: Kind
        /// How many numbers a trajectory has.
        package var features: Int
        /// By fraction, in their order.
        package var results: [Result]
    }

    /// What a kind of features achieves at one fraction.
    package struct Result: Sendable, Equatable, Codable {
        /// How well it tells the labels apart; .5 is chance.
        package var auroc: Double
        /// 95 %, over prompts.
        package var interval: Interval?
        /// 95 % of the AUROC minus that of the mean hidden state; nil for that itself.
        package var aheadOfMeanState: Interval?
    }

    /// The kind of features of the given name; nil where it could not be made.
    package subscript(kind: Kind) -> Method? { methods.first { $0.kind == kind } }

    /// The fewest trajectories of each label.
    package static let labelsMin = 5

    /// Measures early prediction.
    ///
    /// - Parameters:
    ///   - macrostates: Networks and groups.
    ///   - set: Trajectories of the same model and layers, some with labels.
    ///   - behaviour: What a label of 1 means.
    ///   - fractions: Parts of the generated tokens, in (0, 1].
    ///   - debounce: From how many tokens on a new group counts as a change.
    ///   - draws: How many resamples an interval takes.
    ///   - seed: Of folds, resamples and k-means.
    /// - Throws: `TrajectoryFault` for trajectories of another model or without labels; `BehaviourError` for labels of
    ///   one kind or too few.
    package init(
        _ macrostates: Macrostates,
        of set: TrajectorySet,
        behaviour: String,
        fractions: [Double] = [0.1, 0.25, 0.5, 0.75],
        debounce: Int = 3,
        draws: Int = 1000,
        seed: UInt64 = 1
    ) throws {
        precondition(fractions.allSatisfy { $0 > 0 && $0 <= 1 }, "BehaviourForecast: fractions \(fractions)")
        let labelled = set.trajectories.filter { $0.label != nil }
        (self.behaviour, self.fractions, self.debounce) = (behaviour, fractions, debounce)
        ones = labelled.count { $0.label == 1 }
        zeros = labelled.count - ones
        unknown = set.trajectories.count - labelled.count
        methods = []
        try checkLabels()
        let features = try BehaviourFeatures(
            macrostates,
            of: set,
            fractions: fractions,
            debounce: debounce,
            seed: seed
        )
        let rows = try labelled.map { try features.rows(of: $0) }
        var means: [CrossPrediction] = []
        var found: [Kind: [CrossPrediction]] = [:]
        for kind in Kind.allCases {
            // Not every set has a prompt, and then nothing can be told from it.
            guard rows.allSatisfy({ $0[kind] != nil }) else { continue }
            let places = kind == .prompt ? [0] : Array(fractions.indices)
            let predictions = try places.map { place in
                let table = LabelledRows(
                    features: rows.map { $0[kind]?[place] ?? [] },
                    labels: labelled.map { $0.label == 1 },
                    prompts: Array(labelled.indices)
                )
                return try CrossPrediction(table, draws: draws, seed: seed)
            }
            found[kind] = kind == .prompt ? fractions.map { _ in predictions[0] } : predictions
            if kind == .meanState { means = predictions }
        }
        for kind in Kind.allCases {
            guard let predictions = found[kind] else { continue }
            let results = predictions.enumerated().map { place, prediction in
                Result(
                    auroc: prediction.auroc,
                    interval: prediction.interval,
                    aheadOfMeanState: kind == .meanState
                        ? nil : prediction.difference(from: means[place], draws: draws, seed: seed)
                )
            }
            let width = rows.first?[kind]?.first?.count ?? 0
            methods.append(Method(kind: kind, features: width, results: results))
        }
    }

    private func checkLabels() throws {
        guard ones + zeros > 0 else {
            throw TrajectoryFault(
                "",
                "found no labels on \(unknown) trajectories, expected some: `tributary trajectories record "
                    + "--mode generate` grades answers, or put \"label\": 0 or 1 into lines of index.jsonl"
            )
        }
        guard ones > 0, zeros > 0 else {
            throw BehaviourError.oneClass(where: "the labels", label: ones > 0, count: ones + zeros)
        }
        guard min(ones, zeros) >= Self.labelsMin else {
            throw BehaviourError.tooFew(
                where: "the labels",
                label: ones < zeros,
                prompts: min(ones, zeros),
                needed: Self.labelsMin
            )
        }
    }
}
