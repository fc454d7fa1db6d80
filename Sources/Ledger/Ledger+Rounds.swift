package import Digest
internal import GRDB

extension Ledger {
    /// Stores bytes and returns their digest once they are durable.
    package func store(_ bytes: [UInt8]) throws(LedgerError) -> SHA256Digest { try blobs.store(bytes) }

    /// Whether a blob is there.
    package func contains(_ digest: SHA256Digest) -> Bool { blobs.contains(digest) }

    /// The bytes of a blob, whose digest is checked.
    package func bytes(of digest: SHA256Digest) throws(LedgerError) -> [UInt8] { try blobs.read(digest) }

    /// The name of a new file in which a blob is to be written, for `adopt`.
    package func draft() throws(LedgerError) -> String { try blobs.draft() }

    /// Makes a blob of a written file, whose bytes are known to have the digest; durable when this returns.
    package func adopt(_ draft: String, as digest: SHA256Digest) throws(LedgerError) {
        try blobs.adopt(draft, digest: digest)
    }

    /// The file of a blob, whose bytes have been checked by this process: when it wrote or first read them.
    package func file(of digest: SHA256Digest) throws(LedgerError) -> String { try blobs.file(of: digest) }

    /// Records the adapter that round 0 starts from.
    package func recordInitialAdapter(
        _ adapter: StoredBlob
    ) throws(LedgerError) -> Acceptance {
        try requireBlob(adapter.digest)
        return try write { database in
            return try Self.insertAdapter(database, version: 0, adapter)
        }
    }

    /// Records that a round has begun, and a fact with it; a repeat keeps the first time.
    package func beginRound(_ round: Int, atMs: Int64, fact: String? = nil) throws(LedgerError) -> Acceptance
    {
        try write { database in
            try Self.append(fact, to: database)
            try database.execute(
                sql: "INSERT OR IGNORE INTO rounds (round, startedMs) VALUES (?, ?)",
                arguments: [round, atMs]
            )
            return database.changesCount > 0 ? .new : .repeated
        }
    }

    /// Records a round's result in one transaction: the adapter that the next round starts from, the
    /// evaluation (JSON, if there was one), and that the round is finished.
    ///
    /// The same result again changes nothing, also after a veto: the adapter that took its place stays.
    /// - Throws: `LedgerError`, with `conflict` for another result or a round that was never begun.
    package func finishRound(
        _ round: Int,
        adapter: StoredBlob,
        evaluation: [UInt8]?,
        atMs: Int64
    ) throws(LedgerError) -> Acceptance {
        try requireBlob(adapter.digest)
        return try write { database in
            let acceptance = try Self.insertAdapter(database, version: round + 1, adapter)
            if let evaluation { try Self.insertEvaluation(database, round: round, evaluation) }
            try database.execute(
                sql: "UPDATE rounds SET finishedMs = ? WHERE round = ? AND finishedMs IS NULL",
                arguments: [atMs, round]
            )
            let exists = try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM rounds WHERE round = ?)",
                arguments: [round]
            )
            guard exists == true else {
                throw LedgerError(.conflict, "round \(round) cannot finish: it was never begun")
            }
            return acceptance
        }
    }

    /// Replaces a round's result: the next round starts from `adapter`, which must be stored, and not from
    /// what was merged. A fact is recorded in the same transaction; a restarted coordinator that lacked it
    /// would evaluate the wrong adapter.
    ///
    /// - Throws: `LedgerError`, with `conflict` if the round has no result, if another adapter took its place
    ///   before, or if the next round has begun with it.
    package func veto(
        round: Int,
        restoring adapter: StoredBlob,
        fact: String?
    ) throws(LedgerError) -> Acceptance {
        try requireBlob(adapter.digest)
        return try write { database in
            try Self.append(fact, to: database)
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM adapters WHERE version = ?",
                arguments: [round + 1]
            )
            guard let row else {
                throw LedgerError(.conflict, "round \(round) cannot be vetoed: it has no result")
            }
            let result: String = row["digest"]
            if row["vetoed"] != nil {
                let key = "adapter in place of the vetoed result of round \(round)"
                return try RecordKey.repeated(key, earlier: result, offered: adapter.digest)
            }
            let isBuiltUpon = try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM rounds WHERE round > ?)",
                arguments: [round]
            )
            guard isBuiltUpon != true else {
                throw LedgerError(.conflict, "round \(round) cannot be vetoed: the next has begun with it")
            }
            try database.execute(
                sql: "UPDATE adapters SET digest = ?, manifest = ?, vetoed = ? WHERE version = ?",
                arguments: [
                    adapter.digest.description, adapter.manifest.databaseBytes, result, round + 1,
                ]
            )
            return .new
        }
    }

    /// Records an evaluation outside of a round's end; round -1 is the base model.
    package func recordEvaluation(round: Int, _ result: [UInt8]) throws(LedgerError) {
        try write { try Self.insertEvaluation($0, round: round, result) }
    }

    /// All rounds, in order.
    package func rounds() throws(LedgerError) -> [RoundRecord] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM rounds ORDER BY round").map {
                RoundRecord(round: $0["round"], startedMs: $0["startedMs"], finishedMs: $0["finishedMs"])
            }
        }
    }

    /// The adapter of a version: 0 is the initial one, p + 1 the result of round p or what took its place;
    /// nil if there is none.
    package func adapter(version: Int) throws(LedgerError) -> StoredBlob? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM adapters WHERE version = ?", arguments: [version])
                .map { try StoredBlob(row: $0) }
        }
    }

    /// The newest adapter and its version; nil before the initial one is recorded.
    package func latestAdapter() throws(LedgerError) -> (version: Int, blob: StoredBlob)? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM adapters ORDER BY version DESC LIMIT 1")
                .map { (version: $0["version"], blob: try StoredBlob(row: $0)) }
        }
    }

    /// All evaluations as JSON, in order of round; round -1 is the base model.
    package func evaluations() throws(LedgerError) -> [(round: Int, result: [UInt8])] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM evaluations ORDER BY round").map {
                (round: $0["round"], result: $0.bytes("result"))
            }
        }
    }

    func requireBlob(_ digest: SHA256Digest) throws(LedgerError) {
        guard blobs.contains(digest) else {
            throw LedgerError(.notFound, "blob \(digest) has to be stored before it is recorded")
        }
    }

    private static func insertAdapter(
        _ database: Database,
        version: Int,
        _ blob: StoredBlob
    ) throws -> Acceptance {
        let key = "adapter of version \(version)"
        let earlier = try Row.fetchOne(
            database,
            sql: "SELECT digest, vetoed FROM adapters WHERE version = ?",
            arguments: [version]
        )
        if let earlier {
            // What was merged counts as recorded although a veto has put another one in its place.
            let merged: String = earlier["vetoed"] ?? earlier["digest"]
            return try RecordKey.repeated(key, earlier: merged, offered: blob.digest)
        }
        try database.execute(
            sql: "INSERT INTO adapters (version, digest, manifest) VALUES (?, ?, ?)",
            arguments: [version, blob.digest.description, blob.manifest.databaseBytes]
        )
        return .new
    }

    private static func insertEvaluation(_ database: Database, round: Int, _ result: [UInt8]) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO evaluations VALUES (?, ?)",
            arguments: [round, result.databaseBytes]
        )
    }
}
