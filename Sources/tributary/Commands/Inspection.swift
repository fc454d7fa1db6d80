internal import Contract
internal import Wire

/// What was found out about something, for people and for programs.
struct Inspection {
    /// What it is: `model`, `adapter`, `macrostates`, `state` or `frames`.
    let kind: String
    /// For people.
    private(set) var lines: [String] = []
    private var members: [PlainValue.Pair] = []

    /// Nothing but a kind.
    init(kind: String) { self.kind = kind }

    /// Entries that are shown as `name: value`; several of one name become a list for programs.
    init(kind: String, entries: [(name: String, value: String)]) {
        self.kind = kind
        for (name, value) in entries {
            lines.append("\(name): \(value)")
            append(name, Inspection.value(value))
        }
    }

    /// Adds lines for people.
    mutating func say(_ more: String...) { lines += more }

    /// Adds a member for programs; a second one of the same name makes a list of both.
    mutating func append(_ name: String, _ value: PlainValue) {
        members = Inspection.appending(name, value, to: members)
    }

    /// One JSON object, on one line.
    var json: String {
        PlainValue.mapping([.init(key: "kind", value: .text(kind))] + members).canonicalJSON
    }

    /// A text as a number where it is a whole one.
    static func value(_ text: String) -> PlainValue { Int64(text).map { .integer($0) } ?? .text(text) }

    /// A number; what JSON has no word for is text.
    static func number(_ value: Double) -> PlainValue { value.isFinite ? .number(value) : .text("\(value)") }

    private static func appending(
        _ name: String,
        _ value: PlainValue,
        to members: [PlainValue.Pair]
    ) -> [PlainValue.Pair] {
        var members = members
        guard let place = members.firstIndex(where: { $0.key == name }) else {
            return members + [.init(key: name, value: value)]
        }
        if case .sequence(let values) = members[place].value {
            members[place].value = .sequence(values + [value])
        } else {
            members[place].value = .sequence([members[place].value, value])
        }
        return members
    }

    /// Frames, as `FrameInspection` describes them: a line for each, and its fields indented below.
    init(frames described: [String]) {
        kind = "frames"
        lines = described
        var frames: [(name: String, fields: [PlainValue.Pair])] = []
        for line in described {
            guard line.hasPrefix("    "), !frames.isEmpty else {
                frames.append((line, []))
                continue
            }
            let text = String(line.drop { $0 == " " })
            let cut = text.firstRange(of: ": ")
            let name = cut.map { String(text[..<$0.lowerBound]) } ?? text
            let value = cut.map { String(text[$0.upperBound...]) } ?? ""
            let place = frames.count - 1
            frames[place].fields = Inspection.appending(
                name,
                Inspection.value(value),
                to: frames[place].fields
            )
        }
        append(
            "frames",
            .sequence(
                frames.map { frame in
                    .mapping([
                        .init(key: "frame", value: .text(frame.name)),
                        .init(key: "fields", value: .mapping(frame.fields)),
                    ])
                }
            )
        )
    }

    /// Adds arrays: their digest, names, shapes and norms.
    mutating func append(_ weights: AdapterWeights) {
        say("adapter digest: \(weights.digest)")
        append("adapterDigest", .text("\(weights.digest)"))
        append(
            "arrays",
            .sequence(
                weights.arrays.map { array in
                    let square = array.values.reduce(0.0) { $0 + Double($1) * Double($1) }
                    let norm = square.squareRoot()
                    say("  \(array.name)  \(array.shape)  norm \(ProgressDisplay.fixed(norm, 4))")
                    return .mapping([
                        .init(key: "name", value: .text(array.name)),
                        .init(key: "shape", value: .sequence(array.shape.map { .integer(Int64($0)) })),
                        .init(key: "norm", value: Inspection.number(norm)),
                    ])
                }
            )
        )
        append("values", .integer(Int64(weights.valueCount)))
    }
}
