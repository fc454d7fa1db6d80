internal import Digest
internal import GRDB
internal import Synchronization

/// The coordinator's durable state: facts in SQLite, bytes in content-addressed files.
///
/// Whatever a method has recorded when it returns survives a power cut; whatever it had not recorded
/// when the process stopped is not there at all. Recording the same again changes nothing; recording
/// something else under the same key throws `conflict`.
///
/// Methods block on the disk, so they belong on a compute thread. Any thread may call them.
///
///     lock                     the process that has the directory open
///     ledger.sqlite            facts (WAL, synchronous = FULL)
///     blobs/aa/<sha256>        updates, responses, pools, adapters, as they travelled; see `prune(before:sparing:)`
///     uploads/<client>.<sha256>.part   transfers that have not arrived whole
///     temporary/               files being written; emptied at every start
package final class Ledger: Sendable {
    /// The directory.
    package let directory: String
    /// What the directory belongs to.
    package let identity: FederationIdentity
    let blobs: BlobStore
    let fault: FaultHook
    /// Transfers that come in now, by the names of their files.
    let incoming = Mutex<[String: IncomingFile]>([:])
    private let database: DatabaseQueue
    private let lock: DirectoryLock?

    /// Opens the state of a federation for one coordinator, and creates it the first time.
    ///
    /// - Throws: `LedgerError`, with `otherIdentity` if the directory belongs to another run and
    ///   `inUse` if another process has it open.
    package static func open(
        _ directory: String,
        identity: FederationIdentity
    ) throws(LedgerError) -> Ledger {
        try open(directory, identity: identity) { _ in }
    }

    /// Opens existing state to look at it; this may be done while a coordinator runs.
    ///
    /// - Throws: `LedgerError`, with `notFound` if there is none.
    package static func inspect(_ directory: String) throws(LedgerError) -> Ledger {
        let path = directory + "/ledger.sqlite"
        guard Files.exists(path) else {
            throw LedgerError(.notFound, "'\(directory)' holds no ledger: there is no '\(path)'")
        }
        let database = try LedgerDatabase.open(path, readOnly: true)
        let fields = try LedgerDatabase.perform(path) {
            try database.read { database in
                try LedgerSchema.isEmpty(database, path: path) ? [:] : LedgerSchema.identity(database)
            }
        }
        guard let identity = FederationIdentity(fields: fields) else {
            throw LedgerError(.notFound, "'\(path)' is not the ledger of any federation yet")
        }
        return Ledger(
            directory: directory,
            identity: identity,
            blobs: try BlobStore(folder: directory + "/blobs", files: nil),
            database: database,
            lock: nil
        ) { _ in }
    }

    static func open(
        _ directory: String,
        identity: FederationIdentity,
        fault: @escaping FaultHook
    ) throws(LedgerError) -> Ledger {
        try Files.makeDirectory(directory)
        let lock = try DirectoryLock(directory: directory)
        let path = directory + "/ledger.sqlite"
        let database = try LedgerDatabase.open(path, readOnly: false)
        let found: [String: String] = try LedgerDatabase.perform(path) {
            try database.write { database in
                if try LedgerSchema.isEmpty(database, path: path) {
                    try LedgerSchema.create(database, identity: identity)
                } else {
                    try LedgerSchema.upgrade(database)
                }
                return try LedgerSchema.identity(database)
            }
        }
        let isSame = try IdentityCheck.require(
            identity.fields,
            found: found,
            variable: identity.variable,
            directory: directory
        )
        if !isSame {
            try LedgerDatabase.perform(path) {
                try database.write { try LedgerSchema.record(identity, in: $0) }
            }
        }
        try Files.syncDirectory(directory)
        try Files.makeDirectory(directory + "/uploads")
        let files = try DurableFiles(temporary: directory + "/temporary", fault: fault)
        return Ledger(
            directory: directory,
            identity: identity,
            blobs: try BlobStore(folder: directory + "/blobs", files: files),
            database: database,
            lock: lock,
            fault: fault
        )
    }

    private init(
        directory: String,
        identity: FederationIdentity,
        blobs: BlobStore,
        database: DatabaseQueue,
        lock: DirectoryLock?,
        fault: @escaping FaultHook
    ) {
        self.directory = directory
        self.identity = identity
        self.blobs = blobs
        self.database = database
        self.lock = lock
        self.fault = fault
    }

    /// Reads facts.
    func read<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        try LedgerDatabase.perform(directory) { try database.read(body) }
    }

    /// Writes facts in one transaction, which is durable when this returns.
    func write<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        guard lock != nil else { throw LedgerError(.readOnly, "'\(directory)' is open for reading only") }
        let value = try LedgerDatabase.perform(directory) {
            try database.write { database in
                let value = try body(database)
                fault(.rowsWritten)
                return value
            }
        }
        fault(.committed)
        return value
    }
}
