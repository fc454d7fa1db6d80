internal import Foundation  // GRDB binds blobs as Data
internal import Digest
internal import GRDB
internal import GRDBSQLite

/// Opens SQLite the way durable facts need it, and translates its errors.
enum LedgerDatabase {
    static func open(_ path: String, readOnly: Bool) throws(LedgerError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(5)
        if !readOnly {
            configuration.journalMode = .wal
            // In WAL mode the default would lose the last transactions in a power cut.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        }
        return try perform(path) { try DatabaseQueue(path: path, configuration: configuration) }
    }

    /// Runs a body whose errors are SQLite's or the ledger's own.
    static func perform<Value>(_ path: String, _ body: () throws -> Value) throws(LedgerError) -> Value {
        do {
            return try body()
        } catch let error as LedgerError {
            throw error
        } catch let error as DatabaseError {
            throw translate(error, path: path)
        } catch {
            throw LedgerError(.inputOutput, "'\(path)': \(error)")
        }
    }

    private static func translate(_ error: DatabaseError, path: String) -> LedgerError {
        let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        if error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE {
            return LedgerError(
                .diskFull,
                "no space to record in '\(path)' (\(reason)); nothing was recorded: free space and start again"
            )
        }
        switch error.resultCode {
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            return LedgerError(
                .readOnly,
                "may not write '\(path)' (\(reason)): state needs a directory this user can write"
            )
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return LedgerError(.corrupt, "'\(path)' is damaged or no database: \(reason)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return LedgerError(.inUse, "'\(path)' is in use: \(reason)")
        default:
            return LedgerError(.inputOutput, "'\(path)': \(reason)")
        }
    }
}

/// The tables, and the check that a database is one of ours.
enum LedgerSchema {
    /// "TRIB" in ASCII, in SQLite's own field for it.
    static let applicationID = 0x5452_4942
    static let version = 2

    /// Creates the tables of an empty database, with the identity, in the transaction it is called in.
    static func create(_ database: Database, identity: FederationIdentity) throws {
        try database.execute(sql: tables)
        try record(identity, in: database)
        try database.execute(
            sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)"
        )
    }

    /// Brings the tables of an older format to this one, in the transaction it is called in.
    static func upgrade(_ database: Database) throws {
        // Format 2 has the norms of updates.
        guard try Int.fetchOne(database, sql: "PRAGMA user_version") == 1 else { return }
        try database.execute(
            sql: "ALTER TABLE updates ADD COLUMN norm REAL; PRAGMA user_version = \(version)"
        )
    }

    /// Writes an identity, in place of the one that is there.
    static func record(_ identity: FederationIdentity, in database: Database) throws {
        for (field, value) in identity.fields {
            try database.execute(
                sql: "INSERT OR REPLACE INTO identity VALUES (?, ?)",
                arguments: [field, value]
            )
        }
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
            norm REAL,
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

extension UpdateRecord {
    init(row: Row) throws {
        self.init(
            round: row["round"],
            client: row["client"],
            blob: try StoredBlob(row: row),
            examples: row["examples"],
            metrics: row.bytes("metrics"),
            norm: row.hasColumn("norm") ? row["norm"] : nil
        )
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

/// The SQLite library of this process.
package enum SQLiteLibrary {
    /// Its version.
    package static var version: String { String(cString: sqlite3_libversion()) }
}
