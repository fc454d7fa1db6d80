internal import Contract
internal import Ledger
internal import Nodes

/// What a coordinator's state directory says of its run.
enum StateInspection {
    /// Describes a state directory.
    ///
    /// - Throws: `LedgerError` for a damaged one.
    static func inspection(of path: String) throws -> Inspection {
        let ledger = try Ledger.inspect(path)
        let identity = ledger.identity
        var found = Inspection(kind: "state")
        found.say(
            "federation \(identity.federation), seed \(identity.seed), fingerprint \(identity.fingerprint)",
            "topology digest \(identity.topology)"
        )
        found.append("federation", .text(identity.federation))
        found.append("seed", .unsigned(identity.seed))
        found.append("fingerprint", .text("\(identity.fingerprint)"))
        found.append("topologySHA256", .text("\(identity.topology)"))
        if let (version, _) = try ledger.latestAdapter() {
            let digest = try ledger.adapterDigest(round: version)
            found.say("newest adapter: after \(version) rounds, adapter digest \(digest)")
            found.append(
                "adapter",
                object([("rounds", .integer(Int64(version))), ("adapterDigest", .text("\(digest)"))])
            )
        }
        found.append("rounds", .sequence(try rounds(of: ledger, &found)))
        found.append("evaluations", .sequence(try evaluations(of: ledger, &found)))
        found.append("traffic", .sequence(try traffic(of: ledger, &found)))
        return found
    }

    private static func rounds(of ledger: Ledger, _ found: inout Inspection) throws -> [PlainValue] {
        let vetoes = try RunMetrics(reading: ledger).vetoes
        return try ledger.rounds().map { round in
            let updates = try ledger.updates(round: round.round)
            let steps = try ledger.closedSteps(round: round.round).count
            let clients = updates.map { "\($0.client) (\($0.examples) examples)" }.joined(separator: ", ")
            let state = round.isFinished ? "finished" : "under way"
            found.say("round \(round.round): \(state), \(steps) public steps, updates from \(clients)")
            var members: [(String, PlainValue)] = [
                ("round", .integer(Int64(round.round))), ("finished", .boolean(round.isFinished)),
                ("publicSteps", .integer(Int64(steps))),
                (
                    "updates",
                    .sequence(
                        updates.map {
                            object([("client", .text($0.client)), ("examples", .integer(Int64($0.examples)))])
                        }
                    )
                ),
            ]
            if let veto = vetoes.last(where: { $0.round == round.round }) {
                found.say("round \(round.round): not taken, \(veto.reason)")
                members.append(("notTaken", .text(veto.reason)))
            }
            return object(members)
        }
    }

    private static func evaluations(of ledger: Ledger, _ found: inout Inspection) throws -> [PlainValue] {
        try ledger.evaluations().map { round, result in
            let name = round < 0 ? "before round 0" : "after round \(round)"
            found.say("evaluation, \(name): \(String(decoding: result, as: UTF8.self))")
            return object([
                ("afterRound", round < 0 ? .null : .integer(Int64(round))),
                ("evaluation", try Mapping(json: result, file: "the ledger's evaluation").value),
            ])
        }
    }

    private static func traffic(of ledger: Ledger, _ found: inout Inspection) throws -> [PlainValue] {
        try ledger.traffic().map { record in
            let way = record.direction == .up ? "up" : "down"
            found.say(
                "round \(record.round) \(way) \(record.kind): \(record.bytes) B in \(record.messages) frames"
            )
            return object([
                ("round", .integer(Int64(record.round))), ("direction", .text(way)),
                ("kind", .text(record.kind)), ("bytes", .integer(Int64(record.bytes))),
                ("frames", .integer(Int64(record.messages))),
            ])
        }
    }

    private static func object(_ members: [(String, PlainValue)]) -> PlainValue {
        .mapping(members.map { PlainValue.Pair(key: $0.0, value: $0.1) })
    }
}
