internal import Foundation
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
enum LocalRun {
    /// Makes the folders and identities of a run and writes the topology as it will be run.
    ///
    /// - Parameters:
    ///   - topologyFile: The topology as the user wrote it.
    ///   - layout: Where the run goes.
    /// - Returns: The topology, with a free port where it leaves the choice to the system.
    /// - Throws: `ConfigurationError`, `IdentityError`; `NodeError` where the folder holds another run.
    static func prepare(topologyFile: String, layout: RunLayout) throws -> Topology {
        let job = try Job.load(topologyFile, .shipped)
        var topology = job.topology
        let earlier = try earlier(job, in: layout, named: topologyFile)
        if topology.coordinator.port == 0 {
            topology.coordinator.port = try earlier?.coordinator.port ?? FreePort.find()
        }
        if let changes = earlier.map(topology.changes(from:)), !changes.isEmpty {
            print("the run goes on with \(changes.map(\.description).joined(separator: "; "))")
        }
        try FileManager.default.createDirectory(atPath: layout.logs, withIntermediateDirectories: true)
        try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
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
        return topology
    }

    /// The topology of the run that a folder holds, which has to be a job's but for what may change on the way; nil if
    /// no run has begun in it.
    ///
    /// - Throws: `NodeError` where the folder holds another run, with what differs; `ConfigurationError`.
    static func earlier(_ job: Job, in layout: RunLayout, named name: String) throws -> Topology? {
        guard FileManager.default.fileExists(atPath: layout.coordinatorState + "/ledger.sqlite") else {
            return nil
        }
        let earlier = try Topology.load(layout.topologyFile)
        let differences = job.topology.changes(from: earlier).filter { !$0.isAllowed }.map(\.description)
        if !differences.isEmpty {
            let shown = differences.prefix(3).joined(separator: "; ")
            let more = differences.count > 3 ? " and \(differences.count - 3) more" : ""
            throw holdsAnother(layout, "its topology differs from \(name): \(shown)\(more)")
        }
        guard try Job(earlier, .shipped).fingerprint() == job.fingerprint() else {
            throw holdsAnother(layout, "its topology is that of \(name), its model is not")
        }
        return earlier
    }

    private static func holdsAnother(_ layout: RunLayout, _ why: String) -> NodeError {
        NodeError(
            .configuration,
            "\(layout.root) holds another run: \(why); choose another --out, or remove that folder"
        )
    }
}

/// A TCP port of the loopback interface that nobody listens on.
enum FreePort {
    static func find() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw UpError("no socket: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard status == 0 else { throw UpError("no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
