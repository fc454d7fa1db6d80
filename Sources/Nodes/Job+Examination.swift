internal import Aggregation
package import Contract
package import FoundationEssentials
internal import Topology
internal import Transport

/// What a check before the first round found on this host.
package struct Examination: Sendable {
    /// What is here and right, a line each.
    package fileprivate(set) var found: [String] = []
    /// What could not be checked since it is not here, a line each.
    package fileprivate(set) var unchecked: [String] = []
}

/// Everything that a check found wrong on this host.
package struct ExaminationFault: GivenFault, CustomStringConvertible {
    /// A line or more each.
    package let problems: [String]
    /// That of the first problem.
    package let faultKind: FaultKind

    /// The problems, one below the other.
    package var description: String { problems.joined(separator: "\n") }
}

extension Job {
    /// What the checks call the coordinator; no client may be meant by it.
    package static let coordinatorName = "coordinator"

    /// Checks what a host has before the first round: the model, and the data of its role. What is checked is what the
    /// program itself checks when it starts.
    ///
    /// - Parameters:
    ///   - host: A client's name or `coordinator`, which must have everything; nil checks every role, and says of what is
    ///     not here that it was not checked, unless the federation is one of this machine.
    ///   - dataFile: A file that stands for the client's data.
    /// - Throws: What is wrong, all of it at once; `NodeError` for a host that the topology does not have.
    package func examine(as host: String?, dataFile: String? = nil) throws -> Examination {
        var examination = Examination()
        var problems: [any Error] = []
        var here: [String] = []
        let hasAll = host != nil || topology.isLocal
        func check(_ role: String, isHere: Bool, _ body: () throws -> [String]) {
            do {
                examination.found += try body()
            } catch {
                guard !isHere, (error as? any GivenFault)?.faultKind == .missingInput else {
                    return problems.append(error)
                }
                examination.unchecked.append("\(role): \(error)")
            }
        }
        if host == nil || host == Job.coordinatorName {
            check(Job.coordinatorName, isHere: hasAll) {
                try entry.examineCoordinator(coordinatorContext)
            }
            check("adapter.from", isHere: hasAll) {
                try start().map { ["adapter.from: an adapter with the digest \($0.digest)"] } ?? []
            }
        }
        let clients = host.map { $0 == Job.coordinatorName ? [] : [$0] } ?? topology.clients.map(\.name)
        for name in clients {
            let client = try clientContext(name, dataFile: dataFile)
            if host == nil, client.data.isEmpty {
                examination.unchecked.append("client \(name): the topology names no data of it")
                continue
            }
            check("client \(name)", isHere: hasAll) {
                let found = try entry.examineClient(client)
                here.append(name)
                return ["client \(name): \(found)"]
            }
        }
        if problems.isEmpty, host == nil || host == Job.coordinatorName {
            check("overlap of held-out items", isHere: hasAll) {
                guard let overlap = try overlap(clients: here) else { return [] }
                return ["\(overlap.isFound ? "WARNING: " : "")\(overlap.description)"]
            }
        }
        try Job.throwIfAny(problems)
        return examination
    }

    /// Throws one error for all, each text once.
    private static func throwIfAny(_ problems: [any Error]) throws {
        guard let first = problems.first else { return }
        guard problems.count > 1 else { throw first }
        var texts: [String] = []
        for text in problems.map({ "\($0)" }) where !texts.contains(text) { texts.append(text) }
        throw ExaminationFault(
            problems: texts,
            faultKind: (first as? any GivenFault)?.faultKind ?? .configuration
        )
    }

    /// Checks an identity folder as the program does that uses it, its time included, and says whose it is.
    ///
    /// - Parameters:
    ///   - folder: The folder.
    ///   - host: A client's name, or `coordinator`.
    ///   - now: The time.
    /// - Throws: `IdentityError`; `NodeError` for another's identity, and for a coordinator's certificate without the name
    ///   that clients dial.
    package func examineIdentity(_ folder: String, as host: String, now: Date) throws -> String {
        let identity = try TLSContext(directory: folder, now: now).identity
        let isCoordinator = host == Job.coordinatorName
        let expected = PeerIdentity(
            federation: topology.federation,
            role: isCoordinator ? .coordinator : .client(host)
        )
        try identity.peer.require(expected, folder: folder)
        if isCoordinator, !identity.covers(host: topology.coordinator.host) {
            throw NodeError(
                .configuration,
                "\(folder): the certificate does not cover '\(topology.coordinator.host)', which clients dial "
                    + "(coordinator.host); run `tributary provision` again and copy the new folder"
            )
        }
        return "identity: \(identity.peer), until \(identity.notAfter.formatted(.iso8601))"
    }

    /// The topology with every default filled in, those of the trainer's own words too.
    package func completeYAML() throws -> String {
        let run = try entry.completed(run(threads: 1))
        var whole = topology
        whole.trainer.settings = run.settings
        whole.adapter = run.adapter
        whole.objectives = run.objectives
        whole.monitors = try zip(whole.monitors, monitors).map {
            Component($0.name, try $1.entry.check($1.settings))
        }
        whole.guards = try zip(whole.guards, guards).map {
            Component($0.name, try $1.entry.check($1.settings))
        }
        whole.transforms.client = try TransformChain.completed(whole.transforms.client)
        whole.transforms.coordinator = try TransformChain.completed(whole.transforms.coordinator)
        return whole.resolvedYAML
    }
}
