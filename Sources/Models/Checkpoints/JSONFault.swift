internal import Contract
internal import FoundationEssentials

/// JSON files written the same way every time, and read faults in one line.
enum JSONFault {
    /// A decoding error as `key.path: what is wrong`.
    static func describe(_ error: any Error) -> String { FaultText.sentence(error) }

    /// A value as indented JSON with sorted keys and a final line break.
    static func encode(_ value: some Encodable, file: String) throws(CheckpointError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw .malformed(
                file: file,
                offset: nil,
                detail: "cannot be written as JSON: \(FaultText.sentence(error))"
            )
        }
    }
}
