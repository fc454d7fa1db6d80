internal import Digest
internal import FoundationEssentials

extension Manifest: ProtobufConvertible {
    static var census: [Census] {
        let shape = Census(field: 4, limit: "dimensionsMax", maximum: Limits.dimensionsMax)
        return [
            Census(
                field: 2,
                limit: "manifestEntriesMax",
                maximum: Limits.manifestEntriesMax,
                nested: [shape]
            )
        ]
    }

    /// The census of a message that has a manifest in a field.
    static func census(field: Int) -> Census {
        Census(field: field, limit: "manifests in a message", maximum: 1, nested: census)
    }

    init(_ proto: ProtoManifest) throws(WireError) {
        var entries: [ManifestEntry] = []
        entries.reserveCapacity(proto.entries.count)
        for entry in proto.entries { entries.append(try ManifestEntry(entry)) }
        try self.init(
            kind: BlobKind(proto.kind),
            entries: entries,
            digest: Check(message: "manifest").digest(proto.digest, "digest")
        )
        guard proto.rawBytes == UInt64(rawBytes), proto.encodedBytes == UInt64(encodedBytes) else {
            throw .badManifest(reason: "the totals are not the sums of the entries")
        }
    }

    /// Also throws `badManifest` if the blob is not of the kind that its message is for.
    init(_ proto: ProtoManifest, kind: BlobKind) throws(WireError) {
        try self.init(proto)
        try check(kind: kind)
    }

    func check(kind expected: BlobKind) throws(WireError) {
        guard kind == expected else {
            throw .badManifest(reason: "kind \(kind.rawValue), expected \(expected.rawValue)")
        }
    }

    var proto: ProtoManifest {
        var proto = ProtoManifest()
        proto.kind = kind.proto
        proto.entries = entries.map(\.proto)
        proto.rawBytes = UInt64(rawBytes)
        proto.encodedBytes = UInt64(encodedBytes)
        proto.digest = Data(digest.bytes)
        return proto
    }
}

extension ManifestEntry {
    init(_ proto: ProtoManifestEntry) throws(WireError) {
        self.init(
            name: proto.name,
            elementType: try ElementType(proto.elementType),
            compression: try Compression(proto.compression),
            shape: proto.shape.map { Int($0) },
            rawBytes: Int(clamping: proto.rawBytes),
            encodedBytes: Int(clamping: proto.encodedBytes)
        )
    }

    var proto: ProtoManifestEntry {
        var proto = ProtoManifestEntry()
        proto.name = name
        proto.elementType = elementType.proto
        proto.compression = compression.proto
        proto.shape = shape.map { UInt32(clamping: $0) }
        proto.rawBytes = UInt64(clamping: rawBytes)
        proto.encodedBytes = UInt64(clamping: encodedBytes)
        return proto
    }
}

extension BlobKind {
    init(_ proto: ProtoBlobKind) throws(WireError) {
        switch proto {
        case .adapter: self = .adapter
        case .update: self = .update
        case .batch: self = .batch
        case .responses: self = .responses
        case .pool: self = .pool
        case .unspecified, .UNRECOGNIZED:
            throw .malformed(message: "manifest", reason: "kind \(proto.rawValue) does not exist")
        }
    }

    var proto: ProtoBlobKind {
        switch self {
        case .adapter: .adapter
        case .update: .update
        case .batch: .batch
        case .responses: .responses
        case .pool: .pool
        }
    }
}

extension ElementType {
    init(_ proto: ProtoElementType, message: String = "manifest") throws(WireError) {
        switch proto {
        case .f32: self = .f32
        case .bf16: self = .bf16
        case .int8: self = .int8
        case .bytes: self = .bytes
        case .unspecified, .UNRECOGNIZED:
            throw .malformed(message: message, reason: "element type \(proto.rawValue) does not exist")
        }
    }

    var proto: ProtoElementType {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        case .bytes: .bytes
        }
    }
}

extension TensorEncoding {
    init(_ proto: ProtoElementType, message: String) throws(WireError) {
        guard let encoding = try ElementType(proto, message: message).tensorEncoding else {
            throw .malformed(message: message, reason: "an encoding cannot be bytes")
        }
        self = encoding
    }
}

extension Compression {
    init(_ proto: ProtoCompression) throws(WireError) {
        switch proto {
        case .stored: self = .stored
        case .zstd: self = .zstd
        case .unspecified, .UNRECOGNIZED:
            throw .malformed(message: "manifest", reason: "compression \(proto.rawValue) does not exist")
        }
    }

    var proto: ProtoCompression {
        switch self {
        case .stored: .stored
        case .zstd: .zstd
        }
    }
}
