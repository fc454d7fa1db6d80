internal import Contract
internal import Foundation
internal import Nodes

/// `results.jsonl`: one line for each finished run, synced before the next one counts as begun.
///
/// The file is locked while it is open. A last line without a line feed is what an interrupted write left; it
/// is removed, and its run is made again.
final class ResultsFile {
    /// What was there and what has been added, in the order of the file.
    private(set) var results: [CellResult] = []
    private let path: String
    private let descriptor: Int32

    /// Opens the file, and creates it the first time.
    ///
    /// - Throws: `NodeError` for a line that is no result, and if another process has the file open.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ResultsFile.failure("open", path) }
        // From here on `deinit` closes the file, whatever is thrown.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw NodeError(.unavailable, "\(path) is in use by another process")
        }
        try load()
    }

    // The lock is given back by name: a process that is being started at this moment has the descriptor as well, and
    // would keep a lock that closing alone gives back.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The result of a cell, if it has been run.
    func result(of cell: ReproductionCell) -> CellResult? {
        results.last { $0.belongs(to: cell) }
    }

    /// Adds a result; durable when this returns.
    func append(_ result: CellResult) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(result) + Data("\n".utf8)
        var written = 0
        while written < line.count {
            let count = line.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + written }, line.count - written)
            }
            guard count > 0 else { throw ResultsFile.failure("write", path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw ResultsFile.failure("sync", path) }
        results.append(result)
    }

    private func load() throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ResultsFile.failure("read", path)
        }
        let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if whole < data.count {
            guard ftruncate(descriptor, whole) == 0 else { throw ResultsFile.failure("shorten", path) }
        }
        let lines = data[..<whole].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.dropLast().enumerated() {
            do {
                results.append(try JSONDecoder().decode(CellResult.self, from: line))
            } catch {
                throw NodeError(
                    .data,
                    "\(path):\(index + 1): not a result of `tributary reproduce`: \(FaultText.sentence(error))"
                )
            }
        }
    }

    private static func failure(_ verb: String, _ path: String) -> NodeError {
        NodeError(.failed, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
