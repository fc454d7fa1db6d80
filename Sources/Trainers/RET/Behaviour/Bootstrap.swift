package import Contract
package import Randomness

/// Where a figure may lie if other prompts had been drawn.
package enum Bootstrap {
    /// The percentile interval of a statistic over resampled prompts: all rows of a prompt are drawn
    /// together, prompts with replacement.
    ///
    /// - Parameters:
    ///   - prompts: Which prompt each row is of.
    ///   - draws: How many resamples are taken.
    ///   - level: How much of them the interval holds.
    ///   - stream: Draws the prompts.
    ///   - statistic: The figure of rows, in which one may stand more than once; nil where it has none, as
    ///     AUROC without both labels. Such resamples are left out.
    /// - Returns: The interval; nil where fewer than half of the resamples have the figure.
    package static func interval(
        prompts: [Int],
        draws: Int = 1000,
        level: Double = 0.95,
        stream: RandomStream,
        statistic: ([Int]) -> Double?
    ) -> Interval? {
        var rows: [Int: [Int]] = [:]
        for (row, prompt) in prompts.enumerated() { rows[prompt, default: []].append(row) }
        let groups = rows.sorted { $0.key < $1.key }.map(\.value)
        guard !groups.isEmpty, draws > 0 else { return nil }
        var stream = stream
        var values: [Double] = []
        for _ in 0..<draws {
            var drawn: [Int] = []
            for _ in groups { drawn += groups[stream.below(groups.count)] }
            if let value = statistic(drawn) { values.append(value) }
        }
        guard 2 * values.count >= draws else { return nil }
        values.sort()
        let tail = (1 - level) / 2
        return Interval(low: quantile(values, tail), high: quantile(values, 1 - tail))
    }

    /// A quantile of ascending values, linear between neighbours as numpy's.
    static func quantile(_ values: [Double], _ share: Double) -> Double {
        let place = share * Double(values.count - 1)
        let low = min(values.count - 1, max(0, Int(place.rounded(.down))))
        let high = min(values.count - 1, low + 1)
        return values[low] + (place - Double(low)) * (values[high] - values[low])
    }
}
