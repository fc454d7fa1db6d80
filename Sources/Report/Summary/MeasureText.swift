package import Contract
internal import Glibc

/// How pages write the values of a measure.
struct MeasureText {
    let measure: Measure

    /// Takes the measure.
    init(_ measure: Measure) { self.measure = measure }

    /// What values are multiplied by where they stand without a unit.
    var factor: Double { measure.unit == .fraction ? 100 : 1 }

    /// The name of an axis or a column, with the unit of its numbers.
    var axis: String { measure.unit == .fraction ? "\(measure.name) (%)" : measure.name }

    /// The name of the axis of differences.
    var differenceAxis: String { measure.unit == .fraction ? "difference (points)" : "difference" }

    /// A sentence for measures of which less is better; empty for all others.
    var direction: String { measure.higherIsBetter ? "" : "Lower is better." }

    /// A value with its unit; a dash where there is none.
    func value(_ value: Double?) -> String {
        guard let value else { return "–" }
        return measure.unit == .fraction ? NumberText.percent(value) : NumberText.significant(value)
    }

    /// A value without its unit.
    func bare(_ value: Double) -> String {
        measure.unit == .fraction ? NumberText.fixed(value * 100, 1) : NumberText.significant(value)
    }

    /// How labels of bars write values, without their unit: with as few digits as tell the values apart, so that small
    /// ones are not all the same zero.
    ///
    /// - Parameter values: All values that are labelled.
    func labels(of values: [Double]) -> (Double) -> String {
        guard measure.unit == .fraction else { return NumberText.significant }
        let drawn = Set(values.filter(\.isDrawable))
        let digits = (0..<3).first { digits in
            let texts = drawn.map { NumberText.fixed($0 * 100, digits) }
            // Some that differ by next to nothing may look the same.
            let zero = NumberText.fixed(0, digits)
            let lost = zip(drawn, texts).contains { $0 != 0 && $1 == zero }
            return !lost && 3 * Set(texts).count >= 2 * drawn.count
        }
        return { NumberText.fixed($0 * 100, digits ?? 3) }
    }

    /// A difference of two values with its sign, without a unit.
    func difference(_ value: Double) -> String {
        measure.unit == .fraction
            ? NumberText.points(value) : NumberText.signed(NumberText.significant(value))
    }

    /// A difference of two values with its sign and its unit.
    func gain(_ value: Double) -> String {
        difference(value) + (measure.unit == .fraction ? NumberText.space + "points" : "")
    }

    /// An interval with its unit.
    func interval(_ interval: Interval) -> String { "\(value(interval.low)) to \(value(interval.high))" }

    /// A mean and its standard error, without a unit: of numbers as many decimals as show two digits of the error.
    func withError(_ statistics: Statistics, signed: Bool = false) -> String {
        let text = { (value: String) in signed ? NumberText.signed(value) : value }
        guard statistics.count > 1, statistics.standardError > 0 || measure.unit == .fraction else {
            return text(bare(statistics.mean))
        }
        if measure.unit == .fraction {
            let error = NumberText.fixed(statistics.standardError * 100, 1)
            return "\(text(bare(statistics.mean))) ± \(error)"
        }
        let places = 1 - log10(statistics.standardError).rounded(.down)
        guard (-12...6).contains(places) else {
            return "\(text(bare(statistics.mean))) ± \(NumberText.significant(statistics.standardError))"
        }
        let digits = max(0, Int(places))
        return text(NumberText.fixed(statistics.mean, digits)) + " ± "
            + NumberText.fixed(statistics.standardError, digits)
    }
}

/// Values of a measure as plain text.
package enum ScoreText {
    /// A value for a terminal: parts of one with three decimals, other numbers with three significant digits.
    package static func text(_ value: Double, _ measure: Measure) -> String {
        switch measure.unit {
        case .fraction: NumberText.fixed(value, 3)
        case .number: NumberText.significant(value)
        }
    }
}
