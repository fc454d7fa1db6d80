package import Contract

/// Generated private, public and held-out sets for a whole federation, pairwise disjoint.
///
/// Client i owns the family `families[i % families.count]`: `ownFraction` of its questions are from
/// there and the rest is spread over the other families. Every node computes its own set from the
/// seed and this description alone, without the sets of others ever being sent.
package struct MixedDraw: Sendable, Codable, Equatable {
    /// The families, in the order in which clients own them.
    package var families: [SyntheticFamily]
    /// How many clients there are.
    package var clients: Int
    /// How many private questions each client has.
    package var privateCount: Int
    /// The part of the private questions that is from the client's own family, 0 to 1.
    package var ownFraction: Double
    /// How many public questions each family gives.
    package var publicPerFamily: Int
    /// How many held-out questions each family gives; fewer if the family has fewer.
    package var heldOutPerFamily: Int

    /// Describes a draw.
    package init(
        families: [SyntheticFamily],
        clients: Int,
        privateCount: Int = 400,
        ownFraction: Double = 0.95,
        publicPerFamily: Int = 64,
        heldOutPerFamily: Int = 200
    ) {
        self.families = families
        self.clients = clients
        self.privateCount = privateCount
        self.ownFraction = ownFraction
        self.publicPerFamily = publicPerFamily
        self.heldOutPerFamily = heldOutPerFamily
    }

    /// The private questions of a client, its own family first.
    ///
    /// - Parameters:
    ///   - client: The client's index, from 0 to `clients` - 1.
    ///   - seed: The federation's seed.
    /// - Throws: `DrawError` if the description makes no sense or a family has too few problems.
    package func privateQuestions(client: Int, seed: UInt64) throws(DrawError) -> [Question] {
        try problems(for: .client(client), seed: seed).map(\.question)
    }

    /// The public questions, family by family; their answers stay at the coordinator.
    ///
    /// - Throws: `DrawError` if the description makes no sense or a family has too few problems.
    package func publicQuestions(seed: UInt64) throws(DrawError) -> [Question] {
        try problems(for: .publicSet, seed: seed).map(\.question)
    }

    /// The held-out questions, family by family.
    ///
    /// - Throws: `DrawError` if the description makes no sense.
    package func heldOutQuestions(seed: UInt64) throws(DrawError) -> [Question] {
        try problems(for: .heldOut, seed: seed).map(\.question)
    }

    /// The problems that a role's questions are made of, in the same order.
    ///
    /// - Throws: `DrawError` if the description makes no sense or a family has too few problems.
    package func problems(for role: DataSource.Role, seed: UInt64) throws(DrawError) -> [SyntheticProblem] {
        try validate()
        switch role {
        case .client(let client): return try privateProblems(client, seed)
        case .publicSet:
            var problems: [SyntheticProblem] = []
            for family in families { problems += try deal(family, publicPerFamily, seed) }
            return problems
        case .heldOut: return families.flatMap { $0.draw(heldOutPerFamily, heldOut: true, seed: seed) }
        }
    }

    private func privateProblems(_ client: Int, _ seed: UInt64) throws(DrawError) -> [SyntheticProblem] {
        guard (0..<clients).contains(client) else {
            throw .invalid(
                field: "clients",
                found: "\(clients)",
                expected: "one for each client, \(client + 1) or more"
            )
        }
        var problems: [SyntheticProblem] = []
        for offset in families.indices {
            let family = (client + offset) % families.count
            let before = (0..<client).reduce(publicPerFamily) { $0 + share(of: $1, in: family) }
            let end = before + share(of: client, in: family)
            problems += try deal(families[family], end, seed)[before..<end]
        }
        return problems
    }

    /// How many of a client's private questions are from a family, both by index.
    func share(of client: Int, in family: Int) -> Int {
        guard families.count > 1 else { return privateCount }
        let own = Int((Double(privateCount) * ownFraction).rounded())
        let distance = (family - client % families.count + families.count) % families.count
        guard distance > 0 else { return own }
        let others = families.count - 1
        return (privateCount - own) / others + (distance <= (privateCount - own) % others ? 1 : 0)
    }

    private func deal(
        _ family: SyntheticFamily,
        _ count: Int,
        _ seed: UInt64
    ) throws(DrawError) -> [SyntheticProblem] {
        let problems = family.draw(count, heldOut: false, seed: seed)
        guard problems.count == count else {
            throw .exhausted(family: family, needed: count, available: problems.count)
        }
        return problems
    }

    /// Checks the description.
    ///
    /// - Throws: `DrawError.invalid` naming the field.
    package func validate() throws(DrawError) {
        guard !families.isEmpty, Set(families).count == families.count else {
            let found = families.map(\.rawValue).joined(separator: ", ")
            throw .invalid(field: "families", found: "[\(found)]", expected: "at least one, each once")
        }
        guard clients > 0 else {
            throw .invalid(field: "clients", found: "\(clients)", expected: "at least 1")
        }
        guard ownFraction >= 0, ownFraction <= 1 else {
            throw .invalid(field: "ownFraction", found: "\(ownFraction)", expected: "0 to 1")
        }
        let counts = [
            ("privateCount", privateCount), ("publicPerFamily", publicPerFamily),
            ("heldOutPerFamily", heldOutPerFamily),
        ]
        for (field, count) in counts where count < 0 || count > 1_000_000 {
            throw .invalid(field: field, found: "\(count)", expected: "0 to 1000000")
        }
    }
}

/// Why a set could not be drawn.
package enum DrawError: GivenFault, Equatable, CustomStringConvertible {
    /// Not what it should be.
    package var faultKind: FaultKind { .data }

    /// A field of the description makes no sense.
    case invalid(field: String, found: String, expected: String)
    /// A family has fewer problems than all parties together ask for.
    case exhausted(family: SyntheticFamily, needed: Int, available: Int)

    /// One line that names the field or family and the numbers.
    package var description: String {
        switch self {
        case .invalid(let field, let found, let expected):
            "\(field): found \(found), expected \(expected)"
        case .exhausted(let family, let needed, let available):
            "family '\(family.rawValue)': \(needed) problems needed, \(available) there without held-out ones"
        }
    }
}
