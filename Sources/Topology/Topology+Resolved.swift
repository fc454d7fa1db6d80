internal import Aggregation
internal import Contract
package import Digest
internal import Wire

extension Topology {
    /// The topology as YAML with every default written out. It loads as the same value from anywhere,
    /// so a run folder keeps it as the record of what ran.
    package var resolvedYAML: String { resolved.yaml() }

    /// SHA-256 of what decides the result and what all members have to agree on.
    ///
    /// It leaves out what a site may change, or an operator on restart, without it being another run:
    /// addresses, threads, data of a site, clients, quorum, deadlines, monitors, and where the model's files
    /// are. The trainer's settings, its model and its adapter are compared by its own fingerprint.
    package var digest: SHA256Digest { SHA256Digest(of: agreed.canonicalJSON.utf8) }

    /// What the digest is of and no member's fingerprint has, as JSON by key.
    package var agreedParts: [(String, String)] {
        Mapping(file: "topology", key: "", value: agreed, lines: [:]).members
            .filter { ["trainer", "aggregation", "pool", "transforms", "guards"].contains($0.key) }
            .map { ($0.key, $0.value) }
    }

    private var agreed: PlainValue {
        .mapping([
            pair("federation", .text(federation)),
            pair("seed", seedValue),
            pair("trainer", .text(trainer.name)),
            pair(
                "rounds",
                .mapping([
                    pair("count", integer(rounds.count)),
                    pair("steps", integer(rounds.steps)),
                    pair("localPerPublic", integer(rounds.localPerPublic)),
                ])
            ),
            pair("aggregation", aggregationValue),
            pair("pool", .mapping([pair("rule", .text(pool))])),
            pair("wire", .mapping([pair("encoding", .text(encoding.rawValue))])),
            pair("transforms", transformsValue),
            pair("guards", list(guards)),
        ])
    }

    var resolved: PlainValue {
        .mapping([
            pair("federation", .text(federation)),
            pair("seed", seedValue),
            pair("folder", .text(folder)),
            pair("coordinator", coordinatorValue),
            pair("model", model.value),
            pair(
                "adapter",
                startFolder.map { adapter.setting("from", to: .text($0)) }?.value ?? adapter.value
            ),
            pair("objectives", list(objectives)),
            pair("trainer", trainerValue),
            pair(
                "data",
                .mapping(
                    [
                        pair("public", publicData.value), pair("evaluation", evaluation.value),
                        pair("clients", clientData.value),
                    ] + (namesMembers ? [pair("members", .sequence(members.map { .text($0) }))] : [])
                )
            ),
            pair("rounds", roundsValue),
            pair("aggregation", aggregationValue),
            pair("pool", .mapping([pair("rule", .text(pool))])),
            pair("wire", .mapping([pair("encoding", .text(encoding.rawValue))])),
            pair("transforms", transformsValue),
            pair("monitors", list(monitors)),
            pair("guards", list(guards)),
            pair("clients", .sequence(clients.map(clientValue))),
        ])
    }

    private var seedValue: PlainValue { .unsigned(seed) }

    private var coordinatorValue: PlainValue {
        .mapping([
            pair("host", .text(coordinator.host)),
            pair("port", integer(coordinator.port)),
            pair("listen", .text(coordinator.listen)),
            pair("names", .sequence(coordinator.names.map { .text($0) })),
            pair("threads", integer(coordinator.threads)),
        ])
    }

    private var trainerValue: PlainValue {
        .mapping([pair("name", .text(trainer.name)), pair("settings", trainer.settings.value)])
    }

    private var roundsValue: PlainValue {
        .mapping([
            pair("count", integer(rounds.count)),
            pair("steps", integer(rounds.steps)),
            pair("localPerPublic", integer(rounds.localPerPublic)),
            pair("quorum", rounds.quorum.map(integer) ?? .text("majority")),
            pair(
                "deadlines",
                .mapping([
                    pair("start", duration(rounds.deadlines.start)),
                    pair("publicStep", duration(rounds.deadlines.publicStep)),
                    pair("update", duration(rounds.deadlines.update)),
                    pair("heartbeat", duration(rounds.deadlines.heartbeat)),
                    pair("idle", duration(rounds.deadlines.idle)),
                    pair("farewell", duration(rounds.deadlines.farewell)),
                ])
            ),
        ])
    }

    private var aggregationValue: PlainValue {
        .mapping([
            pair("delta", .text(aggregation.delta)),
            pair("weights", .text(aggregation.weights.rawValue)),
            pair("normLimit", normLimitValue),
            pair("examplesMax", aggregation.examplesMax.map(integer) ?? .text("none")),
            pair("collapse", aggregation.collapse.map { .number($0) } ?? .text("none")),
        ])
    }

    private var normLimitValue: PlainValue {
        switch aggregation.normLimit {
        case .recent: .text("recent")
        case .fixed(let norm): .number(norm)
        case .unlimited: .text("none")
        }
    }

    private var transformsValue: PlainValue {
        .mapping([
            pair("client", list(transforms.client)), pair("coordinator", list(transforms.coordinator)),
        ])
    }

    private func list(_ components: [Component]) -> PlainValue {
        .sequence(components.map { .mapping([pair($0.name, $0.settings.value)]) })
    }

    private func clientValue(_ client: Client) -> PlainValue {
        var pairs = [pair("name", .text(client.name))]
        if let host = client.host { pairs.append(pair("host", .text(host))) }
        pairs.append(pair("threads", integer(client.threads)))
        pairs.append(pair("delay", duration(client.delay)))
        pairs.append(pair("data", client.data.value))
        return .mapping(pairs)
    }

    private func pair(_ key: String, _ value: PlainValue) -> PlainValue.Pair {
        PlainValue.Pair(key: key, value: value)
    }

    private func integer(_ value: Int) -> PlainValue { .integer(Int64(value)) }

    private func duration(_ value: Duration) -> PlainValue { .text(DurationText.text(of: value)) }
}
