package import Contract
internal import Glibc
internal import Randomness
internal import Tensors

/// One text as a frozen model went through it: a token for each state.
package struct Trajectory: Sendable, Equatable {
    /// The identifier of the prompt, unique within its set.
    package var id: String
    /// What the text is about, for splits and reports.
    package var topic: String
    /// The T tokens that were put in.
    package var tokens: [Int32]
    /// How many of them were given rather than generated.
    package var promptCount: Int
    /// The T rows of its states in the set.
    package var rows: Range<Int>
    /// 1 where the behaviour of interest occurred, 0 where it did not; nil where that is not known.
    package var label: Int?

    /// Names a trajectory; traps unless it has as many rows as tokens.
    package init(
        id: String,
        topic: String,
        tokens: [Int32],
        promptCount: Int,
        rows: Range<Int>,
        label: Int? = nil
    ) {
        precondition(rows.count == tokens.count, "Trajectory: \(tokens.count) tokens for \(rows.count) rows")
        self.id = id
        self.topic = topic
        self.tokens = tokens
        self.promptCount = promptCount
        self.rows = rows
        self.label = label
    }
}

/// Where states come from: what must be the same for two sets to be comparable.
package struct StateSource: Sendable, Codable, Hashable {
    /// The digest of the model's weights.
    package var model: String
    /// What the model is called.
    package var name: String
    /// The layer boundaries that were read, ascending: 0 is after the embedding, l + 1 after block l.
    package var layers: [Int]
    /// C, the width of the residual stream.
    package var width: Int
    /// The digest of an adapter that the model had; nil for the model as it is.
    package var adapter: String?

    /// d, the values of one state: those of all layers side by side.
    package var stateWidth: Int { width * layers.count }

    /// Describes a source.
    package init(model: String, name: String, layers: [Int], width: Int) {
        self.model = model
        self.name = name
        self.layers = layers
        self.width = width
    }
}

extension StateSource {
    /// Which layers are read where nobody says: one at three fifths of the depth (our choice; RET's notes expect
    /// features of behaviour in the middle).
    package static func usualLayers(depth: Int) -> [Int] { [max(1, (3 * depth + 2) / 5)] }
}

/// The microstates of a frozen model along texts: hidden states in half precision, `[N, d]`, one trajectory after the
/// other (RET's notes, 2.1).
///
/// In memory, or mapped from a file, of which no more is in memory than what is being read.
package final class TrajectorySet: Sendable {
    /// Which model and layers.
    package let source: StateSource
    /// The trajectories, in the order of their rows.
    package let trajectories: [Trajectory]
    private let states: StateBits

    /// d, the values of one state.
    package var width: Int { source.stateWidth }
    /// N, the states of all trajectories.
    package var rowCount: Int { trajectories.last?.rows.upperBound ?? 0 }

    init(source: StateSource, trajectories: [Trajectory], states: StateBits) {
        precondition(
            states.count >= (trajectories.last?.rows.upperBound ?? 0) * source.stateWidth,
            "TrajectorySet: too few states"
        )
        self.source = source
        self.trajectories = trajectories
        self.states = states
    }

    /// A set in memory.
    ///
    /// - Parameters:
    ///   - source: Which model and layers.
    ///   - trajectories: Their rows are set here, one after the other.
    ///   - states: `[N, d]`, binary16.
    package convenience init(source: StateSource, trajectories: [Trajectory], states: [UInt16]) {
        var row = 0
        let placed = trajectories.map { trajectory in
            var placed = trajectory
            placed.rows = row..<row + trajectory.tokens.count
            row += trajectory.tokens.count
            return placed
        }
        precondition(
            states.count == row * source.stateWidth,
            "TrajectorySet: \(states.count) values for \(row) states of \(source.stateWidth)"
        )
        self.init(source: source, trajectories: placed, states: StateBits(states))
    }

    /// Widens states to float32.
    ///
    /// - Parameters:
    ///   - rows: Which.
    ///   - values: `[rows, d]`.
    /// - Throws: Where a file can no longer be read.
    package func copyStates(
        _ rows: Range<Int>,
        into values: UnsafeMutablePointer<Float>
    ) throws(TrajectoryFault) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "states \(rows) of \(rowCount)")
        try states.widen(rows.lowerBound * width..<rows.upperBound * width, into: values)
        guard Half.areFinite(UnsafePointer(values), count: rows.count * width) else {
            let bad = (0..<rows.count * width).first { !values[$0].isFinite } ?? 0
            let row = rows.lowerBound + bad / width
            let owner = trajectories.first { $0.rows.contains(row) }?.id ?? ""
            throw TrajectoryFault(states.path, "state \(row), of '\(owner)', has a value that is not finite")
        }
    }

    /// States as float32, `[rows, d]`.
    package func states(_ rows: Range<Int>) throws(TrajectoryFault) -> [Float] {
        try [Float](unsafeUninitializedCapacity: rows.count * width) {
            (buffer, count) throws(TrajectoryFault) in
            if let base = buffer.baseAddress { try copyStates(rows, into: base) }
            count = rows.count * width
        }
    }

    /// Some of the trajectories, as a set over the same states.
    package func subset(_ indices: some Sequence<Int>) -> TrajectorySubset {
        TrajectorySubset(set: self, indices: Array(indices))
    }
}

/// Some trajectories of a set.
package struct TrajectorySubset: Sendable {
    /// The set.
    package let set: TrajectorySet
    /// Which of its trajectories.
    package let indices: [Int]

    /// Picks trajectories.
    package init(set: TrajectorySet, indices: [Int]) {
        precondition(
            indices.allSatisfy(set.trajectories.indices.contains),
            "TrajectorySubset: no such trajectory"
        )
        self.set = set
        self.indices = indices
    }

    /// The trajectories.
    package var trajectories: [Trajectory] { indices.map { set.trajectories[$0] } }
}

extension TrajectorySet {
    /// All trajectories as a subset.
    package var all: TrajectorySubset { subset(trajectories.indices) }

    /// Splits a set by the trajectories' identifiers, so that no text is on both sides: about one in `parts` is in the
    /// second subset, by a hash of the identifier and not by its place.
    package func split(heldOutOneIn parts: Int) -> (train: TrajectorySubset, heldOut: TrajectorySubset) {
        precondition(parts > 1, "split: one in \(parts)")
        func isHeldOut(_ index: Int) -> Bool {
            var stream = RandomStream(seed: 0, "held-out-trajectory", trajectories[index].id)
            return stream.below(parts) == 0
        }
        let places = trajectories.indices
        return (subset(places.filter { !isHeldOut($0) }), subset(places.filter(isHeldOut)))
    }
}

/// binary16 numbers in memory, or in a file that is read piece by piece.
final class StateBits: Sendable {
    let count: Int
    /// The file; empty for numbers in memory.
    var path: String { file?.path ?? "" }
    private let memory: [UInt16]
    private let file: (path: String, descriptor: Int32)?

    init(_ bits: [UInt16]) {
        memory = bits
        count = bits.count
        file = nil
    }

    /// Opens a file of at least `count` numbers, or of just as many where the recording is whole.
    init(path: String, count: Int, isWhole: Bool) throws(TrajectoryFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TrajectoryFault(path, String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) >= 2 * count,
            !isWhole || Int(status.st_size) == 2 * count
        else {
            close(descriptor)
            let expected = isWhole ? "\(2 * count)" : "at least \(2 * count)"
            throw TrajectoryFault(path, "found \(status.st_size) bytes, expected \(expected)")
        }
        memory = []
        self.count = count
        file = (path, descriptor)
    }

    deinit { if let file { close(file.descriptor) } }

    /// Widens some of the numbers.
    func widen(_ range: Range<Int>, into values: UnsafeMutablePointer<Float>) throws(TrajectoryFault) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bits \(range) of \(count)")
        guard let file else {
            memory.withUnsafeBufferPointer {
                Half.widen(UnsafeBufferPointer(rebasing: $0[range]), into: values)
            }
            return
        }
        try withUnsafeTemporaryAllocation(of: UInt16.self, capacity: range.count) {
            (buffer) throws(TrajectoryFault) in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            var done = 0
            while done < bytes.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
                let size = pread(
                    file.descriptor,
                    rest.baseAddress,
                    rest.count,
                    off_t(2 * range.lowerBound + done)
                )
                if size < 0, errno == EINTR { continue }
                guard size > 0 else {
                    let reason = size < 0 ? String(cString: strerror(errno)) : "the file has become shorter"
                    throw TrajectoryFault(file.path, reason)
                }
                done += size
            }
            Half.widen(UnsafeBufferPointer(buffer), into: values)
        }
    }
}

/// What is wrong with recorded trajectories.
package struct TrajectoryFault: GivenFault, Equatable, CustomStringConvertible {
    /// A file that does not hold what it should.
    package var faultKind: FaultKind { .data }
    /// The folder or file; empty where none is meant.
    package var path: String
    /// What was found and what was expected.
    package var reason: String

    /// Names a fault.
    package init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The fault in words.
    package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
