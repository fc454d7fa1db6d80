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
