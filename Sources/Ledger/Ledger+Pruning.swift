package import Digest
internal import GRDB

// Blobs of rounds that are over. What a round has made stays, what only made it goes:
//
//   - every adapter stays;
//   - of updates stay those of the newest finished round and later, and each client's newest before, from which
//     follows the adapter that it had last;
//   - of responses and pools stay those of the newest finished round and later.
//
// Their records stay, with an empty manifest.

extension Ledger {
    /// Deletes the blobs that no round can ask for any more. A process that is stopped meanwhile does it the next time.
    ///
    /// - Parameters:
    ///   - round: The newest finished round.
    ///   - spared: Blobs to leave alone, because they are being received anew.
    /// - Returns: How many records have lost their blobs.
    @discardableResult
    package func prune(before round: Int, sparing spared: Set<SHA256Digest>) throws(LedgerError) -> Int {
        let (dropped, kept) = try read { database in try Self.partition(database, before: round) }
        let gone = dropped.filter { !spared.contains($0.digest) }
        for digest in Set(gone.map(\.digest)).subtracting(kept) { try blobs.remove(digest) }
        // After the files: as long as a record has its manifest, its blob is looked for here.
        guard !gone.isEmpty else { return 0 }
        return try write { database in
            for record in gone {
                try database.execute(
                    sql: "UPDATE \(record.table) SET manifest = x'' WHERE rowid = ?",
                    arguments: [record.row]
                )
            }
            return gone.count
        }
    }

    /// The newest update of a client before a round; nil if it has sent none.
    package func newestUpdate(of client: String, before round: Int) throws(LedgerError) -> UpdateRecord? {
        try read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT * FROM updates WHERE client = ? AND round < ? ORDER BY round DESC LIMIT 1",
                arguments: [client, round]
            ).map { try UpdateRecord(row: $0) }
        }
    }

    private struct Held {
        let table: String
        let row: Int64
        let digest: SHA256Digest
    }

    /// The records whose blobs may go, and the digests of all others.
    private static func partition(
        _ database: Database,
        before round: Int
    ) throws -> (dropped: [Held], kept: Set<SHA256Digest>) {
        var dropped: [Held] = []
        var kept: Set<SHA256Digest> = []
        func take(_ table: String, sql: String) throws {
            for row in try Row.fetchAll(database, sql: sql, arguments: ["round": round]) {
                let record = Held(table: table, row: row["row"], digest: try row.digest("digest"))
                if row["isOver"] { dropped.append(record) } else { kept.insert(record.digest) }
            }
        }
        try take(
            "updates",
            sql: """
                SELECT updates.rowid AS row, digest, round < :round AND round < newest AS isOver FROM updates
                LEFT JOIN (
                    SELECT client AS sender, max(round) AS newest FROM updates WHERE round <= :round GROUP BY client
                ) ON sender = client
                WHERE length(manifest) > 0
                """
        )
        for table in ["responses", "pools"] {
            try take(
                table,
                sql: """
                    SELECT rowid AS row, digest, round < :round AS isOver FROM \(table)
                    WHERE length(manifest) > 0
                    """
            )
        }
        for row in try Row.fetchAll(database, sql: "SELECT digest, vetoed FROM adapters") {
            kept.insert(try row.digest("digest"))
            if row["vetoed"] != nil { kept.insert(try row.digest("vetoed")) }
        }
        return (dropped, kept)
    }
}
