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
    /// What both digests are of, a line `NAME: VALUE` for each part: an error names the first that differs.
    package var parts: String

    /// Makes an identity.
    package init(
        federation: String,
        topology: SHA256Digest,
        seed: UInt64,
        fingerprint: SHA256Digest,
        parts: String = ""
    ) {
        self.federation = federation
        self.topology = topology
        self.seed = seed
        self.fingerprint = fingerprint
        self.parts = parts
    }

    /// The fields as texts, in the order in which differences are reported.
    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("fingerprint", fingerprint.description), ("seed", String(seed)),
            ("topology digest", topology.description), (IdentityCheck.parts, parts),
        ]
    }

    /// The identity that a directory's recorded fields stand for; nil if one is missing.
    init?(fields: [String: String]) {
        guard let federation = fields["federation"],
            let fingerprint = fields["fingerprint"].flatMap({ SHA256Digest(hex: $0) }),
            let seed = fields["seed"].flatMap({ UInt64($0) }),
            let topology = fields["topology digest"].flatMap({ SHA256Digest(hex: $0) })
        else { return nil }
        self.init(
            federation: federation,
            topology: topology,
            seed: seed,
            fingerprint: fingerprint,
            parts: fields[IdentityCheck.parts] ?? ""
        )
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
    /// What both digests are of; see `FederationIdentity.parts`.
    package var parts: String

    /// Makes an identity.
    package init(
        federation: String,
        client: String,
        seed: UInt64,
        fingerprint: SHA256Digest,
        topology: SHA256Digest,
        parts: String = ""
    ) {
        self.federation = federation
        self.client = client
        self.seed = seed
        self.fingerprint = fingerprint
        self.topology = topology
        self.parts = parts
    }

    var fields: [(name: String, value: String)] {
        [
            ("federation", federation), ("client", client), ("fingerprint", fingerprint.description),
            ("seed", String(seed)), ("topology digest", topology.description), (IdentityCheck.parts, parts),
        ]
    }
}

/// Compares what a directory says it belongs to with what it is opened for.
enum IdentityCheck {
    /// The field that is there for the words of an error.
    static let parts = "parts"

    static func require(
        _ wanted: [(name: String, value: String)],
        found: [String: String],
        directory: String
    ) throws(LedgerError) {
        let mine = wanted.first { $0.name == parts }?.value ?? ""
        for (name, value) in wanted where name != parts {
            let recorded = found[name] ?? "(none)"
            guard recorded == value else {
                let difference =
                    difference(found[parts] ?? "", mine)
                    ?? "its \(name) is \(recorded), this one's is \(value)"
                throw LedgerError(
                    .otherIdentity,
                    "'\(directory)' holds another run: \(difference); "
                        + "choose another directory, or start the run that it belongs to"
                )
            }
        }
    }

    /// The first part in which two texts of parts differ, in words; nil if they name none.
    private static func difference(_ theirs: String, _ mine: String) -> String? {
        let (theirs, mine) = (values(theirs), values(mine))
        guard !theirs.isEmpty, !mine.isEmpty else { return nil }
        for name in Set(theirs.keys).union(mine.keys).sorted() where theirs[name] != mine[name] {
            return "its \(name) is \(theirs[name] ?? "not set"), this one's is \(mine[name] ?? "not set")"
        }
        return nil
    }

    private static func values(_ parts: String) -> [String: String] {
        parts.split(separator: "\n").reduce(into: [:]) { values, line in
            let name = line.prefix { $0 != ":" }
            values[String(name)] = String(line.dropFirst(name.count + 2))
        }
    }
}
