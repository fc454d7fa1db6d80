/// Several methods over several seeds, as a page, as JSON and as text for a terminal.
public struct ReproductionReport {
    let reproduction: Reproduction

    /// Takes the runs.
    public init(_ reproduction: Reproduction) { self.reproduction = reproduction }

    /// The content of the JSON file: the runs, the paired differences and the means.
    ///
    /// - Throws: `EncodingError` if a number is not finite.
    public func json() throws -> [UInt8] {
        struct Content: Encodable {
            let runs: Reproduction
            let means: [String: Statistics]
            let pairedDifferences: [PairedDifference]
        }
        let means = reproduction.methods.map { ($0.name, Statistics($0.runs.map(\.passAt1.overall))) }
        return try JSONText.bytes(
            Content(
                runs: reproduction,
                means: Dictionary(means, uniquingKeysWith: { first, _ in first }),
                pairedDifferences: reproduction.pairedDifferences
            )
        )
    }

    /// The two tables as text in columns.
    public func text() -> String {
        let tables = [methodTable, differenceTable].filter { !$0.rows.isEmpty }
        return tables.map { TextTable(header: $0.header, rows: $0.rows).text }.joined(separator: "\n")
    }

    /// The page: no scripts, nothing loaded from anywhere.
    public func html() -> String {
        let seeds = reproduction.seeds
        let list = seeds.count == 1 ? "seed \(seeds[0])" : "\(seeds.count) seeds"
        return Page.html(
            title: reproduction.title,
            body: Page.header(
                eyebrow: "Tributary reproduction",
                title: reproduction.title,
                subtitle:
                    "\(reproduction.methods.count) methods · \(list) · ± is the standard error of the mean"
            ) + results + settings
                + "<footer>Topology " + Markup.text("code", [:], reproduction.topology) + "</footer>"
        )
    }

    private var results: String {
        let table =
            "<section>" + Markup.text("h2", [:], "All methods")
            + Markup.text("p", [:], "Means over seeds, in percent.")
            + "<figure>" + HTMLTable(header: methodTable.header, rows: methodTable.rows).html
            + "</figure></section>\n"
        return Page.section(
            "Held-out pass@1",
            "Every method has the same seeds, questions and number of optimiser steps. Faint dots are single seeds, "
                + "the upright stroke is their mean, the whiskers one standard error either way.",
            figures: [methodChart, differenceChart],
            remark: ReportPage.honestRemark
        ) + table
    }

    private var settings: String {
        guard !reproduction.settings.isEmpty else { return "" }
        let rows = reproduction.settings.map { [$0.name, $0.value] }
        return "<section>" + Markup.text("h2", [:], "Settings") + "<figure>"
            + HTMLTable(header: [], rows: rows, className: "plain").html + "</figure></section>\n"
    }

    private var methodChart: String? {
        let base = reproduction.base.map {
            IntervalChart.Row(name: "base", values: [$0.overall], style: .base)
        }
        let chart = IntervalChart(
            frame: ChartFrame(
                id: "methods",
                title: "pass@1 by method",
                description: methodTable.rows.map { "\($0[0]) \($0[1])" }.joined(separator: ", ")
            ),
            xName: "pass@1 (%)",
            rows: [base].compactMap { $0 }
                + reproduction.methods.map { method in
                    .init(name: method.name, values: method.runs.map(\.passAt1.overall), style: .plain)
                },
            format: { NumberText.fixed($0 * 100, 0) },
            valueText: { NumberText.fixed($0 * 100, 1) }
        )
        return Page.figure(
            "By method",
            "One dot for each seed; the number is the mean.",
            chart: chart.svg(),
            table: seedTable
        )
    }

    private var differenceChart: String? {
        let differences = reproduction.pairedDifferences
        let chart = IntervalChart(
            frame: ChartFrame(
                id: "differences",
                title: "Paired differences in pass@1",
                description: differenceTable.rows.map { "\($0[0]): \($0[1]) points" }.joined(separator: ", ")
            ),
            xName: "difference (points)",
            rows: differences.map { difference in
                .init(name: label(difference), values: difference.differences, style: .localOnly)
            },
            zero: true,
            format: { NumberText.fixed($0 * 100, 0) },
            valueText: { NumberText.points($0) }
        )
        return Page.figure(
            "Paired differences",
            "Each dot compares two methods at the same seed; right of zero the first is better.",
            chart: chart.svg(),
            table: HTMLTable(header: differenceTable.header, rows: differenceTable.rows).html
        )
    }
}
