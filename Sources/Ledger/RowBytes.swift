internal import Digest
internal import Foundation  // GRDB binds blobs as Data
internal import GRDB

extension [UInt8] {
    var databaseBytes: Data { Data(self) }
}

extension Row {
    func bytes(_ column: String) -> [UInt8] {
        let data: Data = self[column]
        return [UInt8](data)
    }

    func digest(_ column: String) throws -> SHA256Digest {
        let text: String = self[column]
        guard let digest = SHA256Digest(hex: text) else {
            throw LedgerError(.corrupt, "the ledger holds '\(text)' in place of a SHA-256")
        }
        return digest
    }
}

extension StoredBlob {
    init(row: Row) throws {
        self.init(digest: try row.digest("digest"), manifest: row.bytes("manifest"))
    }
}

/// What a second record under one key means.
enum RecordKey {
    /// `repeated` for the same digest; throws `conflict` for another.
    static func repeated(_ key: String, earlier: String, offered: SHA256Digest) throws -> Acceptance {
        guard earlier == offered.description else {
            throw LedgerError(
                .conflict,
                "the \(key) is recorded as \(earlier); \(offered) was refused in its place"
            )
        }
        return .repeated
    }
}
