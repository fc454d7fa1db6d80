public import Digest

/// What a client's state directory belongs to.
public struct ClientIdentity: Sendable, Hashable {
    /// The federation's name.
    public var federation: String
    /// The client's name.
    public var client: String
    /// The federation's seed.
    public var seed: UInt64
    /// SHA-256 of the base model.
    public var baseModel: SHA256Digest
    /// The digest of what all members agree on.
    public var topology: SHA256Digest

    /// Makes an identity.
    public init(
        federation: String,
        client: String,
        seed: UInt64,
        baseModel: SHA256Digest,
        topology: SHA256Digest
    ) {
        self.federation = federation
        self.client = client
        self.seed = seed
        self.baseModel = baseModel
        self.topology = topology
    }

    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("client", client), ("base model", baseModel.description),
            ("seed", String(seed)), ("topology digest", topology.description),
        ]
    }
}
