package import Contract

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
