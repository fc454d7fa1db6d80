internal import GRDBSQLite

/// The SQLite library of this process.
package enum SQLiteLibrary {
    /// Its version.
    package static var version: String { String(cString: sqlite3_libversion()) }
}
