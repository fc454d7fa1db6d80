internal import Glibc
internal import Synchronization

/// Files that are there whole or not at all, whenever the process or the machine stops.
///
/// A file is written under a temporary name, synced, renamed, and its directory synced. What a crash
/// leaves lies in `temporary` alone, which the next start empties.
final class DurableFiles: Sendable {
    let temporary: String
    private let fault: FaultHook
    private let counter = Atomic<UInt64>(0)

    /// Creates the folder for temporary files, on the same file system as those to be written, and empties it.
    init(temporary: String, fault: @escaping FaultHook) throws(LedgerError) {
        self.temporary = temporary
        self.fault = fault
        try Files.makeDirectory(temporary)
        for name in try Files.names(in: temporary) { try Files.remove(temporary + "/" + name) }
    }

    /// Writes a file in an existing directory; it replaces one of the same name in one instant.
    ///
    /// Returns only when the file would survive a power cut.
    func write(_ pieces: [[UInt8]], to path: String) throws(LedgerError) {
        let draft = draft()
        do {
            try Files.create(draft, pieces: pieces) { fault(.fileWritten) }
            fault(.fileSynced)
            try publish(draft, as: path)
        } catch {
            try? Files.remove(draft)  // the first error is the one that matters
            throw error
        }
    }

    /// The name of a new file.
    func draft() -> String { "\(temporary)/\(counter.add(1, ordering: .relaxed).newValue).tmp" }

    /// Gives a synced file its final name, durably.
    func publish(_ draft: String, as path: String) throws(LedgerError) {
        guard rename(draft, path) == 0 else { throw .system("rename to", path) }
        fault(.fileRenamed)
        try Files.syncDirectory(Files.parent(of: path))
        fault(.directorySynced)
    }
}

/// The instants between the steps of durable writing, at which a test can stop the process.
enum FaultPoint: String, Sendable, CaseIterable {
    /// The temporary file has its bytes; they are not on the disk yet.
    case fileWritten
    /// The bytes are on the disk under the temporary name.
    case fileSynced
    /// The file has its final name; the directory is not on the disk yet.
    case fileRenamed
    /// The directory is on the disk as well.
    case directorySynced
    /// The rows of a transaction are written, not committed.
    case rowsWritten
    /// The transaction is committed.
    case committed
}

/// Called at every fault point; does nothing outside tests.
typealias FaultHook = @Sendable (FaultPoint) -> Void
