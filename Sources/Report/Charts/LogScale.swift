internal import Glibc

/// Maps positive values to coordinates by their order of magnitude, with a tick at each power of ten.
struct LogScale {
    let start: Double
    let end: Double
    let ticks: [Double]
    private let low: Double
    private let high: Double

    /// A scale over the positive ones of some values, widened to powers of ten.
    init(covering values: [Double], from start: Double, to end: Double) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        low = log10(positive.min() ?? 1).rounded(.down)
        high = max(low + 1, log10(positive.max() ?? 10).rounded(.up))
        self.start = start
        self.end = end
        ticks = (Int(low)...Int(high)).map { pow(10, Double($0)) }
    }

    /// The coordinate of a value; the start for values that have none.
    func position(_ value: Double) -> Double {
        guard value > 0 else { return start }
        return start + (log10(value) - low) / (high - low) * (end - start)
    }
}
