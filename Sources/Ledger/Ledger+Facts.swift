internal import GRDB

// The coordinator's machine is the sum of its facts in their order. The ledger keeps them as lines whose
// words it does not know; other records can take their line into their own transaction.

extension Ledger {
    /// Appends lines to the facts in one transaction; a line that is there already stays where it is.
    public func append(facts: [String]) throws(LedgerError) {
        try write { database in
            for fact in facts { try Self.append(fact, to: database) }
        }
    }

    /// All facts in the order in which they were appended.
    public func facts() throws(LedgerError) -> [String] {
        try read { try String.fetchAll($0, sql: "SELECT line FROM facts ORDER BY number") }
    }

    /// Adds a line, if there is one, to the transaction that is under way.
    static func append(_ fact: String?, to database: Database) throws {
        guard let fact else { return }
        try database.execute(sql: "INSERT OR IGNORE INTO facts (line) VALUES (?)", arguments: [fact])
    }
}
