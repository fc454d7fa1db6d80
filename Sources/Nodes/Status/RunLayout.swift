/// Where the parts of a run on one machine are, below one folder.
///
///     topology.yaml        what was run, every default filled in
///     data.json            which files the run learns from, by digest
///     identities/          certificate authority and identities
///     coordinator/         the coordinator's state: ledger, blobs, status.json, metrics.jsonl, adapter/
///     clients/NAME/        each client's state: snapshot, metrics.jsonl, adapter/
///     logs/NAME.log        what each process logged
///     overlap.json         what of the held-out set was found among what is learnt from
package struct RunLayout: Sendable {
    /// The folder.
    package let root: String

    /// The coordinator's state.
    package let coordinatorState: String

    /// Names the parts below a folder.
    package init(root: String) {
        self.root = root
        coordinatorState = root + "/coordinator"
    }

    /// A coordinator's state without the rest: the host of a coordinator has nothing else.
    package init(coordinatorState: String) {
        root = coordinatorState
        self.coordinatorState = coordinatorState
    }

    /// The resolved topology.
    package var topologyFile: String { root + "/topology.yaml" }
    /// Which files the run learns from, by digest.
    package var dataRecord: String { root + "/data.json" }
    /// What was found of held-out items among those that are learnt from, where one host has all of them.
    package var overlapFile: String { root + "/overlap.json" }
    /// The identities' folder.
    package var identities: String { root + "/identities" }
    /// The coordinator's identity.
    package var coordinatorIdentity: String { identities + "/coordinator" }
    /// What the run is doing now.
    package var statusFile: String { coordinatorState + "/status.json" }
    /// The folder of the logs.
    package var logs: String { root + "/logs" }

    /// A client's identity.
    package func identity(ofClient name: String) -> String { identities + "/clients/" + name }
    /// A client's state.
    package func state(ofClient name: String) -> String { root + "/clients/" + name }
    /// The log of the coordinator or of a client.
    package func log(of name: String) -> String { logs + "/" + name + ".log" }
}
