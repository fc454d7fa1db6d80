internal import GRDB

extension Ledger {
    /// Adds to the counts of bytes and messages by round, kind and direction.
    public func addTraffic(_ counts: [TrafficRecord]) throws(LedgerError) {
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
    public func traffic() throws(LedgerError) -> [TrafficRecord] {
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
    public func log(_ event: EventRecord) throws(LedgerError) -> Int64 {
        try write { database in
            try database.execute(
                sql: "INSERT INTO events (atMs, name, round, client, detail) VALUES (?, ?, ?, ?, ?)",
                arguments: [event.atMs, event.name, event.round, event.client, event.detail.databaseBytes]
            )
            return database.lastInsertedRowID
        }
    }

    /// Events after a number, in order, at most `limit` of them.
    public func events(after number: Int64 = 0, limit: Int = 10_000) throws(LedgerError) -> [EventRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM events WHERE number > ? ORDER BY number LIMIT ?",
                arguments: [number, limit]
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
    public func eventCount(named name: String) throws(LedgerError) -> Int {
        try read { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM events WHERE name = ?", arguments: [name])
                ?? 0
        }
    }
}
