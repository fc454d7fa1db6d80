/// How the values of an adapter are packed for the way: the one enumeration of encodings, also of topology
/// files. Arrays that are summed travel as `f32` whatever a run's encoding is.
package enum TensorEncoding: String, Sendable, Hashable, CaseIterable, Codable {
    /// IEEE 754 binary32: exact.
    case f32
    /// The upper half of a binary32, rounded to nearest even: a relative error of at most 2⁻⁸.
    case bf16
    /// One signed byte for each value and one scale for each row: an absolute error of at most half
    /// of a 127th of the row's largest magnitude. Meant for updates, with `ErrorFeedback`.
    case int8

    /// The element type in a manifest.
    package var elementType: ElementType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        }
    }
}

/// What the elements of a manifest entry are.
package enum ElementType: String, Sendable, Hashable, CaseIterable {
    case f32
    case bf16
    case int8
    /// Bytes as they are: the payload of a batch, response set or pool.
    case bytes

    /// The encoding, or nil for bytes.
    package var tensorEncoding: TensorEncoding? {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        case .bytes: nil
        }
    }
}

/// How the packed bytes of a manifest entry are compressed.
package enum Compression: String, Sendable, Hashable, CaseIterable {
    /// Not at all, because it would hardly help.
    case stored
    /// One zstd frame.
    case zstd
}

/// What a blob is.
package enum BlobKind: String, Sendable, Hashable, CaseIterable {
    /// The adapter of a round.
    case adapter
    /// A client's update.
    case update
    /// The public items of a step.
    case batch
    /// A client's responses to them.
    case responses
    /// What a client absorbs.
    case pool

    /// The most raw bytes of a blob of this kind.
    package var rawBytesMax: Int {
        switch self {
        case .adapter, .update: Limits.adapterRawBytesMax
        case .batch: Limits.batchRawBytesMax
        case .responses: Limits.responsesRawBytesMax
        case .pool: Limits.poolRawBytesMax
        }
    }

    /// The name of that limit.
    var rawBytesMaxName: String {
        switch self {
        case .adapter, .update: "adapterRawBytesMax"
        case .batch: "batchRawBytesMax"
        case .responses: "responsesRawBytesMax"
        case .pool: "poolRawBytesMax"
        }
    }

    /// Whether the blob holds arrays rather than one payload.
    package var holdsArrays: Bool {
        switch self {
        case .adapter, .update: true
        case .batch, .responses, .pool: false
        }
    }
}
