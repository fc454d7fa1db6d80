internal import Ledger
internal import Wire

/// Between a blob as it travels and a blob as the ledger keeps it: the manifest's bytes beside the digest.
enum BlobRecord {
    /// What the ledger keeps of a blob besides its bytes.
    static func stored(_ blob: EncodedBlob) throws -> StoredBlob {
        let whole = try blob.serialized()
        let length = whole.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return StoredBlob(digest: blob.manifest.digest, manifest: Array(whole[4..<4 + length]))
    }

    /// The blob of a record, with all the checks of a transfer.
    static func blob(_ record: StoredBlob, bytes: [UInt8]) throws -> EncodedBlob {
        var whole = (0..<4).map { UInt8(truncatingIfNeeded: record.manifest.count >> (8 * $0)) }
        whole += record.manifest
        whole += bytes
        return try EncodedBlob(serialized: whole)
    }
}
