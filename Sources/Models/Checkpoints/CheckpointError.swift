package import Contract

/// What can be wrong with a file or a directory that holds weights.
///
/// Each case names the file; `description` is one line for people, without any of the file's data.
package enum CheckpointError: GivenFault, Equatable, CustomStringConvertible {
    /// Missing, or not what it should be.
    package var faultKind: FaultKind {
        switch self {
        case .inaccessible: .missingInput
        case .unwritable(let fault): fault.faultKind
        case .truncated, .malformed, .overLimit, .missingTensor, .wrongShape, .unsupportedType, .notFinite,
            .badKey:
            .data
        }
    }

    /// The system would not open or read the file.
    case inaccessible(file: String, reason: String)
    /// A file or folder cannot be made or written.
    case unwritable(OutputFault)
    /// The file ends before the `needed` bytes at `offset` that `what` takes.
    case truncated(file: String, what: String, offset: Int, needed: Int, size: Int)
    /// The file's structure is wrong, at a byte offset where one is known.
    case malformed(file: String, offset: Int?, detail: String)
    /// A count or a length in the file is over the limit of this reader.
    case overLimit(file: String, what: String, value: UInt64, limit: UInt64)
    /// The model needs a tensor that the file does not have.
    case missingTensor(file: String, name: String)
    /// A tensor has another shape than the model's configuration gives it.
    case wrongShape(file: String, name: String, expected: [Int], found: [Int])
    /// A tensor's elements are of a type that this reader does not know.
    case unsupportedType(file: String, name: String, type: String, known: [String])
    /// A tensor holds a NaN or an infinity.
    case notFinite(file: String, name: String)
    /// A key of the configuration or of the metadata is missing or has a value that cannot be used.
    case badKey(file: String, key: String, detail: String)

    /// One line: file, place, value, limit.
    package var description: String {
        switch self {
        case .inaccessible(let file, let reason):
            "\(file): \(reason)"
        case .unwritable(let fault):
            fault.description
        case .truncated(let file, let what, let offset, let needed, let size):
            "\(file): truncated: \(what) takes \(needed) B at offset \(offset), there are only \(size) B"
        case .malformed(let file, let offset, let detail):
            "\(file): \(offset.map { "at offset \($0): " } ?? "")\(detail)"
        case .overLimit(let file, let what, let value, let limit):
            "\(file): \(what) is \(value), over the limit of \(limit)"
        case .missingTensor(let file, let name):
            "\(file): tensor '\(name)' is missing"
        case .wrongShape(let file, let name, let expected, let found):
            "\(file): tensor '\(name)' has shape \(found), the configuration needs \(expected)"
        case .unsupportedType(let file, let name, let type, let known):
            "\(file): tensor '\(name)' has elements of type \(type); "
                + "\(known.joined(separator: ", ")) are read"
        case .notFinite(let file, let name):
            "\(file): tensor '\(name)' holds a NaN or an infinity"
        case .badKey(let file, let key, let detail):
            "\(file): \(key): \(detail)"
        }
    }
}
