internal import Digest
internal import Ledger
internal import Logging
internal import Rounds
internal import Topology
internal import Trainers
internal import Transport
internal import Wire

/// Everything a coordinator works with.
struct CoordinatorParts {
    /// What is run.
    var job: Job
    /// The same, as the machine sees it.
    var plan: RunPlan
    /// The durable state.
    var store: CoordinatorStore
    /// What checks and merges updates, over the same ledger.
    var bench: UpdateBench
    /// The judge that makes batches and verifies responses.
    var exchangeJudge: JudgeHost
    /// A second one that evaluates, so that an exchange never waits for an evaluation.
    var evaluationJudge: JudgeHost
    /// Where clients come in.
    var listener: any Listener
    /// Whether a peer's certificate is on the revocation list as it is now.
    var isRevoked: @Sendable (PeerIdentity) -> Bool
    /// Where `RunStatus` is written; nil for nowhere.
    var statusFile: String?
    /// Where the newest adapter is written as a PEFT folder; nil for nowhere.
    var adapterFolder: String?
    /// The log.
    var logger: Logger
    /// The counts of bytes.
    var counter: TrafficLedger
}

extension Job {
    /// The run as the machines see it.
    func runPlan() throws -> RunPlan {
        let rounds = topology.rounds
        return RunPlan(
            federation: topology.federation,
            seed: topology.seed,
            clients: topology.clients.map(\.name),
            trainer: entry.name,
            settings: settings,
            baseModel: try baseModelDigest(),
            encoding: encoding,
            rounds: rounds.count,
            steps: rounds.steps,
            localPerPublic: rounds.localPerPublic < rounds.steps ? rounds.localPerPublic : 0,
            quorum: rounds.quorum,
            deadlines: PhaseDeadlines(
                startMs: rounds.deadlines.start.milliseconds,
                publicStepMs: rounds.deadlines.publicStep.milliseconds,
                updateMs: rounds.deadlines.update.milliseconds
            ),
            heartbeatMs: rounds.deadlines.heartbeat.milliseconds,
            idleMs: rounds.deadlines.idle.milliseconds
        )
    }

    /// How updates travel.
    var encoding: TensorEncoding {
        switch topology.encoding {
        case .f32: .f32
        case .bf16: .bf16
        case .int8: .int8
        }
    }

    /// What the coordinator's state directory belongs to.
    func federationIdentity() throws -> FederationIdentity {
        FederationIdentity(
            federation: topology.federation,
            topology: settingsDigest,
            seed: topology.seed,
            baseModel: try baseModelDigest()
        )
    }

    /// What a client's state directory belongs to.
    func clientIdentity(_ name: String) throws -> ClientIdentity {
        ClientIdentity(
            federation: topology.federation,
            client: name,
            seed: topology.seed,
            baseModel: try baseModelDigest(),
            topology: settingsDigest
        )
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension Frame {
    /// The frame's bytes, header included.
    var byteCount: Int { Frame.headerBytes + body.count }
}
