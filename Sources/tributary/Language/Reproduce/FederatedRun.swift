internal import Foundation
internal import Logging
internal import Nodes
internal import Topology
internal import Trainers

/// A federation in one process, from its topology to what it left.
enum FederatedRun {
    /// Runs a federation in a folder of its own, which is there already.
    static func run(_ topology: Topology, in layout: RunLayout, logger: Logger) async throws -> RunRecord {
        try topology.resolvedYAML.write(toFile: layout.topologyFile, atomically: true, encoding: .utf8)
        try await SimulatedFederation(Job(topology, .shipped), layout: layout, logger: logger).run()
        return try RunRecord.read(layout)
    }
}
