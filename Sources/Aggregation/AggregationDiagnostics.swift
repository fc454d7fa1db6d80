internal import Contract

/// What a round's updates say about each other, measured on the weights that they move.
///
/// A low-rank pair counts as its product `W_i = B_i A_i` (without the constant alpha/r), any other array
/// as itself; norms are Frobenius norms over all of them together. Means over clients are weighted.
/// Counts are not among them: ``Aggregate`` leaves summed arrays out.
/// The products are never formed: everything follows from Gram matrices of the factors (``GramMovements``) or, where
/// these would take longer than the merge itself or much memory, from sketches (``MovementSketches``).
package struct AggregationDiagnostics: Sendable, Equatable {
    /// `‖Σ w_i B_i A_i − B̄ Ā‖` relative to ``meanUpdateNorm``: what averaging A and B separately gets
    /// wrong (notes on PubSwap's aggregation, FedIT). 0 where the clients agree on A or on B.
    package var factorGap: Double
    /// `‖Σ w_i W_i − W‖`: how far the exact mean moves from the broadcast.
    package var meanUpdateNorm: Double
    /// The plain mean over clients of `‖W_i − Σ w_j W_j‖`.
    package var clientDrift: Double
    /// The mean over pairs of clients of the cosine between their updates; 1 for a single client.
    package var meanCosine: Double
    /// The lowest of these cosines.
    package var lowestCosine: Double
    /// Each client's share, in ascending order of name.
    package var clients: [ClientDiagnostics]

    /// One client's part of a round.
    package struct ClientDiagnostics: Sendable, Equatable {
        /// The client's name.
        package var client: String
        /// `‖W_i − W‖`: how far the client moved from the broadcast.
        package var updateNorm: Double
        /// `‖W_i − Σ w_j W_j‖`: how far it is from the mean.
        package var drift: Double
    }

    /// Whether all of this was estimated from sketches, with a standard error of a few hundredths, because the Gram
    /// matrices of so many factors would take longer than the merge.
    package let isEstimated: Bool

    /// Empty meters of the movements of a round's contributions.
    static func meter(for places: [MergePlace], of weighted: WeightedContributions) -> any MovementMeter {
        let weights = weighted.weights.map { $0 / weighted.totalWeight }
        let sizes = places.map { GramMovements.Size(of: $0, in: weighted.contributions[0].delta.layout) }
        return GramMovements.isAffordable(sizes, clients: weights.count)
            ? GramMovements(weights: weights) : MovementSketches(weights: weights)
    }

    /// What the meters of all parts of a merge have measured.
    init(of weighted: WeightedContributions, _ meters: [any MovementMeter]) {
        var whole = meters[0]
        for meter in meters.dropFirst() { whole.add(meter) }
        let moved = whole.summary()
        let names = weighted.contributions.map(\.client)
        isEstimated = whole is MovementSketches
        meanUpdateNorm = max(0, moved.meanSquare).squareRoot()
        factorGap = moved.meanSquare > 0 ? (max(0, moved.gapSquare) / moved.meanSquare).squareRoot() : 0
        clients = names.enumerated().map { i, name in
            ClientDiagnostics(
                client: name,
                updateNorm: max(0, moved.squares[i]).squareRoot(),
                drift: max(0, moved.squares[i] - 2 * moved.towardsMean[i] + moved.meanSquare).squareRoot()
            )
        }
        clientDrift = clients.reduce(0) { $0 + $1.drift } / Double(names.count)
        meanCosine = names.count > 1 ? moved.meanCosine : 1
        lowestCosine = names.count > 1 ? moved.lowestCosine : 1
    }
}

/// Measures how far clients move, unit by unit of a merge. A merge has one for each of its parts.
protocol MovementMeter: Sendable {
    /// Takes a unit of the broadcast: A and B of a pair, or a single array; the index of the first in the adapter.
    mutating func begin(_ pair: AdapterLayout.Pair?, _ arrays: [NamedArray], at index: Int)
    /// Takes a client's deltas of the unit; clients come in order.
    mutating func add(_ deltas: [[Float]], of client: Int)
    /// Ends a unit.
    ///
    /// - Parameters:
    ///   - sums: `Σ_i w_i δ_i` of each of its arrays.
    ///   - total: `Σ_i w_i`.
    mutating func end(mean sums: [[Double]], total: Double)
    /// Adds what another meter of this kind has measured.
    mutating func add(_ other: any MovementMeter)
    /// What follows of all units.
    func summary() -> MovementSummary
}

/// Inner products of the clients' movements `D_i`, with the weights that have the sum 1.
struct MovementSummary {
    /// `⟨D_i, D_i⟩`.
    var squares: [Double]
    /// `⟨D_i, Σ_j w_j D_j⟩`.
    var towardsMean: [Double]
    /// `‖Σ_j w_j D_j‖²`.
    var meanSquare: Double
    /// `‖Σ w_i B_i A_i − B̄ Ā‖²`.
    var gapSquare: Double
    /// The mean of the cosines of all pairs, of at least two clients.
    var meanCosine: Double
    /// The lowest of them.
    var lowestCosine: Double
}
