internal import Contract
internal import Foundation
internal import Tasks
internal import Trainers

/// A member of the study's federation: whose networks, what disease, and what protection costs it.
struct Agency: Sendable {
    /// What it is called.
    var name: String
    /// The family of its networks.
    var family: NetworkFamily
    /// n.
    var nodes: Int
    /// What is particular to it.
    var circumstances: Circumstances

    /// How many private networks each has.
    static let networks = 2

    /// Four agencies that differ in what they are up against: chosen on development seeds 0 and 1. A fast disease with cheap
    /// protection; the usual one; a mild one, for which protection is dear and nothing should be done; the usual one on
    /// larger grids, where protection is dear.
    static let different = [
        Agency(
            name: "north",
            family: .barabasiAlbert(edges: 2),
            nodes: 20,
            circumstances: Circumstances(["transmission": 0.7, "cost": 0.03])
        ),
        Agency(
            name: "east",
            family: .wattsStrogatz(neighbours: 4, rewiring: 0.1),
            nodes: 20,
            circumstances: Circumstances(["cost": 0.06])
        ),
        Agency(
            name: "south",
            family: .erdosRenyi(meanDegree: 4),
            nodes: 20,
            circumstances: Circumstances(["transmission": 0.1, "recovery": 0.4, "cost": 0.4])
        ),
        Agency(name: "west", family: .grid, nodes: 40, circumstances: Circumstances(["cost": 0.2])),
    ]

    /// Four agencies that differ in the family of their networks alone.
    static let alike = zip(["north", "east", "south", "west"], NetworkFamily.standard).map {
        Agency(name: $0, family: $1, nodes: 20, circumstances: Circumstances())
    }

    /// What tables call it.
    var title: String {
        let numbers = circumstances.values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return ([name, family.name, "\(nodes) nodes"] + numbers).joined(separator: ", ")
    }

    /// Networks for a purpose, under its circumstances.
    func views(_ purpose: ContainmentRecipe.Purpose, count: Int, seed: UInt64) throws -> [NetworkView] {
        let dynamics = try ContainmentRecipe.dynamics.under(circumstances)
        return try ContainmentRecipe.networks([family], nodes: nodes, count: count, purpose, seed: seed).map {
            try NetworkView($0, dynamics)
        }
    }

    /// Its private networks as a topology would describe them.
    func data(seed: UInt64) throws -> Mapping { try Self.data([source(.training, Self.networks, seed)]) }

    /// Networks of another family under the circumstances of each agency in turn, which all may know.
    static func publicData(_ agencies: [Agency], seed: UInt64) throws -> Mapping {
        try data(
            agencies.enumerated().map { place, agency in
                var agency = agency
                agency.family = .stochasticBlock(blocks: 4, inside: 3.5, between: 0.5)
                return agency.source(.validation, 1, seed + UInt64(place))
            }
        )
    }

    private func source(_ purpose: ContainmentRecipe.Purpose, _ count: Int, _ seed: UInt64) -> String {
        let numbers = circumstances.values.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        return """
            {"family": "\(family.name)", "nodes": \(nodes), "count": \(count), 
             "seed": \(ContainmentRecipe.networkSeed(purpose, seed)),
             "circumstances": {\(numbers.joined(separator: ", "))}}
            """
    }

    private static func data(_ sources: [String]) throws -> Mapping {
        try Mapping(json: Array("{\"networks\": [\(sources.joined(separator: ", "))]}".utf8))
    }
}
