internal import GRDB

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
