internal import Aggregation
internal import FoundationEssentials

/// What the coordinator measured in one public step.
public struct PublicStepMetrics: Codable, Sendable, Equatable {
    static let eventName = "publicStep"

    /// The round, from 0.
    public var round: Int
    /// The step within the round, from 0.
    public var step: Int
    /// Groups in all: clients times items.
    public var groups: Int
    /// Groups whose scores are all alike, so that they teach nothing, before replacement.
    public var silentBefore: Int
    /// The same after replacement.
    public var silentAfter: Int
    /// How many responses were replaced.
    public var swaps: Int
    /// How many responses there were.
    public var responses: Int
    /// How many of them were correct.
    public var correct: Int

    init(_ statistics: PoolStatistics, round: Int, step: Int) {
        self.round = round
        self.step = step
        groups = statistics.groups
        silentBefore = statistics.silentBefore
        silentAfter = statistics.silentAfter
        swaps = statistics.swaps
        responses = statistics.responses
        correct = statistics.clients.reduce(0) { $0 + $1.correct }
    }
}

/// What the coordinator measured when it merged the updates of a round.
public struct AggregationMetrics: Codable, Sendable, Equatable {
    static let eventName = "aggregation"

    /// The round, from 0.
    public var round: Int
    /// How far the averaged factors are from the mean of the products, relative to the mean update.
    public var factorGap: Double
    /// The mean distance of the clients' weights from their average, ‖W_i − W̄‖_F.
    public var clientDrift: Double
    /// The norm of the mean update.
    public var meanUpdateNorm: Double
    /// The mean cosine between the clients' updates.
    public var meanCosine: Double
    /// Who took part, sorted.
    public var clients: [String]

    init(_ diagnostics: AggregationDiagnostics, round: Int) {
        self.round = round
        factorGap = diagnostics.factorGap
        clientDrift = diagnostics.clientDrift
        meanUpdateNorm = diagnostics.meanUpdateNorm
        meanCosine = diagnostics.meanCosine
        clients = diagnostics.clients.map(\.client)
    }
}

extension Encodable {
    /// The value as JSON on one line, keys sorted.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
