internal import FoundationEssentials
internal import Glibc

/// The file `metrics.jsonl` of a state directory: one JSON object a line, appended and never rewritten.
///
/// What is durable elsewhere decides which lines count: at a start the lines behind it are cut off, since the work that made
/// them is done again, and so is a line that was torn. Writing can fail without harm: what could not be written is kept for
/// the next time, up to a limit.
///
/// Not `Sendable`: whoever has a state directory has its file, on the thread that writes the rest of it.
final class MetricsFile {
    /// The file's name below a state directory.
    static let name = "metrics.jsonl"
    /// How many bytes wait while nothing can be written.
    private static let waitingMax = 4 << 20

    /// Where it is.
    let path: String
    private var descriptor: Int32 = -1
    private var waiting: [UInt8] = []
    /// Whether bytes have been written since the last `sync`.
    private var isDirty = false
    /// Why the file could not be written last, until somebody asks.
    private var failure: String?

    /// Opens the file at the first line.
    ///
    /// - Parameter directory: A state directory.
    init(in directory: String) { path = directory + "/" + Self.name }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Looks at the file's lines from the last one on, and cuts off the end of the file from the earliest line that
    /// does not belong there.
    ///
    /// - Parameter belongs: Called with each line without its line feed, last to first: whether it stays, or `nil`
    ///   if it and all lines before it do.
    func cut(_ belongs: (ArraySlice<UInt8>) -> Bool?) {
        guard let data = try? Data(contentsOf: URL(filePath: path), options: .alwaysMapped), !data.isEmpty
        else { return }
        var keep = data.count
        var end = data.count
        if data.last != UInt8(ascii: "\n") {
            end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            keep = end
        }
        while end > 0 {
            let start = data[..<(end - 1)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            guard let stays = belongs(Array(data[start..<end - 1])[...]) else { break }
            if !stays { keep = start }
            end = start
        }
        guard keep < data.count else { return }
        if truncate(path, off_t(keep)) != 0 { failure = MetricsFile.reason }
    }

    /// Appends a line; it is in the file when this returns, if the file can be written.
    func append(_ text: String) {
        let bytes = Array(text.utf8)
        guard waiting.count + bytes.count <= Self.waitingMax else {
            failure = failure ?? "too much waits to be written"
            return
        }
        waiting += bytes
        write()
    }

    private func write() {
        if descriptor < 0 { descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { return fail() }
        while !waiting.isEmpty {
            let count = waiting.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return fail() }
            waiting.removeFirst(count)
            isDirty = true
        }
    }

    /// Makes what has been appended durable.
    func sync() {
        if !waiting.isEmpty { write() }
        guard isDirty, descriptor >= 0 else { return }
        if fdatasync(descriptor) == 0 { isDirty = false } else { fail() }
    }

    /// Why lines could not be written since this was last asked; nil if they were.
    func takeFailure() -> String? {
        defer { failure = nil }
        return failure
    }

    private func fail() { failure = MetricsFile.reason }

    private static var reason: String { String(cString: strerror(errno)) }
}
