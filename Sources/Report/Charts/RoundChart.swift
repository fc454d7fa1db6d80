/// Amounts by round: bars, or lines where there are too many rounds for bars.
struct RoundChart {
    struct Series {
        let name: String
        let style: SeriesStyle
        let values: [Double]
    }

    private static let barsMax = 40

    var frame: ChartFrame
    let yName: String
    /// The rounds, ascending; each series has a value for each.
    let rounds: [Int]
    let series: [Series]
    var barLabel: ((Double) -> String)?

    /// Whether the amounts are drawn as bars.
    var hasBars: Bool { rounds.count <= Self.barsMax }

    /// The image; nil if there is nothing to draw.
    func svg() -> String? {
        hasBars ? bars.svg() : lines.svg()
    }

    private var bars: BarChart {
        BarChart(
            frame: frame,
            xName: "round",
            yName: yName,
            series: series.map { ($0.name, $0.style) },
            groups: rounds.enumerated().map { index, round in
                BarChart.Group(
                    name: "\(round)",
                    values: series.map { index < $0.values.count ? $0.values[index] : nil }
                )
            },
            barLabel: barLabel,
            thinsLabels: true
        )
    }

    private var lines: LineChart {
        LineChart(
            frame: frame,
            xName: "round",
            yName: yName,
            series: series.map { series in
                LineChart.Series(
                    name: series.name,
                    style: series.style,
                    points: zip(rounds, series.values).map { (x: Double($0), y: $1) }
                )
            }
        )
    }
}
