public import Digest

extension Topology {
    /// The topology as YAML with every default written out. It loads as the same value from anywhere,
    /// so a run folder keeps it as the record of what ran.
    public var resolvedYAML: String { resolved.yaml() }

    /// SHA-256 of what decides the result and what all members have to agree on.
    ///
    /// It leaves out what a site may change, or an operator on restart, without it being another run:
    /// addresses, threads, data of a site, clients, quorum, deadlines, and where the model's files are
    /// (the model itself is compared by its own digest).
    public var digest: SHA256Digest { SHA256Digest(of: agreed.canonicalJSON.utf8) }

    private var agreed: PlainValue {
        .mapping([
            pair("federation", .text(federation)),
            pair("seed", seedValue),
            pair("adapter", adapterValue),
            pair("trainer", trainerValue),
            pair(
                "rounds",
                .mapping([
                    pair("count", integer(rounds.count)),
                    pair("steps", integer(rounds.steps)),
                    pair("localPerPublic", integer(rounds.localPerPublic)),
                ])
            ),
            pair("aggregation", aggregationValue),
            pair("pool", .mapping([pair("rule", .text(pool.rawValue))])),
            pair("wire", .mapping([pair("encoding", .text(encoding.rawValue))])),
        ])
    }

    private var resolved: PlainValue {
        .mapping([
            pair("federation", .text(federation)),
            pair("seed", seedValue),
            pair("folder", .text(folder)),
            pair("coordinator", coordinatorValue),
            pair("model", modelValue),
            pair("adapter", adapterValue),
            pair("trainer", trainerValue),
            pair(
                "data",
                .mapping([pair("public", publicData.value), pair("evaluation", evaluation.value)])
            ),
            pair("rounds", roundsValue),
            pair("aggregation", aggregationValue),
            pair("pool", .mapping([pair("rule", .text(pool.rawValue))])),
            pair("wire", .mapping([pair("encoding", .text(encoding.rawValue))])),
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

    private var modelValue: PlainValue {
        switch model {
        case .embedded(let name): .mapping([pair("embedded", .text(name))])
        case .directory(let path): .mapping([pair("directory", .text(path))])
        case .gguf(let path): .mapping([pair("gguf", .text(path))])
        }
    }

    private var adapterValue: PlainValue {
        .mapping([
            pair("rank", integer(adapter.rank)),
            pair("alpha", .number(adapter.alpha)),
            pair("targets", .sequence(adapter.targets.map { .text($0) })),
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
            pair("quorum", integer(rounds.quorum)),
            pair(
                "deadlines",
                .mapping([
                    pair("start", duration(rounds.deadlines.start)),
                    pair("publicStep", duration(rounds.deadlines.publicStep)),
                    pair("update", duration(rounds.deadlines.update)),
                    pair("heartbeat", duration(rounds.deadlines.heartbeat)),
                    pair("idle", duration(rounds.deadlines.idle)),
                ])
            ),
        ])
    }

    private var aggregationValue: PlainValue {
        .mapping([
            pair("delta", .text(aggregation.delta.rawValue)),
            pair("weights", .text(aggregation.weights.rawValue)),
            pair("normLimit", aggregation.normLimit.map { .number($0) } ?? .text("none")),
        ])
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
