package import Digest

/// What a state directory belongs to. It is written once, and compared whenever the directory is opened.
package struct FederationIdentity: Sendable, Hashable {
    /// The federation's name.
    package var federation: String
    /// The digest of the topology.
    package var topology: SHA256Digest
    /// The federation's seed.
    package var seed: UInt64
    /// Digest of what all members must agree on: the parts of their fingerprints.
    package var fingerprint: SHA256Digest

    /// Makes an identity.
    package init(federation: String, topology: SHA256Digest, seed: UInt64, fingerprint: SHA256Digest) {
        self.federation = federation
        self.topology = topology
        self.seed = seed
        self.fingerprint = fingerprint
    }

    /// The fields as texts, in the order in which differences are reported.
    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("fingerprint", fingerprint.description), ("seed", String(seed)),
            ("topology digest", topology.description),
        ]
    }

    /// The identity that a directory's recorded fields stand for; nil if one is missing.
    init?(fields: [String: String]) {
        guard let federation = fields["federation"],
            let fingerprint = fields["fingerprint"].flatMap({ SHA256Digest(hex: $0) }),
            let seed = fields["seed"].flatMap({ UInt64($0) }),
            let topology = fields["topology digest"].flatMap({ SHA256Digest(hex: $0) })
        else { return nil }
        self.init(federation: federation, topology: topology, seed: seed, fingerprint: fingerprint)
    }
}

/// What a client's state directory belongs to.
package struct ClientIdentity: Sendable, Hashable {
    /// The federation's name.
    package var federation: String
    /// The client's name.
    package var client: String
    /// The federation's seed.
    package var seed: UInt64
    /// Digest of what all members must agree on: the parts of their fingerprints.
    package var fingerprint: SHA256Digest
    /// The digest of the topology.
    package var topology: SHA256Digest

    /// Makes an identity.
    package init(
        federation: String,
        client: String,
        seed: UInt64,
        fingerprint: SHA256Digest,
        topology: SHA256Digest
    ) {
        self.federation = federation
        self.client = client
        self.seed = seed
        self.fingerprint = fingerprint
        self.topology = topology
    }

    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("client", client), ("fingerprint", fingerprint.description),
            ("seed", String(seed)), ("topology digest", topology.description),
        ]
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
