internal import Contract
internal import Digest
internal import FoundationEssentials
internal import Ledger
internal import Rounds
internal import Topology
internal import Wire

// What a run starts from, and how it goes on.

extension Job {
    /// The name of the part of a state's identity that says which adapter the run started from.
    static let startPart = "adapter.from"

    /// The parts of a state's identity that may become others: no round depends on how many there are.
    static let variableParts: Set = ["rounds.count"]

    /// The adapter of `adapter.from`, with its digest.
    struct Start: Sendable {
        /// What the folder holds; nil where it is gone, and the state has what it held.
        var adapter: AdapterWeights?
        /// The digest of the values.
        var digest: SHA256Digest
    }

    /// A folder that is not there.
    struct MissingStart: GivenFault, CustomStringConvertible {
        /// A file that is needed is missing.
        var faultKind: FaultKind { .missingInput }
        /// Which one, and what is expected.
        let description: String
    }

    /// The adapter that the topology starts from; nil where it names none.
    ///
    /// - Parameter state: A coordinator's state: a run that has begun needs the folder no more.
    /// - Throws: What is wrong with the files; `MissingStart` where there are none.
    func start(recordedIn state: String? = nil) throws -> Start? {
        guard let written = topology.startFolder else { return nil }
        let folder = topology.absolutePath(written)
        guard FileManager.default.fileExists(atPath: folder) else {
            if let state, let digest = Job.recordedStart(in: state) {
                return Start(adapter: nil, digest: digest)
            }
            throw MissingStart(
                description:
                    "adapter.from: found '\(written)', and there is no folder \(folder); expected one that "
                    + "holds an adapter, such as `adapter` below a finished run"
            )
        }
        let adapter = try entry.readAdapter(folder, run(threads: 1)) ?? Job.denseAdapter(in: folder)
        if let array = adapter.arrays.first(where: { !$0.values.allSatisfy(\.isFinite) }) {
            throw NodeError(.data, "\(folder): '\(array.name)' has a value that is not finite")
        }
        return Start(adapter: adapter, digest: adapter.digest)
    }

    /// What an earlier coordinator of a state started from.
    private static func recordedStart(in state: String) -> SHA256Digest? {
        // Without a ledger that can be read nothing has begun, and the missing folder is what there is to tell.
        guard let parts = try? Ledger.inspect(state).identity.parts else { return nil }
        let prefix = "\(startPart): "
        return parts.split(separator: "\n").first { $0.hasPrefix(prefix) }
            .flatMap { SHA256Digest(hex: String($0.dropFirst(prefix.count))) }
    }

    /// The adapter that round 0 starts from, as it travels: that of `adapter.from`, or else the judge's own.
    ///
    /// - Throws: `NodeError` where the two have other arrays.
    func initialAdapter(_ judge: any PublicJudge, _ start: Start?) throws -> AdapterWeights {
        let initial = try judge.initialAdapter().travelling
        guard let adapter = start?.adapter else { return initial }
        do {
            return try initial.layout.apply(to: adapter)
        } catch {
            let folder = topology.startFolder.map(topology.absolutePath) ?? ""
            throw NodeError(
                .configuration,
                "\(folder): \(error); what `adapter` describes has to be what adapter.from holds"
            )
        }
    }

    /// Refuses a topology of fewer rounds than a run has behind it.
    ///
    /// - Throws: `NodeError`.
    func requireRounds(of record: CoordinatorRecord) throws {
        let begun = record.current.map { $0.round + 1 } ?? record.completedRounds
        guard topology.rounds.count < begun else { return }
        throw NodeError(
            .configuration,
            "rounds.count is \(topology.rounds.count), and the run is in its round \(begun) or has completed it; "
                + "expected at least \(begun)"
        )
    }
}
