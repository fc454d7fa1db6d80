import Digest
import Foundation
import GRDB

@testable import Ledger

/// A folder of its own for one test; removed when the value goes.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/tributary-ledger-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var state: String { path + "/state" }

    /// All files below, relative, sorted, without SQLite's and the lock.
    func files(in folder: String = "state") -> [String] {
        let all =
            FileManager.default.enumerator(atPath: path + "/" + folder)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(path)/\(folder)/\(name)", isDirectory: &isFolder)
            return !isFolder.boolValue && !name.hasPrefix("ledger.sqlite") && name != "lock"
        }.sorted()
    }
}

let identity = FederationIdentity(
    federation: "demo",
    topology: SHA256Digest(of: [1]),
    seed: 7,
    fingerprint: SHA256Digest(of: [2])
)

let clientIdentity = ClientIdentity(
    federation: "demo",
    client: "inc",
    seed: 7,
    fingerprint: SHA256Digest(of: [2]),
    topology: SHA256Digest(of: [1])
)

func blob(_ bytes: [UInt8]) -> StoredBlob {
    StoredBlob(digest: SHA256Digest(of: bytes), manifest: Array("manifest".utf8))
}

func update(_ client: String, round: Int = 0, _ bytes: [UInt8]) -> UpdateRecord {
    UpdateRecord(round: round, client: client, blob: blob(bytes), examples: 5, metrics: Array("{}".utf8))
}

func exchange(_ client: String, step: Int = 2, _ bytes: [UInt8]) -> ExchangeRecord {
    ExchangeRecord(round: 0, step: step, client: client, blob: blob(bytes))
}

/// What an error says, or nil if none was thrown.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}

/// The code of the ledger's error, or nil if none was thrown.
func code(_ body: () throws -> Void) -> LedgerError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? LedgerError)?.code
    }
}

extension Scratch {
    /// Runs SQL on the ledger's file behind its back.
    func sql(_ text: String) throws {
        let queue = try DatabaseQueue(path: state + "/ledger.sqlite")
        try queue.write { try $0.execute(sql: text) }
    }
}
