internal import Contract
internal import Digest
internal import Report

/// What one run came to: a line of `results.jsonl`.
struct CellResult: Codable, Sendable, Equatable {
    /// What the study measures.
    static let measure = Measure(
        key: "passAt1",
        name: "pass@1",
        unit: .fraction,
        meaning: "the chance that one sampled answer is right",
        slice: "topic"
    )

    /// The setting's name.
    var setup: String
    /// The method.
    var method: ReproductionMethod
    /// Steps of a round.
    var steps: Int
    /// The seed.
    var seed: UInt64
    /// SHA-256, in hexadecimal, of everything that decides the result, apart from the program.
    var fingerprint: String
    /// Held-out pass@1 at the end.
    var passAt1: Score
    /// The base model's pass@1 on the same questions; nil where a run does not measure it.
    var base: Score?
    /// Further figures by the names that tables show.
    var metrics: [String: Double]
    /// What identifies the final adapter; nil for runs without a federation.
    var adapterDigest: String?
    /// How long it took; no other figure depends on time.
    var seconds: Double

    /// Whether this is the result of a cell as it would be run now.
    func belongs(to cell: ReproductionCell) -> Bool {
        setup == cell.setup && method == cell.method && steps == cell.steps && seed == cell.seed
            && fingerprint == cell.fingerprint.description
    }
}
