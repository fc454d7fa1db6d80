package import Contract

/// The primary figure of an adapter, over the whole held-out set and of each slice.
package struct Score: Sendable, Equatable {
    /// The figure over the whole held-out set.
    package var overall: Double
    /// The figure by slice.
    package var bySlice: [String: Double]
    /// What one slice is called, as a word that begins with a small letter: `topic`.
    package var slice: String
    /// How well the overall figure is known, where the trainer says so.
    package var interval: Interval?

    /// Makes a score.
    package init(
        overall: Double,
        bySlice: [String: Double],
        slice: String = "slice",
        interval: Interval? = nil
    ) {
        self.overall = overall
        self.bySlice = bySlice
        self.slice = slice
        self.interval = interval
    }
}

/// JSON has the slices under a key that names them: those of the slice noun `topic` stand under `byTopic`.
extension Score: Codable {
    private static let prefix = "by"

    /// Reads what `encode(to:)` wrote; a score without slices has no noun for them.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        self.init(
            overall: try values.decode(Double.self, forKey: "overall"),
            bySlice: [:],
            interval: try values.decodeIfPresent(Interval.self, forKey: "interval")
        )
        let keys = values.allKeys.filter { $0.stringValue.hasPrefix(Self.prefix) }
        guard let key = keys.min(by: { $0.stringValue < $1.stringValue }) else { return }
        bySlice = try values.decode([String: Double].self, forKey: key)
        let noun = key.stringValue.dropFirst(Self.prefix.count)
        if !noun.isEmpty { slice = noun.prefix(1).lowercased() + noun.dropFirst() }
    }

    /// Writes the slices under `by` and their noun.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        try values.encode(overall, forKey: "overall")
        let key = Self.prefix + slice.prefix(1).uppercased() + slice.dropFirst()
        try values.encode(bySlice, forKey: AnyCodingKey(key))
        try values.encodeIfPresent(interval, forKey: "interval")
    }
}

/// One score for each method that was run; nil for one that was not.
package struct MethodScores: Codable, Sendable, Equatable {
    /// The base model without an adapter.
    package var base: Score
    /// The federation as its topology describes it.
    package var federated: Score
    /// The same federation with nothing swapped in public steps.
    package var noSwap: Score?
    /// Every client on its own, the mean over clients.
    package var localOnly: Score?

    /// Gathers scores.
    package init(base: Score, federated: Score, noSwap: Score? = nil, localOnly: Score? = nil) {
        self.base = base
        self.federated = federated
        self.noSwap = noSwap
        self.localOnly = localOnly
    }
}
