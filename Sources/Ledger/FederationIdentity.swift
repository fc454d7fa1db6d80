public import Digest

/// What a state directory belongs to. It is written once, and compared whenever the directory is opened.
public struct FederationIdentity: Sendable, Hashable {
    /// The federation's name.
    public var federation: String
    /// The digest of what all members agree on.
    public var topology: SHA256Digest
    /// The federation's seed.
    public var seed: UInt64
    /// SHA-256 of the base model.
    public var baseModel: SHA256Digest

    /// Makes an identity.
    public init(federation: String, topology: SHA256Digest, seed: UInt64, baseModel: SHA256Digest) {
        self.federation = federation
        self.topology = topology
        self.seed = seed
        self.baseModel = baseModel
    }

    /// The fields as texts, in the order in which differences are reported.
    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("base model", baseModel.description), ("seed", String(seed)),
            ("topology digest", topology.description),
        ]
    }

    /// The identity that a directory's recorded fields stand for; nil if one is missing.
    init?(fields: [String: String]) {
        guard let federation = fields["federation"],
            let baseModel = fields["base model"].flatMap({ SHA256Digest(hex: $0) }),
            let seed = fields["seed"].flatMap({ UInt64($0) }),
            let topology = fields["topology digest"].flatMap({ SHA256Digest(hex: $0) })
        else { return nil }
        self.init(federation: federation, topology: topology, seed: seed, baseModel: baseModel)
    }
}

/// Compares what a directory says it belongs to with what it is opened for.
enum IdentityCheck {
    static func require(
        _ wanted: [(name: String, value: String)],
        found: [String: String],
        directory: String
    ) throws(LedgerError) {
        for (name, value) in wanted {
            let recorded = found[name] ?? "(none)"
            guard recorded == value else {
                throw LedgerError(
                    .otherIdentity,
                    "'\(directory)' holds another run: its \(name) is \(recorded), this one's is \(value); "
                        + "choose another directory, or start the run that it belongs to"
                )
            }
        }
    }
}
