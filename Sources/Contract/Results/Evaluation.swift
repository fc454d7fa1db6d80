/// What a trainer's evaluations measure first: the figure that tables, plots, status and guards show.
public struct Measure: Sendable, Hashable, Codable {
    /// What values are counted in.
    public enum Unit: String, Sendable, Hashable, Codable {
        /// A part of one, shown in per cent.
        case fraction
        /// A plain number.
        case number
    }

    /// The word that files use: `passAt1`, `accuracy`, `return`. JSON has the value under this key.
    public var key: String
    /// How people call it: `pass@1`.
    public var name: String
    /// What values are counted in.
    public var unit: Unit
    /// Whether more is better.
    public var higherIsBetter: Bool
    /// What it says, as the end of the sentence "`name` is …".
    public var meaning: String
    /// What one slice of the held-out set is called: `topic`, `family`, `domain`.
    public var slice: String

    /// Keys of the files that a measure's values stand in.
    private static let taken: Set<String> = [
        "adapterDigest", "bytes", "bytesDown", "bytesUp", "clients", "federation", "figures", "history",
        "interval", "items", "measure", "metrics", "name", "phase", "round", "rounds", "seconds", "seed",
        "settings", "slices", "steps", "topology", "trainer", "vetoed", "waitingFor",
    ]

    /// Describes a measure; traps if the key is not a word of letters and digits, or one of the keys that the files
    /// it stands in have already, such as `rounds`.
    public init(
        key: String,
        name: String? = nil,
        unit: Unit = .number,
        higherIsBetter: Bool = true,
        meaning: String = "",
        slice: String = "slice"
    ) {
        precondition(
            key.first?.isLetter == true && key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
                && !Measure.taken.contains(key),
            "'\(key)' cannot be the key of a measure"
        )
        self.key = key
        self.name = name ?? key
        self.unit = unit
        self.higherIsBetter = higherIsBetter
        self.meaning = meaning
        self.slice = slice
    }

    /// Whether one value is better than another.
    public func isBetter(_ value: Double, than other: Double) -> Bool {
        higherIsBetter ? value > other : value < other
    }
}

/// Where a true value lies with some confidence; the trainer says how it was made.
public struct Interval: Sendable, Equatable, Codable {
    /// The lower end.
    public var low: Double
    /// The upper end.
    public var high: Double

    /// Makes an interval.
    public init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    var isFinite: Bool { low.isFinite && high.isFinite }
}

/// What an adapter achieves on one slice of the held-out set.
public struct SliceEvaluation: Sendable, Equatable {
    /// The slice's name.
    public var name: String
    /// How many held-out items it has.
    public var items: Int
    /// The primary figure of the slice.
    public var value: Double
    /// How well it is known, where the trainer says so.
    public var interval: Interval?
    /// Anything else measured of the slice, by name.
    public var metrics: [String: Double]

    /// Makes a slice's figures.
    public init(
        name: String,
        items: Int,
        value: Double,
        interval: Interval? = nil,
        metrics: [String: Double] = [:]
    ) {
        self.name = name
        self.items = items
        self.value = value
        self.interval = interval
        self.metrics = metrics
    }
}

/// What an adapter achieves on the held-out set: a primary figure, the same by slices, and whatever else
/// the trainer measures.
///
/// As JSON it carries its measure, and every value stands under the measure's key:
///
///     {"measure": {"key": "passAt1", …}, "passAt1": 0.59, "slices": [{"name": "dec", "items": 200, "passAt1": 0.4}],
///      "metrics": {"greedyAccuracy": 0.6}}
public struct Evaluation: Sendable, Equatable {
    /// What the primary figure is.
    public var measure: Measure
    /// The primary figure over the whole held-out set.
    public var value: Double
    /// How well it is known, where the trainer says so.
    public var interval: Interval?
    /// The same by slice, sorted by name.
    public var slices: [SliceEvaluation]
    /// Further measurements by name.
    public var metrics: [String: Double]
    /// Figures for the report.
    public var figures: [Figure]

    /// Makes an evaluation.
    public init(
        _ measure: Measure,
        value: Double,
        interval: Interval? = nil,
        slices: [SliceEvaluation] = [],
        metrics: [String: Double] = [:],
        figures: [Figure] = []
    ) {
        self.measure = measure
        self.value = value
        self.interval = interval
        self.slices = slices.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        self.metrics = metrics
        self.figures = figures
    }

    /// Makes an evaluation from its slices: the primary figure is their plain mean.
    public init(
        _ measure: Measure,
        meanOf slices: [SliceEvaluation],
        metrics: [String: Double] = [:],
        figures: [Figure] = []
    ) {
        self.init(measure, value: 0, slices: slices, metrics: metrics, figures: figures)
        value = self.slices.reduce(0) { $0 + $1.value } / Double(max(slices.count, 1))
    }

    /// What is not finite in it, by name; nil if all is. An evaluation that is not finite vetoes its round.
    public var notFinite: String? {
        if !value.isFinite { return measure.name }
        if interval?.isFinite == false { return "the interval of \(measure.name)" }
        for slice in slices {
            if !slice.value.isFinite { return "\(measure.name) of \(slice.name)" }
            if slice.interval?.isFinite == false { return "the interval of \(measure.name) of \(slice.name)" }
            if let name = slice.metrics.notFinite { return "\(name) of \(slice.name)" }
        }
        return metrics.notFinite ?? figures.notFinite
    }
}

extension Evaluation: Codable {
    /// Reads what `encode(to:)` wrote.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        let measure = try values.decode(Measure.self, forKey: "measure")
        let key = AnyCodingKey(measure.key)
        var slices: [SliceEvaluation] = []
        if values.contains("slices") {
            var list = try values.nestedUnkeyedContainer(forKey: "slices")
            while !list.isAtEnd {
                let item = try list.nestedContainer(keyedBy: AnyCodingKey.self)
                slices.append(
                    SliceEvaluation(
                        name: try item.decode(String.self, forKey: "name"),
                        items: try item.decode(Int.self, forKey: "items"),
                        value: try item.decode(Double.self, forKey: key),
                        interval: try item.decodeIfPresent(Interval.self, forKey: "interval"),
                        metrics: try item.decodeIfPresent([String: Double].self, forKey: "metrics") ?? [:]
                    )
                )
            }
        }
        self.init(
            measure,
            value: try values.decode(Double.self, forKey: key),
            interval: try values.decodeIfPresent(Interval.self, forKey: "interval"),
            slices: slices,
            metrics: try values.decodeIfPresent([String: Double].self, forKey: "metrics") ?? [:],
            figures: try values.decodeIfPresent([Figure].self, forKey: "figures") ?? []
        )
    }

    /// Writes the measure, and every value under the measure's key.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        let key = AnyCodingKey(measure.key)
        try values.encode(measure, forKey: "measure")
        try values.encode(value, forKey: key)
        try values.encodeIfPresent(interval, forKey: "interval")
        try values.encode(metrics, forKey: "metrics")
        if !figures.isEmpty { try values.encode(figures, forKey: "figures") }
        var list = values.nestedUnkeyedContainer(forKey: "slices")
        for slice in slices {
            var item = list.nestedContainer(keyedBy: AnyCodingKey.self)
            try item.encode(slice.name, forKey: "name")
            try item.encode(slice.items, forKey: "items")
            try item.encode(slice.value, forKey: key)
            try item.encodeIfPresent(slice.interval, forKey: "interval")
            if !slice.metrics.isEmpty { try item.encode(slice.metrics, forKey: "metrics") }
        }
    }
}

/// A key that is known only when the program runs.
package struct AnyCodingKey: CodingKey, ExpressibleByStringLiteral {
    package let stringValue: String
    package var intValue: Int? { nil }

    package init(_ value: String) { stringValue = value }
    package init(stringLiteral value: String) { stringValue = value }
    package init(stringValue: String) { self.stringValue = stringValue }
    package init?(intValue: Int) { nil }
}

extension Evaluation {
    /// Whether the primary figure is worse than a part of what it was: below `share` times the earlier value where
    /// more is better, above the earlier value divided by `share` where less is better.
    ///
    /// Of a value that is zero or negative there is no part; nothing then counts as a collapse.
    package func isCollapsed(from earlier: Evaluation, to share: Double) -> Bool {
        guard earlier.value > 0 else { return false }
        return measure.higherIsBetter ? value < share * earlier.value : value > earlier.value / share
    }
}
