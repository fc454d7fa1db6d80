internal import Glibc

/// Maps positive values to coordinates by their order of magnitude, with ticks at powers of ten.
struct LogScale: ChartScale {
    let start: Double
    let end: Double
    let ticks: [Double]
    private let low: Double
    private let high: Double

    /// A scale over the positive ones of some values, widened to powers of ten.
    ///
    /// - Parameter count: About how many ticks there may be; over more decades than that, some go without.
    init(covering values: [Double], from start: Double, to end: Double, ticks count: Int = 12) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        low = log10(positive.min() ?? 1).rounded(.down)
        high = max(low + 1, log10(positive.max() ?? 10).rounded(.up))
        self.start = start
        self.end = end
        let step = max(1, Int(((high - low) / Double(max(1, count))).rounded(.up)))
        ticks = stride(from: Int(low), through: Int(high), by: step).map { pow(10, Double($0)) }
    }

    /// The coordinate of a value; the start for values that have none.
    func position(_ value: Double) -> Double {
        guard value > 0 else { return start }
        return start + (log10(value) - low) / (high - low) * (end - start)
    }

    /// The ticks' labels: short numbers near one, powers of ten elsewhere.
    func labels(factor: Double = 1) -> [String] {
        ticks.map { tick in
            let value = tick * factor
            return (0.0099..<99_999).contains(value)
                ? NumberText.short(value) : NumberText.scientific(value, 0)
        }
    }
}
