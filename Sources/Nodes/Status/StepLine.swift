internal import Contract
internal import FoundationEssentials

/// One client's step, as a line of `metrics.jsonl` has it: at the client of all its steps, at the coordinator of those that
/// clients reported.
///
///     {"client":"inc","examples":16,"kind":"local","loss":0.1,"reward":0.4,"round":0,"seconds/sampling":0.2,"step":7,…}
///
/// What the trainer measured stands beside the line's own keys, which win where names are the same.
package struct StepLine: Sendable, Equatable {
    /// What was learnt from.
    package enum Kind: String, Codable, Sendable {
        /// Private data.
        case local
        /// Public items, with what came back of them.
        case `public`
    }

    /// What was learnt from.
    package var kind: Kind
    /// Whose step it is.
    package var client: String
    /// The round, from 0.
    package var round: Int
    /// The step, from 1 and counted through all rounds, as TRL counts.
    package var step: Int
    /// How many private examples were learnt from; nil where that is not known.
    package var examples: Int?
    /// What the trainer measured, and how long the parts took: `seconds/sampling`, `seconds/training`,
    /// `seconds/waiting`.
    package var metrics: [String: Double]

    /// A line as text, with a line feed.
    func text() throws -> String { try json() + "\n" }

    /// Reads a line; nil for anything that is no step.
    package init?(_ line: some Sequence<UInt8>) {
        guard let read = try? JSONDecoder().decode(StepLine.self, from: Data(line)) else { return nil }
        self = read
    }

    /// Gives the steps of a state directory's `metrics.jsonl` one by one, in its order; what is no step is passed over, and
    /// so is a torn line.
    ///
    /// - Parameters:
    ///   - directory: A state directory; one without the file has no steps.
    ///   - body: Called with each.
    package static func each(in directory: String, _ body: (StepLine) -> Void) {
        let file = URL(filePath: directory + "/" + MetricsFile.name)
        guard let data = try? Data(contentsOf: file, options: .alwaysMapped) else { return }
        var start = data.startIndex
        while start < data.endIndex, let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let step = StepLine(data[start..<end]) { body(step) }
            start = end + 1
        }
    }

    /// Describes a step.
    init(
        kind: Kind,
        client: String,
        round: Int,
        step: Int,
        examples: Int? = nil,
        metrics: [String: Double]
    ) {
        self.kind = kind
        self.client = client
        self.round = round
        self.step = step
        self.examples = examples
        self.metrics = metrics.filter { $0.value.isFinite }
    }
}

extension StepLine: Codable {
    private static let own: Set<String> = ["client", "examples", "kind", "round", "step"]

    /// Reads what `encode(to:)` wrote.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: AnyCodingKey.self)
        kind = try values.decode(Kind.self, forKey: "kind")
        client = try values.decode(String.self, forKey: "client")
        round = try values.decode(Int.self, forKey: "round")
        step = try values.decode(Int.self, forKey: "step")
        examples = try values.decodeIfPresent(Int.self, forKey: "examples")
        metrics = [:]
        for key in values.allKeys where !Self.own.contains(key.stringValue) {
            metrics[key.stringValue] = try values.decode(Double.self, forKey: key)
        }
    }

    /// Writes the metrics beside the line's own keys.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: AnyCodingKey.self)
        for (name, value) in metrics where !Self.own.contains(name) {
            try values.encode(value, forKey: AnyCodingKey(name))
        }
        try values.encode(kind, forKey: "kind")
        try values.encode(client, forKey: "client")
        try values.encode(round, forKey: "round")
        try values.encode(step, forKey: "step")
        try values.encodeIfPresent(examples, forKey: "examples")
    }
}
