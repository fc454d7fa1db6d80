/// How many held-out items are among those that are learnt from, as far as one host could see.
package struct HeldOutOverlap: Codable, Sendable, Equatable {
    /// The held-out items, each text once.
    package var heldOut: Int
    /// How many of them are among the public items; nil where these were not compared.
    package var asked: Int?
    /// By client whose private items were compared, how many of them are among those.
    package var clients: [String: Int]

    /// Gathers counts.
    package init(heldOut: Int, asked: Int? = nil, clients: [String: Int] = [:]) {
        self.heldOut = heldOut
        self.asked = asked
        self.clients = clients
    }

    /// Whether any held-out item is learnt from.
    package var isFound: Bool { asked ?? 0 > 0 || clients.values.contains { $0 > 0 } }

    /// What was found, as a clause: `of 200 held-out items none is among the public ones or …`.
    package var description: String {
        let names = clients.keys.sorted()
        let sets =
            (asked == nil ? [] : ["the public ones"])
            + (names.isEmpty ? [] : ["the private ones of \(names.joined(separator: ", "))"])
        guard !sets.isEmpty else { return "the \(heldOut) held-out items were not compared with any" }
        let found =
            [("the public ones", asked ?? 0)] + names.map { ("the private ones of \($0)", clients[$0] ?? 0) }
        guard isFound else {
            return "of \(heldOut) held-out items none is among \(sets.joined(separator: " or "))"
        }
        let parts = found.filter { $0.1 > 0 }.map { "\($0.1) \($0.1 == 1 ? "is" : "are") among \($0.0)" }
        return "of \(heldOut) held-out items \(parts.joined(separator: ", "))"
    }
}
