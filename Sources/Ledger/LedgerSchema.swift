internal import GRDB

/// The tables, and the check that a database is one of ours.
enum LedgerSchema {
    /// "TRIB" in ASCII, in SQLite's own field for it.
    static let applicationID = 0x5452_4942
    static let version = 1

    /// Creates the tables of an empty database, with the identity, in the transaction it is called in.
    static func create(_ database: Database, identity: FederationIdentity) throws {
        try database.execute(sql: tables)
        for (field, value) in identity.fields {
            try database.execute(sql: "INSERT INTO identity VALUES (?, ?)", arguments: [field, value])
        }
        try database.execute(
            sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)"
        )
    }

    /// Whether the database is empty; throws if it is neither that nor a ledger of a known version.
    static func isEmpty(_ database: Database, path: String) throws -> Bool {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let objects = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if objects == 0 { return true }
        guard application == applicationID else {
            throw LedgerError(.notFound, "'\(path)' is a database of another program")
        }
        guard found <= version else {
            throw LedgerError(
                .newerFormat,
                "'\(path)' has format \(found), this program knows up to \(version): use the newer program"
            )
        }
        return false
    }

    static func identity(_ database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(database, sql: "SELECT field, value FROM identity")
        return Dictionary(rows.map { ($0["field"], $0["value"]) }, uniquingKeysWith: { first, _ in first })
    }

    private static let tables = """
        CREATE TABLE identity (field TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
        CREATE TABLE rounds (
            round INTEGER PRIMARY KEY CHECK (round >= 0),
            startedMs INTEGER NOT NULL,
            finishedMs INTEGER
        ) STRICT;
        CREATE TABLE updates (
            round INTEGER NOT NULL REFERENCES rounds,
            client TEXT NOT NULL,
            digest TEXT NOT NULL,
            manifest BLOB NOT NULL,
            examples INTEGER NOT NULL,
            metrics BLOB NOT NULL,
            PRIMARY KEY (round, client)
        ) STRICT;
        CREATE TABLE responses (
            round INTEGER NOT NULL REFERENCES rounds,
            step INTEGER NOT NULL,
            client TEXT NOT NULL,
            digest TEXT NOT NULL,
            manifest BLOB NOT NULL,
            PRIMARY KEY (round, step, client)
        ) STRICT;
        CREATE TABLE steps (
            round INTEGER NOT NULL REFERENCES rounds,
            step INTEGER NOT NULL,
            PRIMARY KEY (round, step)
        ) STRICT;
        CREATE TABLE pools (
            round INTEGER NOT NULL,
            step INTEGER NOT NULL,
            client TEXT NOT NULL,
            digest TEXT NOT NULL,
            manifest BLOB NOT NULL,
            PRIMARY KEY (round, step, client),
            FOREIGN KEY (round, step) REFERENCES steps
        ) STRICT;
        CREATE TABLE adapters (
            version INTEGER PRIMARY KEY CHECK (version >= 0),
            digest TEXT NOT NULL,
            manifest BLOB NOT NULL,
            vetoed TEXT -- the digest of the merged adapter whose place this one took
        ) STRICT;
        CREATE TABLE evaluations (round INTEGER PRIMARY KEY, result BLOB NOT NULL) STRICT;
        CREATE TABLE traffic (
            round INTEGER NOT NULL,
            kind TEXT NOT NULL,
            direction TEXT NOT NULL,
            messages INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (round, kind, direction)
        ) STRICT;
        CREATE TABLE facts (number INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE events (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            atMs INTEGER NOT NULL,
            name TEXT NOT NULL,
            round INTEGER,
            client TEXT,
            detail BLOB NOT NULL
        ) STRICT;
        """
}
