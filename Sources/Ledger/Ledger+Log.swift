internal import GRDB

extension Ledger {
    /// Adds to the counts of bytes and messages by round, kind and direction.
    package func addTraffic(_ counts: [TrafficRecord]) throws(LedgerError) {
        try write { database in
            for count in counts {
                try database.execute(
                    sql: """
                        INSERT INTO traffic VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE
                        SET messages = messages + excluded.messages, bytes = bytes + excluded.bytes
                        """,
                    arguments: [
                        count.round, count.kind, count.direction.rawValue, count.messages, count.bytes,
                    ]
                )
            }
        }
    }

    /// The counts of bytes and messages, sorted by round, kind and direction.
    package func traffic() throws(LedgerError) -> [TrafficRecord] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM traffic ORDER BY round, kind, direction").map {
                row in
                let word: String = row["direction"]
                guard let direction = TrafficDirection(rawValue: word) else {
                    throw LedgerError(.corrupt, "the ledger holds '\(word)' in place of a direction")
                }
                return TrafficRecord(
                    round: row["round"],
                    kind: row["kind"],
                    direction: direction,
                    messages: row["messages"],
                    bytes: row["bytes"]
                )
            }
        }
    }

    /// Appends an event and returns its number, which is larger than any before.
    package func log(_ event: EventRecord) throws(LedgerError) -> Int64 {
        try write { database in
            try database.execute(
                sql: "INSERT INTO events (atMs, name, round, client, detail) VALUES (?, ?, ?, ?, ?)",
                arguments: [event.atMs, event.name, event.round, event.client, event.detail.databaseBytes]
            )
            return database.lastInsertedRowID
        }
    }

    /// Events after a number, in order, at most `limit` of them; of one round, or of all.
    package func events(
        after number: Int64 = 0,
        round: Int? = nil,
        limit: Int = 10_000
    ) throws(LedgerError) -> [EventRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM events WHERE number > ?1 AND (?2 IS NULL OR round = ?2)
                    ORDER BY number LIMIT ?3
                    """,
                arguments: [number, round, limit]
            ).map { row in
                var event = EventRecord(
                    atMs: row["atMs"],
                    name: row["name"],
                    round: row["round"],
                    client: row["client"],
                    detail: row.bytes("detail")
                )
                event.number = row["number"]
                return event
            }
        }
    }

    /// How many events there are of a name, such as updates that came too late.
    package func eventCount(named name: String) throws(LedgerError) -> Int {
        try read { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM events WHERE name = ?", arguments: [name])
                ?? 0
        }
    }
}

// MARK: - Facts

// The coordinator's machine is the sum of its facts in their order. The ledger keeps them as lines whose
// words it does not know; other records can take their line into their own transaction.

extension Ledger {
    /// Appends lines to the facts in one transaction; a line that is there already stays where it is.
    package func append(facts: [String]) throws(LedgerError) {
        try write { database in
            for fact in facts { try Self.append(fact, to: database) }
        }
    }

    /// All facts in the order in which they were appended.
    package func facts() throws(LedgerError) -> [String] {
        try read { try String.fetchAll($0, sql: "SELECT line FROM facts ORDER BY number") }
    }

    /// Adds a line, if there is one, to the transaction that is under way.
    static func append(_ fact: String?, to database: Database) throws {
        guard let fact else { return }
        try database.execute(sql: "INSERT OR IGNORE INTO facts (line) VALUES (?)", arguments: [fact])
    }
}
