internal import Contract

/// Several methods over several seeds, as a page, as JSON and as text for a terminal.
package struct ReproductionReport {
    let reproduction: Reproduction
    /// How values of the measure are written.
    let measureText: MeasureText

    /// Takes the runs.
    package init(_ reproduction: Reproduction) {
        self.reproduction = reproduction
        measureText = MeasureText(reproduction.measure)
    }

    /// The content of the JSON file: the runs, the paired differences and the means.
    ///
    /// - Throws: `EncodingError` if a number is not finite.
    package func json() throws -> [UInt8] {
        struct Content: Encodable {
            let runs: Reproduction
            let means: [String: Statistics]
            let pairedDifferences: [PairedDifference]
        }
        let means = reproduction.methods.map { ($0.name, Statistics($0.runs.map(\.score.overall))) }
        return try JSONText.bytes(
            Content(
                runs: reproduction,
                means: Dictionary(means, uniquingKeysWith: { first, _ in first }),
                pairedDifferences: reproduction.pairedDifferences
            )
        )
    }

    /// The two tables as text in columns.
    package func text() -> String {
        let tables = [methodTable, differenceTable].filter { !$0.rows.isEmpty }
        return tables.map { TextTable(header: $0.header, rows: $0.rows).text }.joined(separator: "\n")
    }

    /// The page: no scripts, nothing loaded from anywhere.
    package func html() -> String {
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
        let measure = reproduction.measure
        let unit = measure.unit == .fraction ? "Means over seeds, in percent." : "Means over seeds."
        let table = Page.section(
            "All methods",
            [unit, measureText.direction].filter { !$0.isEmpty }.joined(separator: " "),
            table: HTMLTable(header: methodTable.header, rows: methodTable.rows)
        )
        var sentences = measure.meaning.isEmpty ? [] : ["\(measure.name) is \(measure.meaning)."]
        sentences += [measureText.direction].filter { !$0.isEmpty }
        sentences.append(
            "Every method has the same seeds, the same held-out set and the same number of steps. Faint dots are "
                + "single seeds, the upright stroke is their mean, the whiskers one standard error either way."
        )
        return Page.section(
            "Held-out \(measure.name)",
            sentences.joined(separator: " "),
            figures: [methodChart, differenceChart],
            remark: measuresSwaps ? ReportPage.honestRemark : nil
        ) + table
    }

    /// Whether any run counted silent groups, which only runs with public steps have.
    private var measuresSwaps: Bool {
        reproduction.metricNames.contains { $0.hasPrefix("silent") }
    }

    private var settings: String {
        let rows = reproduction.settings.map { [$0.name, $0.value] }
        return Page.section("Settings", "", table: HTMLTable(header: [], rows: rows, className: "plain"))
    }

    private var methodChart: String? {
        let base = reproduction.base.map {
            IntervalChart.Row(name: "base", values: [$0.overall], style: .base)
        }
        let chart = IntervalChart(
            frame: ChartFrame(
                id: "methods",
                title: "\(reproduction.measure.name) by method",
                description: methodTable.rows.map { "\($0[0]) \($0[1])" }.joined(separator: ", ")
            ),
            xName: measureText.axis,
            rows: [base].compactMap { $0 }
                + reproduction.methods.map { method in
                    .init(name: method.name, values: method.runs.map(\.score.overall), style: .plain)
                },
            factor: measureText.factor,
            valueText: measureText.bare
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
        let side = reproduction.measure.higherIsBetter ? "right" : "left"
        let chart = IntervalChart(
            frame: ChartFrame(
                id: "differences",
                title: "Paired differences in \(reproduction.measure.name)",
                description: differenceTable.rows.map { "\($0[0]): \($0[1])" }.joined(separator: ", ")
            ),
            xName: measureText.differenceAxis,
            rows: differences.map { difference in
                .init(name: label(difference), values: difference.differences, style: .localOnly)
            },
            zero: true,
            factor: measureText.factor,
            valueText: measureText.difference
        )
        return Page.figure(
            "Paired differences",
            "Each dot compares two methods at the same seed; \(side) of zero the first is better.",
            chart: chart.svg(),
            table: HTMLTable(header: differenceTable.header, rows: differenceTable.rows).html
        )
    }
}
