extension ReportPage {
    var traffic: String {
        let bytes = summary.bytes
        guard bytes.total > 0 else { return "" }
        let ratio = Double(bytes.fullModelSync) / Double(bytes.total)
        let comparison =
            bytes.fullModelSync > 0
            ? " Sending the whole model both ways in every round would have taken "
                + "\(NumberText.bytes(bytes.fullModelSync)), \(NumberText.significant(ratio)) times as much."
            : ""
        return Page.section(
            "What crossed the wire",
            "Compressed bytes of all clients and rounds together, as the coordinator counted them.\(comparison)",
            figures: [byKind, bytesByRound]
        )
    }

    private var byKind: String? {
        let bytes = summary.bytes
        var rows: [DotChart.Row] = []
        for count in bytes.byKind {
            for (value, arrow, style) in [(count.up, "↑", SeriesStyle.up), (count.down, "↓", .down)] {
                guard value > 0 else { continue }
                rows.append(row("\(count.kind) \(arrow)", value, style))
            }
        }
        rows.append(row("all", bytes.total, .total))
        if bytes.fullModelSync > 0 { rows.append(row("full model", bytes.fullModelSync, .base)) }
        let chart = DotChart(
            frame: ChartFrame(
                id: "by-kind",
                title: "Bytes by kind and direction",
                description: rows.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
            ),
            xName: "bytes, each line ten times the one before",
            rows: rows,
            format: { NumberText.bytes(Int($0), NumberText.short) }
        )
        let table = HTMLTable(
            header: ["kind", "up", "down"],
            rows: bytes.byKind.map { [$0.kind, NumberText.bytes($0.up), NumberText.bytes($0.down)] }
                + [["all", NumberText.bytes(bytes.up), NumberText.bytes(bytes.down)]]
        )
        return Page.figure(
            "By kind and direction",
            bytes.fullModelSync > 0
                ? "Full model: what synchronising whole models would have sent in as many rounds." : "",
            chart: chart.svg(),
            legend: [
                ("↑ client to coordinator", .up), ("↓ coordinator to client", .down),
                ("both ways", .total),
            ] + (bytes.fullModelSync > 0 ? [("full model, not sent", .base)] : []),
            table: table.html
        )
    }

    private func row(_ name: String, _ bytes: Int, _ style: SeriesStyle) -> DotChart.Row {
        DotChart.Row(name: name, value: Double(bytes), text: NumberText.bytes(bytes), style: style)
    }

    private var bytesByRound: String? {
        let rounds = summary.history.filter { !$0.bytes.isEmpty }
        guard rounds.count > 1 else { return nil }
        let largest = rounds.map { round in round.bytes.map { max($0.up, $0.down) }.reduce(0, +) }.max() ?? 0
        let unit: (size: Double, name: String) =
            largest >= 10_000_000 ? (1e6, "MB") : largest >= 10_000 ? (1e3, "kB") : (1, "B")
        let total = { (round: RoundHistory, way: (ByteCount) -> Int) in
            round.bytes.reduce(0) { $0 + way($1) }
        }
        let chart = RoundChart(
            frame: ChartFrame(
                id: "bytes-by-round",
                title: "Bytes by round",
                description: "Bytes up and down in each of \(rounds.count) rounds."
            ),
            yName: unit.name,
            rounds: rounds.map(\.round),
            series: [
                .init(
                    name: "up",
                    style: .up,
                    values: rounds.map { Double(total($0, { $0.up })) / unit.size }
                ),
                .init(
                    name: "down",
                    style: .down,
                    values: rounds.map { Double(total($0, { $0.down })) / unit.size }
                ),
            ]
        )
        let table = HTMLTable(
            header: ["round", "up", "down"],
            rows: rounds.map { round in
                [
                    "\(round.round)", NumberText.bytes(total(round, { $0.up })),
                    NumberText.bytes(total(round, { $0.down })),
                ]
            }
        )
        return Page.figure(
            "By round",
            "All clients together.",
            chart: chart.svg(),
            legend: [("↑ client to coordinator", .up), ("↓ coordinator to client", .down)],
            shape: chart.hasBars ? .bar : .line,
            table: table.html
        )
    }
}
