internal import Contract

/// JSON has the measure beside the scores, which stand under the measure's key: those of pass@1 under
/// `passAt1`, as in files that are older than the measure.
extension RunSummary: Codable {
    /// Reads what `encode(to:)` wrote, and files without a measure.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        let measure = try values.decode(Measure.self, forKey: "measure")
        self.init(
            federation: try values.decode(String.self, forKey: "federation"),
            topology: try values.decode(String.self, forKey: "topology"),
            trainer: try values.decode(String.self, forKey: "trainer"),
            seed: try values.decode(UInt64.self, forKey: "seed"),
            rounds: try values.decode(Int.self, forKey: "rounds"),
            clients: try values.decode(Int.self, forKey: "clients"),
            measure: measure,
            scores: try values.decode(MethodScores.self, forKey: AnyCodingKey(measure.key)),
            bytes: try values.decode(ByteTotals.self, forKey: "bytes"),
            seconds: try values.decode(Seconds.self, forKey: "seconds"),
            adapterDigest: try values.decode(String.self, forKey: "adapterDigest"),
            history: try values.decode([RoundHistory].self, forKey: "history"),
            settings: try values.decode([Setting].self, forKey: "settings"),
            metrics: try values.decodeIfPresent([String: Double].self, forKey: "metrics") ?? [:],
            figures: try values.decodeIfPresent([Figure].self, forKey: "figures") ?? [],
            overlap: try values.decodeIfPresent(HeldOutOverlap.self, forKey: "heldOutOverlap")
        )
    }

    /// Writes the scores under the measure's key; metrics and figures only where there are any.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        try values.encode(federation, forKey: "federation")
        try values.encode(topology, forKey: "topology")
        try values.encode(trainer, forKey: "trainer")
        try values.encode(seed, forKey: "seed")
        try values.encode(rounds, forKey: "rounds")
        try values.encode(clients, forKey: "clients")
        try values.encode(measure, forKey: "measure")
        try values.encode(scores, forKey: AnyCodingKey(measure.key))
        try values.encode(bytes, forKey: "bytes")
        try values.encode(seconds, forKey: "seconds")
        try values.encode(adapterDigest, forKey: "adapterDigest")
        try values.encode(history, forKey: "history")
        try values.encode(settings, forKey: "settings")
        if !metrics.isEmpty { try values.encode(metrics, forKey: "metrics") }
        if !figures.isEmpty { try values.encode(figures, forKey: "figures") }
        try values.encodeIfPresent(overlap, forKey: "heldOutOverlap")
    }
}
