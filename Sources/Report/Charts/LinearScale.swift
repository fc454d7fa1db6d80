/// What an axis needs of a scale, whichever way it maps values to coordinates.
protocol ChartScale {
    /// The values to mark, ascending.
    var ticks: [Double] { get }

    /// The ticks' labels.
    ///
    /// - Parameter factor: What values are multiplied by in labels, as 100 for per cent.
    func labels(factor: Double) -> [String]

    /// The coordinate of a value.
    func position(_ value: Double) -> Double
}

/// Maps values to coordinates in proportion, with ticks at round numbers.
struct LinearScale: ChartScale {
    let domain: ClosedRange<Double>
    let start: Double
    let end: Double
    let ticks: [Double]

    /// A scale over values, widened to round numbers; always includes zero if `zero` is true.
    init(
        covering values: [Double],
        zero: Bool = true,
        from start: Double,
        to end: Double,
        ticks count: Int = 5
    ) {
        let finite = values.filter(\.isDrawable)
        var low = zero ? min(0, finite.min() ?? 0) : finite.min() ?? 0
        var high = zero ? max(0, finite.max() ?? 1) : finite.max() ?? 1
        if high - low < max(1e-12, 1e-9 * max(abs(low), abs(high))) {
            high += max(abs(high), 1) * (zero && high == 0 ? 1 : 0.1)
            low -= zero ? 0 : max(abs(low), 1) * 0.1
        }
        let step = Self.roundStep((high - low) / Double(max(1, count)))
        let first = (low / step + 1e-9).rounded(.down)
        let last = (high / step - 1e-9).rounded(.up)
        self.domain = first * step...last * step
        self.start = start
        self.end = end
        self.ticks = (Int(first)...Int(last)).map { Double($0) * step }
    }

    /// The ticks' labels, with enough digits to tell them apart.
    ///
    /// - Parameter factor: What values are multiplied by in labels, as 100 for per cent.
    func labels(factor: Double = 1) -> [String] { NumberText.ticks(ticks.map { $0 * factor }) }

    /// Whether a scale over values may begin at zero without pressing them together.
    static func hasRoomForZero(_ values: [Double]) -> Bool {
        let drawn = values.filter(\.isDrawable)
        guard let low = drawn.min(), let high = drawn.max(), low * high > 0 else { return true }
        return high - low >= 0.3 * max(abs(low), abs(high))
    }

    /// The coordinate of a value.
    func position(_ value: Double) -> Double {
        let width = domain.upperBound - domain.lowerBound
        return start + (value - domain.lowerBound) / width * (end - start)
    }

    /// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below a value.
    static func roundStep(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        var power = 1.0
        while power > value { power /= 10 }
        while power * 10 <= value { power *= 10 }
        return [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= value * (1 - 1e-9) } ?? power * 10
    }
}

extension Double {
    /// Whether a chart can show the value: finite, and far enough from the largest number to compute with.
    var isDrawable: Bool { isFinite && abs(self) < 1e300 }
}
