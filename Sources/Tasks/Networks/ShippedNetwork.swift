/// A real network that is small enough to be written down.
package enum ShippedNetwork: String, Sendable, Codable, CaseIterable {
    /// Friendships among the 34 members of a karate club, in the paper's numbering less one (Zachary, "An
    /// information flow model for conflict and fission in small groups", Journal of Anthropological Research
    /// 33, 1977).
    case karate
    /// Marriages among 15 families of Renaissance Florence; Pucci, which has none, is left out (Padgett and
    /// Ansell, "Robust action and the rise of the Medici", American Journal of Sociology 98, 1993; data in
    /// Breiger and Pattison, Social Networks 8, 1986).
    case florentine

    /// The network.
    package func network() throws(NetworkFault) -> Network {
        switch self {
        case .karate:
            let edges = ShippedNetwork.friends.enumerated().flatMap { member, friends in
                friends.map { (member, $0 - 1) }
            }
            return try Network(name: rawValue, nodes: 34, edges: edges)
        case .florentine:
            let families = ShippedNetwork.families
            var edges: [(Int, Int)] = []
            for (first, family) in families.enumerated() {
                for other in family.marriages {
                    guard let second = families.firstIndex(where: { $0.name == other }) else {
                        preconditionFailure("a marriage into a family that is not listed")
                    }
                    edges.append((first, second))
                }
            }
            return try Network(
                name: rawValue,
                nodes: families.count,
                edges: edges,
                labels: families.map { $0.name }
            )
        }
    }

    /// For members 1, 2, …, 34, the friends with higher numbers.
    private static let friends: [[Int]] = [
        [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 18, 20, 22, 32], [3, 4, 8, 14, 18, 20, 22, 31],
        [4, 8, 9, 10, 14, 28, 29, 33], [8, 13, 14], [7, 11], [7, 11, 17], [17], [], [31, 33, 34], [34], [],
        [],
        [], [34], [33, 34], [33, 34], [], [], [33, 34], [34], [33, 34], [], [33, 34], [26, 28, 30, 33, 34],
        [26, 28, 32], [32], [30, 34], [34], [32, 34], [33, 34], [33, 34], [33, 34], [34], [],
    ]

    /// Families with the marriages to those that come later or were not yet listed.
    private static let families: [(name: String, marriages: [String])] = [
        ("Acciaiuoli", ["Medici"]),
        ("Albizzi", ["Ginori", "Guadagni", "Medici"]),
        ("Barbadori", ["Castellani", "Medici"]),
        ("Bischeri", ["Guadagni", "Peruzzi", "Strozzi"]),
        ("Castellani", ["Peruzzi", "Strozzi"]),
        ("Ginori", []),
        ("Guadagni", ["Lamberteschi", "Tornabuoni"]),
        ("Lamberteschi", []),
        ("Medici", ["Ridolfi", "Salviati", "Tornabuoni"]),
        ("Pazzi", ["Salviati"]),
        ("Peruzzi", ["Strozzi"]),
        ("Ridolfi", ["Strozzi", "Tornabuoni"]),
        ("Salviati", []),
        ("Strozzi", []),
        ("Tornabuoni", []),
    ]
}
