package import Contract

/// A paper's claims, measured in small: one section for each experiment, with what was expected and what was
/// found.
package struct StudyRecord: Sendable, Encodable {
    /// What was run.
    package var title: String
    /// The paper.
    package var paper: String
    /// The seeds that figures are reported over; settings were chosen on others.
    package var seeds: [UInt64]
    /// The machine and the program, for the table at the end.
    package var facts: [Setting]
    /// The experiments in the order to show them.
    package var sections: [StudySection]
    /// How long everything took.
    package var seconds: Double

    /// Gathers sections.
    package init(
        title: String,
        paper: String,
        seeds: [UInt64],
        facts: [Setting],
        sections: [StudySection],
        seconds: Double
    ) {
        self.title = title
        self.paper = paper
        self.seeds = seeds
        self.facts = facts
        self.sections = sections
        self.seconds = seconds
    }

    /// All checks of all sections.
    var checks: [StudyCheck] { sections.flatMap(\.checks) }
}

/// What one experiment measured.
package struct StudySection: Sendable, Encodable {
    /// The experiment's name on the command line.
    package var name: String
    /// The heading.
    package var title: String
    /// What is claimed, and by whom.
    package var claims: [StudyClaim]
    /// How it was measured: settings that a reader needs to judge the numbers.
    package var settings: [Setting]
    /// The numbers.
    package var tables: [StudyTable]
    /// What is to be seen.
    package var figures: [Figure]
    /// What was expected and what was found.
    package var checks: [StudyCheck]
    /// What the numbers do not show, or what was left out.
    package var remarks: [String]
    /// How long it took.
    package var seconds: Double

    /// Gathers what an experiment measured; whoever runs it sets the time.
    package init(
        name: String,
        title: String,
        claims: [StudyClaim] = [],
        settings: [Setting] = [],
        tables: [StudyTable] = [],
        figures: [Figure] = [],
        checks: [StudyCheck] = [],
        remarks: [String] = [],
        seconds: Double = 0
    ) {
        self.name = name
        self.title = title
        self.claims = claims
        self.settings = settings
        self.tables = tables
        self.figures = figures
        self.checks = checks
        self.remarks = remarks
        self.seconds = seconds
    }
}

/// A sentence that an experiment examines, with whose it is.
package struct StudyClaim: Sendable, Equatable, Encodable {
    /// Who says so.
    package enum Source: String, Sendable, Encodable {
        /// The paper.
        case paper
        /// An earlier small measurement of ours in another program.
        case notes
        /// An expectation of ours.
        case ours
    }

    /// Who says so.
    package var source: Source
    /// What is said.
    package var text: String

    /// Quotes a claim.
    package init(_ source: Source, _ text: String) {
        self.source = source
        self.text = text
    }
}

/// Numbers in rows; the first cell of a row names it.
package struct StudyTable: Sendable, Encodable {
    /// A cell: a word or a number.
    package enum Cell: Sendable, Equatable, Encodable {
        /// A word.
        case text(String)
        /// A number, shown with three significant digits.
        case number(Double)
        /// A count, shown in full.
        case count(Int)
        /// Nothing was measured or is known.
        case none

        /// What a page shows.
        var shown: String {
            switch self {
            case .text(let text): text
            case .number(let value): NumberText.significant(value)
            case .count(let count): NumberText.grouped(Int64(count))
            case .none: "–"
            }
        }

        /// Writes the bare word or number; what is not finite becomes null.
        package func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .text(let text): try value.encode(text)
            case .number(let number) where number.isFinite: try value.encode(number)
            case .count(let count): try value.encode(count)
            case .number, .none: try value.encodeNil()
            }
        }
    }

    /// The heading.
    package var title: String
    /// A sentence below it.
    package var caption: String
    /// The names of the columns.
    package var header: [String]
    /// The rows, each with as many cells as the header.
    package var rows: [[Cell]]

    /// Gathers rows.
    package init(_ title: String, caption: String = "", header: [String], rows: [[Cell]]) {
        self.title = title
        self.caption = caption
        self.header = header
        self.rows = rows
    }

    /// The rows as a page shows them.
    var shownRows: [[String]] { rows.map { $0.map(\.shown) } }
}

/// A number with what it was expected to be. Whether that holds is computed from the two, never stated.
package struct StudyCheck: Sendable, Encodable {
    /// What a number is expected to be.
    package enum Bound: Sendable, Equatable {
        /// Not above a bound.
        case atMost(Double)
        /// Not below a bound.
        case atLeast(Double)
        /// Between two bounds.
        case between(Double, Double)

        /// Whether a number is so; a number that is not finite never is.
        func admits(_ value: Double) -> Bool {
            guard value.isFinite else { return false }
            return switch self {
            case .atMost(let bound): value <= bound
            case .atLeast(let bound): value >= bound
            case .between(let low, let high): low <= value && value <= high
            }
        }

        /// In words.
        var shown: String {
            switch self {
            case .atMost(let bound): "at most \(NumberText.short(bound))"
            case .atLeast(let bound): "at least \(NumberText.short(bound))"
            case .between(let low, let high): "\(NumberText.short(low)) to \(NumberText.short(high))"
            }
        }
    }

    /// What the number is.
    package let what: String
    /// What it was expected to be.
    package let expected: Bound
    /// What it is.
    package let found: Double
    /// Who expected it.
    package let source: StudyClaim.Source

    /// Compares a number with what was expected of it.
    package init(
        _ what: String,
        found: Double,
        expected: Bound,
        source: StudyClaim.Source = .ours
    ) {
        self.what = what
        self.expected = expected
        self.found = found
        self.source = source
    }

    /// Whether the number is what it was expected to be.
    package var holds: Bool { expected.admits(found) }

    /// The verdict in words.
    var verdict: String { holds ? "holds" : "does not hold" }

    private enum CodingKeys: String, CodingKey {
        case what, expected, found, source, holds
    }

    /// Writes the verdict beside what it was computed from; a number that is not finite becomes null.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(what, forKey: .what)
        try values.encode(expected.shown, forKey: .expected)
        try values.encode(found.isFinite ? found : nil, forKey: .found)
        try values.encode(source, forKey: .source)
        try values.encode(holds, forKey: .holds)
    }
}
