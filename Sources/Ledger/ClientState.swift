package import Digest
internal import Glibc
internal import Synchronization

/// What a client needs to go on where it stopped.
package struct ClientSnapshot: Sendable, Hashable {
    /// Where in the run the client is, in the node's own encoding.
    package var progress: [UInt8]
    /// The trainer's state, in the trainer's own encoding; nil for that of the snapshot before.
    package var trainer: [UInt8]?
    /// The blobs that it needs, which were adopted before.
    package var blobs: [SHA256Digest]

    /// Makes a snapshot.
    package init(progress: [UInt8], trainer: [UInt8]?, blobs: [SHA256Digest] = []) {
        self.progress = progress
        self.trainer = trainer
        self.blobs = blobs
    }
}

/// Something the coordinator has not confirmed yet.
package struct PendingUpload: Sendable, Hashable {
    /// What it is and where it belongs, in the node's own encoding.
    package var header: [UInt8]
    /// What to send: a blob that was adopted before.
    package var blob: SHA256Digest

    /// Makes one.
    package init(header: [UInt8], blob: SHA256Digest) {
        self.header = header
        self.blob = blob
    }
}

/// A client's durable state: one snapshot, and what it has sent without a receipt.
///
/// Every write is whole or not there at all. What did not change is not written again: a snapshot names the file of
/// the trainer's state and the blobs that it needs, and what no snapshot and no upload names is removed with the next
/// one. Methods block on the disk.
///
///     lock                the process that has the directory open
///     identity            what the directory belongs to
///     snapshot            the newest snapshot
///     trainer.<number>    its trainer's state
///     blob.<sha256>       adapters and updates, as they travel
///     pending             the newest upload without a receipt
///     temporary/          files being written; emptied at every start
package final class ClientState: Sendable {
    /// What is on the disk.
    private struct Contents {
        /// The number in the name of the trainer's file; 0 for none.
        var trainer: UInt64 = 0
        var blobs: [SHA256Digest] = []
        var pending: SHA256Digest?
    }

    /// The directory.
    package let directory: String
    private let files: DurableFiles
    private let lock: DirectoryLock
    /// Nil until the snapshot and the upload have been looked at.
    private let contents = Mutex<Contents?>(nil)
    /// The blobs whose bytes this process has checked.
    private let verified = Mutex<Set<SHA256Digest>>([])

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

    // MARK: - Blobs

    /// The name of a new file in which a blob is to be written, for `adopt`; it is gone with the next start.
    package func draft() -> String { files.draft() }

    /// Keeps a written file, whose bytes are known to have the digest, as a blob. It is there for good once a snapshot
    /// or an upload that names it is.
    package func adopt(_ draft: String, as digest: SHA256Digest) throws(LedgerError) {
        let path = path(of: digest)
        let descriptor = try Files.open(draft, O_RDONLY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("sync", draft) }
        guard rename(draft, path) == 0 else { throw .system("rename to", path) }
        verified.withLock { _ = $0.insert(digest) }
    }

    /// The file of a blob, for reading: its bytes have been checked by this process, when it wrote or first read them.
    ///
    /// - Throws: `LedgerError` with `corrupt` if the file was changed.
    package func file(of digest: SHA256Digest) throws(LedgerError) -> String {
        let path = path(of: digest)
        guard verified.withLock({ !$0.contains(digest) }) else { return path }
        let found = try Files.digest(path)
        guard found == digest else {
            throw LedgerError(.corrupt, "'\(path)' is damaged: its SHA-256 is \(found)")
        }
        verified.withLock { _ = $0.insert(digest) }
        return path
    }

    private func path(of digest: SHA256Digest) -> String { "\(directory)/\(Self.blobPrefix)\(digest)" }
    private func path(ofTrainer number: UInt64) -> String { "\(directory)/\(Self.trainerPrefix)\(number)" }

    private static let blobPrefix = "blob."
    private static let trainerPrefix = "trainer."

    // MARK: - Snapshots

    /// Replaces the snapshot; returns once it is durable.
    package func save(_ snapshot: ClientSnapshot) throws(LedgerError) {
        var new = try known()
        if let trainer = snapshot.trainer {
            new.trainer += 1
            try files.write(SealedFile.seal([trainer]), to: path(ofTrainer: new.trainer))
        }
        new.blobs = snapshot.blobs
        let digests = snapshot.blobs.flatMap(\.bytes)
        try files.write(
            SealedFile.seal([snapshot.progress, Array("\(new.trainer)".utf8), digests]),
            to: directory + "/snapshot"
        )
        contents.withLock { $0 = new }
        try removeRest(but: new)
    }

    /// The newest snapshot, with the trainer's state, or nil before the first.
    ///
    /// - Throws: `LedgerError` with `corrupt` if a file was changed.
    package func snapshot() throws(LedgerError) -> ClientSnapshot? {
        guard let (progress, number, blobs) = try readSnapshot() else { return nil }
        let path = path(ofTrainer: number)
        let trainer = number == 0 ? [] : try SealedFile.open(try Files.read(path), sections: 1, path: path)[0]
        return ClientSnapshot(progress: progress, trainer: trainer, blobs: blobs)
    }

    private func readSnapshot() throws(LedgerError) -> ([UInt8], trainer: UInt64, blobs: [SHA256Digest])? {
        guard let sections = try sections(of: "snapshot", count: 3) else { return nil }
        let blobs = stride(from: 0, to: sections[2].count, by: 32).compactMap { start in
            SHA256Digest(bytes: Array(sections[2][start...].prefix(32)))
        }
        guard let number = UInt64(String(decoding: sections[1], as: UTF8.self)),
            blobs.count * 32 == sections[2].count
        else { throw LedgerError(.corrupt, "'\(directory)/snapshot' does not say what belongs to it") }
        return (sections[0], number, blobs)
    }

    /// Keeps an upload until `confirm()`; it replaces one that was kept before.
    package func keep(_ upload: PendingUpload) throws(LedgerError) {
        var new = try known()
        new.pending = upload.blob
        try files.write(SealedFile.seal([upload.header, upload.blob.bytes]), to: directory + "/pending")
        contents.withLock { $0 = new }
    }

    /// The upload that has no receipt yet, or nil.
    package func pendingUpload() throws(LedgerError) -> PendingUpload? {
        guard let sections = try sections(of: "pending", count: 2) else { return nil }
        guard let blob = SHA256Digest(bytes: sections[1]) else {
            throw LedgerError(.corrupt, "'\(directory)/pending' does not say what is to be sent")
        }
        return PendingUpload(header: sections[0], blob: blob)
    }

    /// Forgets the upload of this blob, now that the coordinator has it. Any other upload stays.
    package func confirm(_ digest: SHA256Digest) throws(LedgerError) {
        var new = try known()
        guard new.pending == digest else { return }
        try Files.remove(directory + "/pending")
        try Files.syncDirectory(directory)
        new.pending = nil
        contents.withLock { $0 = new }
        try removeRest(but: new)
    }

    /// Forgets the snapshot and the pending upload, to start the run anew.
    package func reset() throws(LedgerError) {
        try Files.remove(directory + "/snapshot")
        try Files.remove(directory + "/pending")
        try Files.syncDirectory(directory)
        contents.withLock { $0 = Contents() }
        try removeRest(but: Contents())
    }

    /// What is on the disk, read at the first time.
    private func known() throws(LedgerError) -> Contents {
        if let known = contents.withLock({ $0 }) { return known }
        var found = Contents()
        if let snapshot = try readSnapshot() { (_, found.trainer, found.blobs) = snapshot }
        found.pending = try pendingUpload()?.blob
        contents.withLock { $0 = found }
        return found
    }

    /// Removes what nothing names any more. Nothing is lost if that is cut off.
    private func removeRest(but contents: Contents) throws(LedgerError) {
        let named = Set(
            (contents.blobs + [contents.pending].compactMap { $0 }).map { Self.blobPrefix + "\($0)" }
        )
        for name in try Files.names(in: directory) where !named.contains(name) {
            guard name.hasPrefix(Self.blobPrefix) || name.hasPrefix(Self.trainerPrefix),
                name != "\(Self.trainerPrefix)\(contents.trainer)"
            else { continue }
            try Files.remove(directory + "/" + name)
        }
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
