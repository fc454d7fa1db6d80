/// Where the parts of a run on one machine are, below one folder.
///
///     topology.yaml        what was run, every default filled in
///     identities/          certificate authority and identities
///     coordinator/         the coordinator's state: ledger, blobs, status.json
///     clients/NAME/        each client's state
///     logs/NAME.log        what each process logged
///     metrics.jsonl        one line for each evaluation
///     adapter/             the final adapter, as PEFT keeps it
public struct RunLayout: Sendable {
    /// The folder.
    public let root: String

    /// Names the parts below a folder.
    public init(root: String) { self.root = root }

    /// The resolved topology.
    public var topologyFile: String { root + "/topology.yaml" }
    /// The identities' folder.
    public var identities: String { root + "/identities" }
    /// The coordinator's identity.
    public var coordinatorIdentity: String { identities + "/coordinator" }
    /// The coordinator's state.
    public var coordinatorState: String { root + "/coordinator" }
    /// What the run is doing now.
    public var statusFile: String { coordinatorState + "/status.json" }
    /// One line for each evaluation.
    public var metricsFile: String { coordinatorState + "/metrics.jsonl" }
    /// The final adapter.
    public var adapter: String { root + "/adapter" }
    /// The folder of the logs.
    public var logs: String { root + "/logs" }

    /// A client's identity.
    public func identity(ofClient name: String) -> String { identities + "/clients/" + name }
    /// A client's state.
    public func state(ofClient name: String) -> String { root + "/clients/" + name }
    /// The log of the coordinator or of a client.
    public func log(of name: String) -> String { logs + "/" + name + ".log" }
}
