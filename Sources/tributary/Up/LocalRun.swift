internal import Contract
internal import Foundation
internal import Ledger
internal import Nodes
internal import Topology
internal import Trainers
internal import Transport

extension RunLayout {
    /// The parts below a folder that a person names.
    ///
    /// - Throws: `NodeError` where the name says nothing: everything would go to the root of the disk.
    static func named(_ out: String) throws -> RunLayout {
        guard !out.isEmpty else { throw NodeError(.configuration, "out: found nothing, expected a folder") }
        return RunLayout(root: out)
    }
}

/// What has to be there before the processes of a federation can start on this machine.
struct LocalRun {
    /// What is run, with a port that is free.
    let topology: Topology
    /// Keeps a second program out of the folder.
    private let lock: DirectoryLock

    /// Makes the folders and identities of a run and writes the topology as it will be run.
    ///
    /// - Parameters:
    ///   - topologyFile: The topology as the user wrote it.
    ///   - dataFile: A file as the first client's private data.
    ///   - layout: Where the run goes.
    /// - Throws: `ConfigurationError`, `IdentityError`; `NodeError` where the folder holds another run, `UpError` where
    ///   processes of it still run, `LedgerError` where another program prepares it.
    static func prepare(topologyFile: String, dataFile: String?, layout: RunLayout) throws -> LocalRun {
        let job = try Job.load(topologyFile, .shipped)
        var topology = job.topology
        let overlap = try LocalRun.overlap(job, dataFile)
        let data = try DataRecord(of: topology, dataFile: dataFile)
        let earlier = try earlier(job, data, in: layout, named: topologyFile)
        try FileManager.default.createDirectory(atPath: layout.logs, withIntermediateDirectories: true)
        let lock = try DirectoryLock(directory: layout.root)
        try requireNobody(in: layout, topology)
        if topology.coordinator.port == 0 {
            let port = earlier?.coordinator.port
            topology.coordinator.port =
                try port.flatMap { FreePort.isFree($0) ? $0 : nil } ?? FreePort.find()
        }
        if let changes = earlier.map(topology.changes(from:)), !changes.isEmpty {
            print("the run goes on with \(changes.map(\.description).joined(separator: "; "))")
        }
        if let overlap {
            try JSONEncoder().encode(overlap).write(to: URL(filePath: layout.overlapFile), options: .atomic)
        }
        try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
        try data.write(to: layout.dataRecord)
        let provisioner = Provisioner(directory: layout.identities)
        let identities = try provisioner.provision(
            federation: topology.federation,
            coordinatorNames: topology.coordinator.certificateNames,
            clients: topology.clients.map(\.name),
            now: Date()
        )
        // The authority is here, so nobody has to be asked to renew what ended since the last run.
        for entry in identities.entries where entry.outcome == .expired {
            let isCoordinator = entry.name == "coordinator"
            _ = try provisioner.renew(isCoordinator ? .coordinator : .client(entry.name), now: Date())
        }
        return LocalRun(topology: topology, lock: lock)
    }

    /// What of the held-out set is among what is learnt from; people are told if anything is.
    private static func overlap(_ job: Job, _ dataFile: String?) throws -> HeldOutOverlap? {
        let names = job.topology.clients.map(\.name)
        let files = zip(names, [dataFile].compactMap { $0 })
        let overlap = try job.overlap(clients: names, dataFiles: Dictionary(uniqueKeysWithValues: files))
        if let overlap, overlap.isFound { print("warning: \(overlap.description)") }
        return overlap
    }

    /// The topology of the run that a folder holds, which has to be a job's but for what may change on the way; nil if
    /// no run has begun in it.
    ///
    /// - Throws: `NodeError` where the folder holds another run, with what differs; `ConfigurationError`.
    static func earlier(
        _ job: Job,
        _ data: DataRecord,
        in layout: RunLayout,
        named name: String
    ) throws -> Topology? {
        guard FileManager.default.fileExists(atPath: layout.coordinatorState + "/ledger.sqlite") else {
            try requireNothingForeign(in: layout)
            return nil
        }
        let earlier = try Topology.load(layout.topologyFile)
        let differences = job.topology.changes(from: earlier).filter { !$0.isAllowed }.map(\.description)
        if !differences.isEmpty {
            let shown = differences.prefix(3).joined(separator: "; ")
            let more = differences.count > 3 ? " and \(differences.count - 3) more" : ""
            throw holdsAnother(layout, "its topology differs from \(name): \(shown)\(more)")
        }
        if let change = try DataRecord.read(from: layout.dataRecord)?.difference(to: data) {
            throw NodeError(
                .data,
                "\(layout.root) holds a run that has learned from other data: \(change); or choose another --out"
            )
        }
        var counted = earlier
        counted.rounds.count = job.topology.rounds.count
        guard try Job(counted, .shipped).fingerprint() == job.fingerprint() else {
            throw holdsAnother(layout, "its topology is that of \(name), its model is not")
        }
        return earlier
    }

    /// What no run made is not written over: a folder without a run has nothing under the names that one writes, but
    /// what an earlier attempt left there.
    private static func requireNothingForeign(in layout: RunLayout) throws {
        let files = FileManager.default
        if let topology = try? Topology.load(layout.topologyFile),
            files.contents(atPath: layout.topologyFile) == Data(topology.resolvedYAML.utf8)
        {
            return
        }
        let names = [
            "topology.yaml", "data.json", "overlap.json", "summary.json", "report.html", "coordinator",
            "clients",
            "logs",
        ]
        for name in names where files.fileExists(atPath: layout.root + "/" + name) {
            throw OutputFault(
                layout.root + "/" + name,
                "it is there already, and no run made it; nothing is overwritten: choose another --out"
            )
        }
    }

    private static func holdsAnother(_ layout: RunLayout, _ why: String) -> NodeError {
        NodeError(
            .configuration,
            "\(layout.root) holds another run: \(why); choose another --out, or remove that folder"
        )
    }

    /// Says which processes of the run are there still: an earlier `tributary up` that was killed leaves them to finish
    /// the step in hand.
    private static func requireNobody(in layout: RunLayout, _ topology: Topology) throws {
        let folders =
            [("coordinator", layout.coordinatorState)]
            + topology.clients.map { ($0.name, layout.state(ofClient: $0.name)) }
        let holders = folders.filter { LockHolder.isLocked($0.1) }.map { name, folder in
            (name: name, process: LockHolder(of: folder)?.process)
        }
        guard !holders.isEmpty else { return }
        let numbers = holders.compactMap(\.process).map(String.init).joined(separator: " ")
        let names = holders.map { holder in
            holder.process.map { "\(holder.name) (process \($0))" } ?? holder.name
        }.joined(separator: ", ")
        throw UpError(
            "processes of the run in \(layout.root) are still there: \(names). Those of a `tributary up` that was "
                + "killed end when the step in hand is done: wait for that, or end them with "
                + "`kill \(numbers)`",
            exitCode: EX_TEMPFAIL
        )
    }
}

/// A TCP port of the loopback interface that nobody listens on.
enum FreePort {
    /// One that the system chooses.
    static func find() throws -> Int {
        guard let port = bound(to: 0) else {
            throw UpError("no free port: \(String(cString: strerror(errno)))", exitCode: EX_OSERR)
        }
        return port
    }

    /// Whether nobody listens on a port.
    static func isFree(_ port: Int) -> Bool { bound(to: port) != nil }

    /// The port that a socket gets which asks for one; nil if it gets none.
    private static func bound(to port: Int) -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, let wanted = UInt16(exactly: port) else { return nil }
        defer { close(descriptor) }
        // As the coordinator does: connections that have ended do not keep a port.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = wanted.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard status == 0 else { return nil }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
