internal import Logging

/// Which steps get a line in the log: about ten in a round, and one a minute where steps are slow.
struct StepPace {
    private static let linesPerRound = 10
    private static let longest = Duration.seconds(60)

    private var last: (round: Int, tenth: Int, at: ContinuousClock.Instant)?

    /// Whether a step that is done gets a line.
    ///
    /// - Parameters:
    ///   - round: The round, from 0.
    ///   - step: The step within the round, from 1.
    ///   - steps: How many steps the round has.
    ///   - now: The time.
    mutating func isDue(
        round: Int,
        step: Int,
        of steps: Int,
        at now: ContinuousClock.Instant = .now
    ) -> Bool {
        let tenth = step * Self.linesPerRound / max(steps, 1)
        if let last, last.round == round, last.tenth >= tenth, now - last.at < Self.longest { return false }
        // Nothing is said of the first steps of a round that has many.
        let isFirst = last?.round != round
        last = (round, tenth, now)
        return !isFirst || tenth > 0
    }

    /// The figures that a line shows: those that people look at first, or else the first few by name.
    static func figures(_ metrics: [String: Double]) -> Logger.Metadata {
        let known = ["reward", "return", "loss", "kl", "entropy", "grad_norm", "completions/mean_length"]
        var names = known.filter { metrics[$0] != nil }
        if names.isEmpty { names = metrics.keys.filter { !$0.hasPrefix("seconds/") }.sorted() }
        var shown: Logger.Metadata = [:]
        for name in names.prefix(5) { shown[name] = metrics[name].map { "\(rounded($0))" } }
        return shown
    }

    /// Four significant digits are enough for a line.
    static func rounded(_ value: Double) -> Double {
        guard value.isFinite, value != 0 else { return value }
        var scale = 1000.0
        var size = abs(value)
        while size >= 10, scale > 1 { (size, scale) = (size / 10, scale / 10) }
        while size < 1, scale < 1e12 { (size, scale) = (size * 10, scale * 10) }
        return (value * scale).rounded() / scale
    }
}
