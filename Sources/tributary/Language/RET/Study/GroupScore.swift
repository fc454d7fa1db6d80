internal import Randomness
internal import Tasks
internal import Trainers

/// What the groups of a representation have to do with the true phases, measured on unseen completions.
struct GroupScore: Sendable {
    /// Normalised mutual information with the true phases.
    var phase: Double
    /// With the tokens: should be low.
    var token: Double
    /// With the place in the completion, in bins of 16: should be low.
    var position: Double
    /// P(g_t = g_{t+1}).
    var consistency: Double
    /// The same if groups came independently.
    var chance: Double
    /// The effective rank of the points.
    var rank: Double
    /// The centres.
    var centroids: Centroids

    /// The number of true phases.
    static let groups = 5

    /// Fits groups to the first half of a sample and scores them on the second.
    init(_ points: Rows, _ sample: PhaseSample, groups: Int = GroupScore.groups, seed: UInt64) {
        let known = { (rows: [Int]) in rows.filter { sample.phases[$0] >= 0 } }
        let (fit, test) = (
            known(sample.rows(of: sample.train)), known(sample.rows(of: sample.test))
        )
        var stream = RandomStream(seed: seed, "study", "k-means")
        let fitted = Points.thinned(points.picked(fit), width: points.width, to: 6_000)
        centroids = KMeans.fit(fitted, width: points.width, groups: groups, restarts: 6, stream: &stream)
        let unseen = points.picked(test)
        let labels = centroids.assign(unseen)
        phase = Agreement.nmi(labels, test.map { sample.phases[$0] })
        token = Agreement.nmi(labels, test.map { sample.tokens[$0] })
        position = Agreement.nmi(labels, test.map { sample.positions[$0] })
        rank =
            Spread(of: Points.thinned(unseen, width: points.width, to: 8_000), width: points.width)
            .effectiveRank
        var dynamics = GroupDynamics(groups: groups)
        let all = centroids.assign(points.picked(sample.rows(of: sample.test)))
        var first = 0
        for completion in sample.test {
            let count = sample.rows[completion].count
            let skipped = sample.phases[sample.rows[completion]].prefix { $0 < 0 }.count
            dynamics.add(all[first + skipped..<first + count])
            first += count
        }
        consistency = dynamics.temporalConsistency
        chance = dynamics.chanceConsistency
    }
}
