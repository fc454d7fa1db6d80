internal import Digest
internal import GRDB

extension Ledger {
    /// Stores a client's update and records it; returns once both are durable.
    ///
    /// - Throws: `LedgerError`, with `corrupt` if the bytes do not have the record's digest and
    ///   `conflict` if another update of this client and round is recorded.
    package func accept(
        _ update: UpdateRecord,
        bytes: [UInt8]
    ) throws(LedgerError) -> Acceptance {
        try store(bytes, as: update.blob, what: "update of \(update.client)")
        return try accept(update)
    }

    /// Records a client's update whose blob is stored already, such as by `completeUpload(_:)`.
    package func accept(_ update: UpdateRecord) throws(LedgerError) -> Acceptance {
        try requireBlob(update.blob.digest)
        return try write { database in
            let earlier = try String.fetchOne(
                database,
                sql: "SELECT digest FROM updates WHERE round = ? AND client = ?",
                arguments: [update.round, update.client]
            )
            if let earlier {
                let key = "update of '\(update.client)' in round \(update.round)"
                return try RecordKey.repeated(key, earlier: earlier, offered: update.blob.digest)
            }
            try database.execute(
                sql: """
                    INSERT INTO updates (round, client, digest, manifest, examples, metrics, norm)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    update.round, update.client, update.blob.digest.description,
                    update.blob.manifest.databaseBytes, update.examples, update.metrics.databaseBytes,
                    update.norm,
                ]
            )
            return .new
        }
    }

    /// The accepted updates of a round, sorted by client.
    package func updates(round: Int) throws(LedgerError) -> [UpdateRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM updates WHERE round = ? ORDER BY client",
                arguments: [round]
            ).map { try UpdateRecord(row: $0) }
        }
    }

    /// Stores a client's responses and records them; returns once both are durable.
    package func accept(
        responses: ExchangeRecord,
        bytes: [UInt8]
    ) throws(LedgerError) -> Acceptance {
        try store(bytes, as: responses.blob, what: "responses of \(responses.client)")
        return try accept(responses: responses)
    }

    /// Records a client's responses whose blob is stored already.
    package func accept(responses: ExchangeRecord) throws(LedgerError) -> Acceptance {
        try requireBlob(responses.blob.digest)
        return try write { database in
            return try Self.insert(database, into: "responses", responses)
        }
    }

    /// The accepted responses of a public step, sorted by client.
    package func responses(round: Int, step: Int) throws(LedgerError) -> [ExchangeRecord] {
        try exchange(from: "responses", round: round, step: step)
    }

    /// Closes a public step with the pools of all clients that took part; the other clients
    /// skip the step.
    ///
    /// The blobs must be stored. One transaction: after a crash either every pool is there or none.
    /// - Throws: `LedgerError`, with `conflict` if it was closed with other pools.
    package func closeStep(
        round: Int,
        step: Int,
        pools: [ExchangeRecord]
    ) throws(LedgerError) -> Acceptance {
        for pool in pools {
            precondition(pool.round == round && pool.step == step, "a pool of another step")
            try requireBlob(pool.blob.digest)
        }
        return try write { database in
            if try Self.isClosed(database, round: round, step: step) {
                let earlier = try Self.fetch(database, from: "pools", round: round, step: step)
                let offered = pools.sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
                guard earlier.map(\.blob.digest) == offered.map(\.blob.digest),
                    earlier.map(\.client) == offered.map(\.client)
                else {
                    throw LedgerError(.conflict, "step \(step) of round \(round) is closed with other pools")
                }
                return .repeated
            }
            try database.execute(sql: "INSERT INTO steps VALUES (?, ?)", arguments: [round, step])
            for pool in pools { _ = try Self.insert(database, into: "pools", pool) }
            return .new
        }
    }

    /// The steps of a round that are closed, in order.
    package func closedSteps(round: Int) throws(LedgerError) -> [Int] {
        try read { database in
            try Int.fetchAll(
                database,
                sql: "SELECT step FROM steps WHERE round = ? ORDER BY step",
                arguments: [round]
            )
        }
    }

    /// What became of a public step for a client.
    package func outcome(round: Int, step: Int, client: String) throws(LedgerError) -> StepOutcome {
        try read { database in
            guard try Self.isClosed(database, round: round, step: step) else { return .open }
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM pools WHERE round = ? AND step = ? AND client = ?",
                arguments: [round, step, client]
            )
            return try row.map { .pool(try StoredBlob(row: $0)) } ?? .skipped
        }
    }

    /// The pools of a public step, sorted by client.
    package func pools(round: Int, step: Int) throws(LedgerError) -> [ExchangeRecord] {
        try exchange(from: "pools", round: round, step: step)
    }

    private func store(_ bytes: [UInt8], as blob: StoredBlob, what: String) throws(LedgerError) {
        let found = SHA256Digest(of: bytes)
        guard found == blob.digest else {
            throw LedgerError(
                .corrupt,
                "\(what): \(bytes.count) bytes have the digest \(found), not \(blob.digest)"
            )
        }
        _ = try blobs.store(bytes)
    }

    private func exchange(from table: String, round: Int, step: Int) throws(LedgerError) -> [ExchangeRecord] {
        try read { try Self.fetch($0, from: table, round: round, step: step) }
    }

    private static func isClosed(_ database: Database, round: Int, step: Int) throws -> Bool {
        let count = try Int.fetchOne(
            database,
            sql: "SELECT count(*) FROM steps WHERE round = ? AND step = ?",
            arguments: [round, step]
        )
        return count == 1
    }

    private static func fetch(
        _ database: Database,
        from table: String,
        round: Int,
        step: Int
    ) throws -> [ExchangeRecord] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM \(table) WHERE round = ? AND step = ? ORDER BY client",
            arguments: [round, step]
        ).map { row in
            ExchangeRecord(
                round: row["round"],
                step: row["step"],
                client: row["client"],
                blob: try StoredBlob(row: row)
            )
        }
    }

    private static func insert(
        _ database: Database,
        into table: String,
        _ record: ExchangeRecord
    ) throws -> Acceptance {
        let earlier = try String.fetchOne(
            database,
            sql: "SELECT digest FROM \(table) WHERE round = ? AND step = ? AND client = ?",
            arguments: [record.round, record.step, record.client]
        )
        if let earlier {
            let key = "\(table) entry of '\(record.client)' in round \(record.round), step \(record.step)"
            return try RecordKey.repeated(key, earlier: earlier, offered: record.blob.digest)
        }
        try database.execute(
            sql: "INSERT INTO \(table) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                record.round, record.step, record.client, record.blob.digest.description,
                record.blob.manifest.databaseBytes,
            ]
        )
        return .new
    }
}
