package import Contract
internal import FoundationEssentials
internal import Glibc

/// Trajectories on disk, written one after the other and resumed where the last whole one ends.
///
///     trajectories.json   what was recorded, and how: a `TrajectoryHeader`
///     index.jsonl         one line for each trajectory: id, topic, tokens, number of prompt tokens, label if known
///     states.f16          the states, row after row, binary16 little endian
///
/// A trajectory counts once its line is in the index; its states are written before.
package enum TrajectoryFolder {
    static let headerName = "trajectories.json"
    static let indexName = "index.jsonl"
    static let statesName = "states.f16"
    /// The longest line that is read: a trajectory of about a million tokens.
    static let lineBytesMax = 16 << 20

    /// Opens a folder for reading.
    ///
    /// - Throws: `TrajectoryFault` naming the file, and the line where there is one.
    package static func open(_ folder: String) throws -> TrajectorySet {
        let header = try header(of: folder)
        let trajectories = try index(of: folder, width: header.source.stateWidth)
        guard !trajectories.isEmpty else {
            throw TrajectoryFault("\(folder)/\(indexName)", "found no trajectory, expected at least one")
        }
        let count = (trajectories.last?.rows.upperBound ?? 0) * header.source.stateWidth
        let states = try StateBits(
            path: "\(folder)/\(statesName)",
            count: count,
            isWhole: trajectories.count == header.planned
        )
        return TrajectorySet(source: header.source, trajectories: trajectories, states: states)
    }

    /// What was recorded, and how.
    package static func header(of folder: String) throws -> TrajectoryHeader {
        let path = "\(folder)/\(headerName)"
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TrajectoryFault(
                path,
                "cannot be read; expected a folder that `tributary trajectories record` made"
            )
        }
        do {
            let header = try JSONDecoder().decode(TrajectoryHeader.self, from: bytes)
            guard header.format == TrajectoryHeader.currentFormat else {
                throw TrajectoryFault(
                    path,
                    "found format \(header.format), expected \(TrajectoryHeader.currentFormat)"
                )
            }
            let source = header.source
            guard source.width > 0, source.width <= 1 << 20, (1...256).contains(source.layers.count) else {
                throw TrajectoryFault(
                    path,
                    "found a width of \(source.width) and \(source.layers.count) layers"
                )
            }
            return header
        } catch let error as DecodingError {
            throw TrajectoryFault(path, "is not a header of trajectories: \(FaultText.sentence(error))")
        }
    }

    /// One line of the index.
    struct Line: Codable {
        var id: String
        var topic: String
        var tokens: [Int32]
        var promptCount: Int
        /// 0 or 1; nil, and then left out, where it is not known.
        var label: Int?
    }

    /// The trajectories of an index; a last line that was cut off is left out.
    static func index(of folder: String, width: Int) throws -> [Trajectory] {
        let path = "\(folder)/\(indexName)"
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TrajectoryFault(path, "cannot be read")
        }
        var trajectories: [Trajectory] = []
        var seen: Set<String> = []
        var row = 0
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // Behind the last line end there is nothing, or a line that was being written.
        lines.removeLast()
        for (number, line) in lines.enumerated() {
            func fault(_ reason: String) -> TrajectoryFault {
                TrajectoryFault(path, "line \(number + 1): \(reason)")
            }
            guard line.count <= lineBytesMax,
                let entry = try? JSONDecoder().decode(Line.self, from: Data(line))
            else { throw fault("is not a trajectory: expected id, topic, tokens and promptCount") }
            guard !entry.tokens.isEmpty, (0...entry.tokens.count).contains(entry.promptCount) else {
                throw fault("found \(entry.tokens.count) tokens, \(entry.promptCount) of them given")
            }
            guard entry.label == nil || entry.label == 0 || entry.label == 1 else {
                throw fault("found the label \(entry.label ?? 0), expected 0, 1 or none")
            }
            guard seen.insert(entry.id).inserted else {
                throw fault("another trajectory has the id '\(entry.id)'")
            }
            let (end, overflow) = row.addingReportingOverflow(entry.tokens.count)
            guard !overflow, end <= Int.max / max(1, 4 * width) else { throw fault("too many states") }
            trajectories.append(
                Trajectory(
                    id: entry.id,
                    topic: entry.topic,
                    tokens: entry.tokens,
                    promptCount: entry.promptCount,
                    rows: row..<end,
                    label: entry.label
                )
            )
            row = end
        }
        return trajectories
    }
}

/// How trajectories were recorded.
package struct TrajectoryHeader: Sendable, Codable, Equatable {
    /// The format that this program writes.
    package static let currentFormat = 1
    /// The format of the folder.
    package var format = TrajectoryHeader.currentFormat
    /// Which model and layers.
    package var source: StateSource
    /// `read` or `generate`.
    package var mode: String
    /// The most tokens of a text, or of a response.
    package var maxTokens: Int
    /// The temperature of responses; 0 where texts were read.
    package var temperature: Double
    /// The seed of responses.
    package var seed: UInt64
    /// What was given: the data, in words.
    package var data: String
    /// The digest of all texts and their identifiers: a changed file of the same name is another recording.
    package var texts: String?
    /// How many leading tokens of a text that is read are not learnt from.
    package var skipTokens: Int?
    /// The most tokens of one pass: the last bits of states can depend on it.
    package var tokensPerPass: Int?
    /// How many texts or prompts there are to record.
    package var planned: Int
    /// What it is that a label of 1 says of a trajectory, such as "wrong answer"; nil where none has a label.
    package var label: String?

    /// Describes a recording.
    package init(
        source: StateSource,
        mode: String,
        maxTokens: Int,
        temperature: Double,
        seed: UInt64,
        data: String,
        planned: Int,
        label: String? = nil
    ) {
        self.source = source
        self.mode = mode
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.seed = seed
        self.data = data
        self.planned = planned
        self.label = label
    }
}

/// Appends trajectories to a folder.
package final class TrajectoryWriter {
    /// How many trajectories the folder holds: those to skip when a recording is resumed.
    package private(set) var count: Int
    /// How many states they have.
    package private(set) var rowCount: Int
    private let folder: String
    private let width: Int
    private let states: Int32
    private let index: Int32
    private let encoder: JSONEncoder

    /// Starts a folder, or goes on with one of the same header.
    ///
    /// - Throws: `TrajectoryFault` where the folder holds another recording, or cannot be written.
    package init(folder: String, header: TrajectoryHeader) throws {
        self.folder = folder
        width = header.source.stateWidth
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try OutputFault.wrap(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let path = "\(folder)/\(TrajectoryFolder.headerName)"
        var existing: [Trajectory] = []
        if access(path, F_OK) == 0 {
            let found = try TrajectoryFolder.header(of: folder)
            guard found == header else {
                throw TrajectoryFault(
                    path,
                    "the folder holds another recording; continue it with the same options, or give another folder"
                )
            }
            if access("\(folder)/\(TrajectoryFolder.indexName)", F_OK) == 0 {
                existing = try TrajectoryFolder.index(of: folder, width: width)
            }
        } else {
            let pretty = JSONEncoder()
            pretty.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            try OutputFault.wrap(path) {
                try pretty.encode(header).write(to: URL(filePath: path), options: .atomic)
            }
        }
        count = existing.count
        rowCount = existing.last?.rows.upperBound ?? 0
        states = try TrajectoryWriter.openFile("\(folder)/\(TrajectoryFolder.statesName)")
        index = try TrajectoryWriter.openFile("\(folder)/\(TrajectoryFolder.indexName)")
        // What a run that was ended left behind its last whole trajectory is written anew.
        let lines = try TrajectoryWriter.endOfLine(count, in: "\(folder)/\(TrajectoryFolder.indexName)")
        for (descriptor, size, name) in [
            (states, rowCount * width * 2, TrajectoryFolder.statesName),
            (index, lines, TrajectoryFolder.indexName),
        ] {
            var status = stat()
            guard fstat(descriptor, &status) == 0, Int(status.st_size) >= size,
                ftruncate(descriptor, off_t(size)) == 0,
                lseek(descriptor, 0, SEEK_END) >= 0
            else {
                throw TrajectoryFault("\(folder)/\(name)", "found \(status.st_size) bytes, expected \(size)")
            }
        }
    }

    deinit {
        close(states)
        close(index)
    }

    /// Appends one trajectory: its states first, then its line, and both are on disk when this returns.
    package func append(_ recording: TrajectoryRecorder.Recording) throws {
        let trajectory = recording.trajectory
        precondition(
            recording.states.count == trajectory.tokens.count * width,
            "TrajectoryWriter: \(recording.states.count) values for \(trajectory.tokens.count) states of \(width)"
        )
        try recording.states.withUnsafeBytes { try write($0, to: states, TrajectoryFolder.statesName) }
        let bytes = try line(of: trajectory)
        try bytes.withUnsafeBytes { try write($0, to: index, TrajectoryFolder.indexName) }
        count += 1
        rowCount += trajectory.tokens.count
    }

    /// A line of the index. The tokens are written by hand: a hundred numbers take JSON longer than a small model takes
    /// to read them.
    private func line(of trajectory: Trajectory) throws -> [UInt8] {
        var bytes = Array(#"{"id":"#.utf8)
        bytes += try encoder.encode(trajectory.id)
        if let label = trajectory.label { bytes += #","label":\#(label)"#.utf8 }
        bytes += #","promptCount":\#(trajectory.promptCount),"tokens":["#.utf8
        for (place, token) in trajectory.tokens.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            var digits: [UInt8] = []
            var rest = token.magnitude
            repeat {
                digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            } while rest > 0
            if token < 0 { digits.append(UInt8(ascii: "-")) }
            bytes += digits.reversed()
        }
        bytes += #"],"topic":"#.utf8
        bytes += try encoder.encode(trajectory.topic)
        return bytes + Array("}\n".utf8)
    }

    /// Makes sure that what was appended survives a loss of power.
    package func sync() throws {
        for (descriptor, name) in [
            (states, TrajectoryFolder.statesName), (index, TrajectoryFolder.indexName),
        ]
        where fsync(descriptor) != 0 {
            throw TrajectoryFault("\(folder)/\(name)", String(cString: strerror(errno)))
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ name: String) throws {
        var done = 0
        while done < bytes.count {
            let size = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if size < 0, errno == EINTR { continue }
            guard size > 0 else {
                throw TrajectoryFault("\(folder)/\(name)", String(cString: strerror(errno)))
            }
            done += size
        }
    }

    private static func openFile(_ path: String) throws(TrajectoryFault) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw TrajectoryFault(path, String(cString: strerror(errno))) }
        return descriptor
    }

    /// Where the first `count` lines of a file end.
    private static func endOfLine(_ count: Int, in path: String) throws(TrajectoryFault) -> Int {
        guard count > 0 else { return 0 }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TrajectoryFault(path, "cannot be read")
        }
        var seen = 0
        for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            seen += 1
            if seen == count { return offset + 1 }
        }
        throw TrajectoryFault(path, "found \(seen) lines, expected \(count)")
    }
}
