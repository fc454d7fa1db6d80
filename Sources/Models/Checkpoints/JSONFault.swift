internal import FoundationEssentials

/// JSON files written the same way every time, and read faults in one line.
enum JSONFault {
    /// A decoding error as `key.path: what is wrong`.
    static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, let context): return line(context.codingPath + [key], "is missing")
        case .typeMismatch(_, let context): return line(context.codingPath, context.debugDescription)
        case .valueNotFound(_, let context): return line(context.codingPath, context.debugDescription)
        case .dataCorrupted(let context): return line(context.codingPath, context.debugDescription)
        @unknown default: return "\(error)"
        }
    }

    /// A value as indented JSON with sorted keys and a final line break.
    static func encode(_ value: some Encodable, file: String) throws(CheckpointError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw .malformed(file: file, offset: nil, detail: "cannot be written as JSON: \(error)")
        }
    }

    private static func line(_ path: [any CodingKey], _ detail: String) -> String {
        let place = path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return place.isEmpty ? detail : "\(place): \(detail)"
    }
}
