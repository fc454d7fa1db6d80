internal import Aggregation
internal import Contract
internal import Wire
internal import Yams

/// Reads the file's sections into a `Topology`, with the defaults of `topologies/README.md`.
struct TopologyReader {
    let log: ProblemLog
    let folder: String

    func read(_ root: Node?, checking check: (Topology) throws -> Void) throws -> Topology {
        let top = MappingReader(root, path: "", line: 1, log: log)
        let threads = computeThreads(top)
        let data = top.section("data")
        let clientData = data.mapping("clients")
        let adapter = top.mapping("adapter")
        let clients = clients(top, threads: threads, data: clientData)
        let named = members(data, clients)
        let topology = Topology(
            federation: top.text(
                "federation",
                default: nil,
                expected: NodeName.rule,
                where: { NodeName.isValid($0) }
            ),
            seed: top.seed("seed", default: 1),
            folder: top.text("folder", default: folder, expected: "an absolute path") { $0.hasPrefix("/") },
            coordinator: coordinator(top.section("coordinator"), threads: threads),
            trainer: trainer(top.section("trainer")),
            model: top.mapping("model"),
            adapter: adapter.without("from"),
            startFolder: startFolder(adapter),
            objectives: top.components("objectives", repeatable: true),
            publicData: data.mapping("public"),
            members: named ?? clients.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) },
            namesMembers: named != nil,
            clientData: clientData,
            evaluation: data.mapping("evaluation"),
            rounds: rounds(top.section("rounds"), clients: clients.count),
            aggregation: aggregation(top.section("aggregation")),
            pool: pool(top.section("pool")),
            encoding: encoding(top.section("wire")),
            transforms: transforms(top.section("transforms")),
            monitors: top.components("monitors"),
            guards: top.components("guards"),
            clients: clients
        )
        data.finish()
        top.finish()
        do {
            try check(topology)
        } catch let error as ConfigurationError {
            log.add(error.problems)
        }
        try log.throwIfAny()
        return topology
    }

    /// `adapter.from`, which is for the coordinator and not for the trainer.
    private func startFolder(_ adapter: Mapping) -> String? {
        guard case .mapping(let pairs) = adapter.value,
            let value = pairs.first(where: { $0.key == "from" })?.value
        else { return nil }
        if case .text(let path) = value, !path.isEmpty { return path }
        log.add(
            line: adapter.line(of: "from") ?? 1,
            key: "adapter.from",
            "found \(value.canonicalJSON), expected the folder of an adapter"
        )
        return nil
    }

    private func computeThreads(_ top: MappingReader) -> Int {
        let section = top.section("compute")
        defer { section.finish() }
        return section.integer("threads", default: 1, in: 1...1024)
    }

    private func coordinator(_ section: MappingReader, threads: Int) -> Topology.Coordinator {
        defer { section.finish() }
        let host = section.text(
            "host",
            default: "127.0.0.1",
            expected: HostRules.host,
            where: HostRules.isHost
        )
        return Topology.Coordinator(
            host: host,
            port: section.integer("port", default: 7433, in: 0...65535),
            listen: section.text(
                "listen",
                default: HostRules.isAddress(host) ? host : "0.0.0.0",
                expected: "an IP address of this host, or 0.0.0.0 for all",
                where: HostRules.isAddress
            ),
            names: section.texts(
                "names",
                default: [],
                of: "DNS names or IP addresses",
                where: HostRules.isHost
            ),
            threads: section.integer("threads", default: threads, in: 1...1024)
        )
    }

    private func trainer(_ section: MappingReader) -> Topology.Trainer {
        defer { section.finish() }
        return Topology.Trainer(
            name: section.text("name", default: nil, expected: "the name of a trainer"),
            settings: section.mapping("settings", noting: ["name"])
        )
    }

    private func rounds(_ section: MappingReader, clients: Int) -> Topology.Rounds {
        defer { section.finish() }
        let steps = section.integer("steps", default: nil, in: 1...1_000_000)
        return Topology.Rounds(
            count: section.integer("count", default: nil, in: 1...1_000_000),
            steps: steps,
            localPerPublic: section.integer("localPerPublic", default: 2, in: 1...1_000_000, none: steps),
            quorum: section.integer("quorum", in: 1...max(1, clients), or: "majority"),
            deadlines: deadlines(section.section("deadlines"))
        )
    }

    private func deadlines(_ section: MappingReader) -> Topology.Deadlines {
        defer { section.finish() }
        let deadlines = Topology.Deadlines(
            start: section.duration("start", default: .seconds(120)),
            publicStep: section.duration("publicStep", default: .seconds(120)),
            update: section.duration("update", default: .seconds(600)),
            heartbeat: section.duration("heartbeat", default: .seconds(5)),
            idle: section.duration("idle", default: .seconds(20)),
            farewell: section.duration("farewell", default: .seconds(60), zeroAllowed: true)
        )
        checkSigns(deadlines, section)
        return deadlines
    }

    /// The shortest interval between signs of life: below, they are most of the traffic.
    private static let heartbeatMin = Duration.milliseconds(100)
    /// The shortest silence that counts as death: an answer over a long way, or from a busy machine, takes a second.
    private static let idleMin = Duration.seconds(1)

    /// Checks that a living connection is not taken for a dead one again and again.
    private func checkSigns(_ deadlines: Topology.Deadlines, _ section: MappingReader) {
        func refuse(_ key: String, _ duration: Duration, _ expected: String) {
            log.add(
                line: section.node(key)?.line ?? section.line,
                key: section.name(key),
                "found \(DurationText.text(of: duration)), expected \(expected)"
            )
        }
        let longest = Duration.milliseconds(Limits.intervalMsMax)
        for (key, duration, shortest, reason) in [
            (
                "heartbeat", deadlines.heartbeat, Self.heartbeatMin,
                "signs of life must not be most of the traffic"
            ),
            ("idle", deadlines.idle, Self.idleMin, "an answer over a long way takes as much"),
        ] {
            if duration > longest {
                refuse(key, duration, "at most \(DurationText.text(of: longest))")
            } else if duration < shortest {
                refuse(key, duration, "at least \(DurationText.text(of: shortest)): \(reason)")
            }
        }
        if deadlines.idle < deadlines.heartbeat * 2, deadlines.heartbeat <= longest {
            refuse(
                "idle",
                deadlines.idle,
                "at least twice the heartbeat of \(DurationText.text(of: deadlines.heartbeat)): a late sign of life "
                    + "would end a living connection"
            )
        }
    }

    private func aggregation(_ section: MappingReader) -> Topology.Aggregation {
        defer { section.finish() }
        return Topology.Aggregation(
            delta: section.word("delta", among: DeltaRules.names, default: FactorsRule.name),
            weights: section.choice("weights", default: .uniform),
            normLimit: section.normLimit("normLimit"),
            examplesMax: section.integer("examplesMax", in: 1...Limits.examplesMax, or: "none"),
            collapse: section.share("collapse", default: 0.1)
        )
    }

    private func pool(_ section: MappingReader) -> String {
        defer { section.finish() }
        return section.word("rule", among: PoolRules.names, default: BalancedRule.name)
    }

    private func transforms(_ section: MappingReader) -> Topology.Transforms {
        defer { section.finish() }
        return Topology.Transforms(
            client: section.components("client", repeatable: true),
            coordinator: section.components("coordinator", repeatable: true)
        )
    }

    private func encoding(_ section: MappingReader) -> TensorEncoding {
        defer { section.finish() }
        return section.choice("encoding", default: .bf16)
    }

    private func clients(_ top: MappingReader, threads: Int, data: Mapping) -> [Topology.Client] {
        guard let nodes = top.list("clients", of: "clients"), !nodes.isEmpty else {
            log.add(line: 1, key: "clients", "missing or empty, expected a list of at least one client")
            return []
        }
        var clients: [Topology.Client] = []
        for (index, node) in nodes.enumerated() {
            let section = MappingReader(node, path: "clients[\(index)]", line: node.line, log: log)
            let client = client(section, threads: threads, data: data)
            if !client.name.isEmpty, clients.contains(where: { $0.name == client.name }) {
                let line = section.node("name")?.line ?? section.line
                log.add(line: line, key: section.name("name"), "two clients are called '\(client.name)'")
            }
            // Logs and identities of both stand side by side.
            if client.name == "coordinator" {
                let line = section.node("name")?.line ?? section.line
                log.add(
                    line: line,
                    key: section.name("name"),
                    "found 'coordinator', expected a name that is not the coordinator's own"
                )
            }
            clients.append(client)
        }
        return clients
    }

    /// `data.members`; nil where it is not written.
    private func members(_ data: MappingReader, _ clients: [Topology.Client]) -> [String]? {
        let names = data.texts(
            "members",
            default: [],
            of: "names of members",
            where: { NodeName.isValid($0) }
        )
        guard data.node("members") != nil else { return nil }
        for client in clients where !client.name.isEmpty && !names.contains(client.name) {
            log.add(
                line: data.line,
                key: data.name("members"),
                "the client '\(client.name)' is not among them"
            )
        }
        return names
    }

    private func client(_ section: MappingReader, threads: Int, data: Mapping) -> Topology.Client {
        defer { section.finish() }
        let host = section.text("host", default: "", expected: HostRules.host, where: HostRules.isHost)
        return Topology.Client(
            name: section.text(
                "name",
                default: nil,
                expected: NodeName.rule,
                where: { NodeName.isValid($0) }
            ),
            host: host.isEmpty ? nil : host,
            threads: section.integer("threads", default: threads, in: 1...1024),
            data: section.mapping("data", default: data),
            delay: section.duration("delay", default: .zero, zeroAllowed: true)
        )
    }
}
