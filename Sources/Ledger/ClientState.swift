package import Digest

/// What a client needs to go on where it stopped.
package struct ClientSnapshot: Sendable, Hashable {
    /// Where in the run the client is, in the node's own encoding.
    package var progress: [UInt8]
    /// The trainer's state, in the trainer's own encoding.
    package var trainer: [UInt8]

    /// Makes a snapshot.
    package init(progress: [UInt8], trainer: [UInt8]) {
        self.progress = progress
        self.trainer = trainer
    }
}

/// Something the coordinator has not confirmed yet.
package struct PendingUpload: Sendable, Hashable {
    /// What it is and where it belongs, in the node's own encoding.
    package var header: [UInt8]
    /// The bytes to send.
    package var payload: [UInt8]

    /// Makes one.
    package init(header: [UInt8], payload: [UInt8]) {
        self.header = header
        self.payload = payload
    }
}

/// A client's durable state: one snapshot, and what it has sent without a receipt.
///
/// Every write is whole or not there at all. Methods block on the disk.
///
///     lock            the process that has the directory open
///     identity        what the directory belongs to
///     snapshot        the newest snapshot
///     pending         the newest upload without a receipt
///     temporary/      files being written; emptied at every start
package final class ClientState: Sendable {
    /// The directory.
    package let directory: String
    private let files: DurableFiles
    private let lock: DirectoryLock

    /// Opens the state of one client, and creates it the first time.
    ///
    /// - Throws: `LedgerError`, with `otherIdentity` if the directory belongs to another client or run
    ///   and `inUse` if another process has it open.
    package static func open(_ directory: String, identity: ClientIdentity) throws(LedgerError) -> ClientState
    {
        try open(directory, identity: identity) { _ in }
    }

    static func open(
        _ directory: String,
        identity: ClientIdentity,
        fault: @escaping FaultHook
    ) throws(LedgerError) -> ClientState {
        try Files.makeDirectory(directory)
        let lock = try DirectoryLock(directory: directory)
        let files = try DurableFiles(temporary: directory + "/temporary", fault: fault)
        let state = ClientState(directory: directory, files: files, lock: lock)
        try state.check(identity)
        return state
    }

    private init(directory: String, files: DurableFiles, lock: DirectoryLock) {
        self.directory = directory
        self.files = files
        self.lock = lock
    }

    /// Replaces the snapshot; returns once it is durable.
    package func save(_ snapshot: ClientSnapshot) throws(LedgerError) {
        try files.write(SealedFile.seal([snapshot.progress, snapshot.trainer]), to: directory + "/snapshot")
    }

    /// The newest snapshot, or nil before the first.
    ///
    /// - Throws: `LedgerError` with `corrupt` if the file was changed.
    package func snapshot() throws(LedgerError) -> ClientSnapshot? {
        guard let sections = try sections(of: "snapshot", count: 2) else { return nil }
        return ClientSnapshot(progress: sections[0], trainer: sections[1])
    }

    /// Keeps an upload until `confirm()`; it replaces one that was kept before.
    package func keep(_ upload: PendingUpload) throws(LedgerError) {
        try files.write(SealedFile.seal([upload.header, upload.payload]), to: directory + "/pending")
    }

    /// The upload that has no receipt yet, or nil.
    package func pendingUpload() throws(LedgerError) -> PendingUpload? {
        guard let sections = try sections(of: "pending", count: 2) else { return nil }
        return PendingUpload(header: sections[0], payload: sections[1])
    }

    /// Forgets the upload whose payload has this digest, now that the coordinator has it. Any other
    /// upload stays.
    package func confirm(_ digest: SHA256Digest) throws(LedgerError) {
        guard let pending = try pendingUpload(), SHA256Digest(of: pending.payload) == digest else { return }
        try Files.remove(directory + "/pending")
        try Files.syncDirectory(directory)
    }

    /// Forgets the snapshot and the pending upload, to start the run anew.
    package func reset() throws(LedgerError) {
        try Files.remove(directory + "/snapshot")
        try Files.remove(directory + "/pending")
        try Files.syncDirectory(directory)
    }

    /// Which federation and client a state directory belongs to; a client may be at work in it.
    ///
    /// - Throws: `LedgerError`, with `notFound` if it is no client's state.
    package static func inspect(
        _ directory: String
    ) throws(LedgerError) -> (federation: String, client: String) {
        let path = directory + "/identity"
        guard Files.exists(path) else {
            throw LedgerError(.notFound, "'\(directory)' is no client's state: it has no identity")
        }
        let sections = try SealedFile.open(
            try Files.read(path),
            sections: ClientIdentity.fieldCount,
            path: path
        )
        return (String(decoding: sections[0], as: UTF8.self), String(decoding: sections[1], as: UTF8.self))
    }

    private func check(_ identity: ClientIdentity) throws(LedgerError) {
        let fields = identity.fields
        guard let found = try sections(of: "identity", count: fields.count) else {
            return try write(fields)
        }
        let values = found.map { String(decoding: $0, as: UTF8.self) }
        let isSame = try IdentityCheck.require(
            fields,
            found: Dictionary(uniqueKeysWithValues: zip(fields.map(\.name), values)),
            variable: identity.variable,
            directory: directory
        )
        if !isSame { try write(fields) }
    }

    private func write(_ fields: [(name: String, value: String)]) throws(LedgerError) {
        try files.write(SealedFile.seal(fields.map { Array($0.value.utf8) }), to: directory + "/identity")
    }

    private func sections(of name: String, count: Int) throws(LedgerError) -> [[UInt8]]? {
        let path = directory + "/" + name
        guard Files.exists(path) else { return nil }
        return try SealedFile.open(try Files.read(path), sections: count, path: path)
    }
}
