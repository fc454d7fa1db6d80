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
    /// The names of parts that may become others while the run goes on.
    package var variable: Set<String>

    /// Makes an identity.
    package init(
        federation: String,
        topology: SHA256Digest,
        seed: UInt64,
        fingerprint: SHA256Digest,
        parts: String = "",
        variable: Set<String> = []
    ) {
        self.federation = federation
        self.topology = topology
        self.seed = seed
        self.fingerprint = fingerprint
        self.parts = parts
        self.variable = variable
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
    /// The names of parts that may become others while the run goes on.
    package var variable: Set<String>

    /// Makes an identity.
    package init(
        federation: String,
        client: String,
        seed: UInt64,
        fingerprint: SHA256Digest,
        topology: SHA256Digest,
        parts: String = "",
        variable: Set<String> = []
    ) {
        self.federation = federation
        self.client = client
        self.seed = seed
        self.fingerprint = fingerprint
        self.topology = topology
        self.parts = parts
        self.variable = variable
    }

    /// How many fields there are, federation and client first.
    static let fieldCount = 6

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
    /// The fields that are digests of the parts.
    private static let digests: Set = ["fingerprint", "topology digest"]

    /// Compares.
    ///
    /// - Parameters:
    ///   - wanted: What the directory is opened for.
    ///   - found: What it says.
    ///   - variable: The names of parts that may have become others.
    ///   - directory: The directory, for the error.
    /// - Returns: Whether they are the same; false where variable parts differ, and the directory has to be told.
    /// - Throws: `LedgerError` with `otherIdentity`, naming what differs.
    static func require(
        _ wanted: [(name: String, value: String)],
        found: [String: String],
        variable: Set<String>,
        directory: String
    ) throws(LedgerError) -> Bool {
        let (theirs, mine) = (
            values(found[parts] ?? ""), values(wanted.first { $0.name == parts }?.value ?? "")
        )
        // States of versions that kept no parts have digests alone.
        let known = theirs.isEmpty ? [] : Set(theirs.keys).union(mine.keys)
        let names = known.filter { theirs[$0] != mine[$0] }
        let hasVaried = !names.isEmpty && names.isSubset(of: variable)
        for (name, value) in wanted where name != parts {
            let recorded = found[name] ?? "(none)"
            guard recorded == value || (hasVaried && digests.contains(name)) else {
                let part = mine.isEmpty ? nil : names.subtracting(variable).sorted().first
                let difference =
                    part.map {
                        "its \($0) is \(theirs[$0] ?? "not set"), this one's is \(mine[$0] ?? "not set")"
                    } ?? "its \(name) is \(recorded), this one's is \(value)"
                throw LedgerError(
                    .otherIdentity,
                    "'\(directory)' holds another run: \(difference); "
                        + "choose another directory, or start the run that it belongs to"
                )
            }
        }
        return !hasVaried
    }

    private static func values(_ parts: String) -> [String: String] {
        parts.split(separator: "\n").reduce(into: [:]) { values, line in
            let name = line.prefix { $0 != ":" }
            values[String(name)] = String(line.dropFirst(name.count + 2))
        }
    }
}
