extension ReportPage {
    var drift: String {
        Page.section(
            "How far the clients drift apart",
            "Between two rounds each client follows its own data. Averaging pulls them together again, and because "
                + "it averages the two factors of each adapter apart, it meets the mean of their products only nearly.",
            figures: [
                line(
                    id: "drift",
                    "Client drift",
                    "Mean distance of the clients' adapters from their mean, just before averaging.",
                    yName: "‖Wᵢ − W̄‖, mean over clients",
                    value: { $0.drift },
                    text: NumberText.significant
                ),
                line(
                    id: "gap",
                    "FedIT gap",
                    "Distance between the product of the mean factors and the mean of the products, relative to the latter.",
                    yName: "relative error (%)",
                    value: { $0.fedITGap },
                    text: { NumberText.percent($0) },
                    tick: { NumberText.short($0 * 100) }
                ),
            ]
        )
    }

    var swaps: String {
        Page.section(
            "What the swap did",
            "A group whose responses are all right or all wrong has no advantage and teaches nothing: it is silent. "
                + "The swap puts verified right answers of other clients in place of wrong ones.",
            figures: [silentGroups, swapCounts],
            remark: remark
        )
    }

    private var remark: String {
        guard let noSwap = summary.passAt1.noSwap else { return Self.honestRemark }
        let gain = NumberText.points(summary.passAt1.federated.overall - noSwap.overall)
        return "In this run, with this one seed, the swap was worth \(gain) points: "
            + "\(percent(summary.passAt1.federated.overall)) with it, \(percent(noSwap.overall)) without. "
            + Self.honestRemark
    }

    /// Said wherever the swap's effect is shown.
    static let honestRemark = """
        The swap's own gain is small where clients synchronise often and see similar questions; there most of the \
        improvement comes from averaging and from training on public questions at all. It is clear where clients are \
        far apart: long rounds, separate data, and many questions that one client never gets right and another does.
        """

    private func line(
        id: String,
        _ title: String,
        _ text: String,
        yName: String,
        value: (RoundHistory) -> Double?,
        text format: @escaping (Double) -> String,
        tick: @escaping (Double) -> String = NumberText.short
    ) -> String? {
        let points = summary.history.compactMap { round in
            value(round).map { (x: Double(round.round), y: $0) }
        }
        let listed = points.map { "round \(Int($0.x)) \(format($0.y))" }.joined(separator: ", ")
        let chart = LineChart(
            frame: ChartFrame(id: id, title: "\(title) by round", description: listed, height: 240),
            xName: "round",
            yName: yName,
            series: [.init(name: title, style: .plain, points: points)],
            format: tick
        )
        let table = HTMLTable(
            header: ["round", title],
            rows: points.map { ["\(Int($0.x))", format($0.y)] }
        )
        return Page.figure(title, text, chart: chart.svg(), table: table.html)
    }

    private var silentGroups: String? {
        let rounds = summary.history
        let chart = LineChart(
            frame: ChartFrame(
                id: "silent",
                title: "Silent public groups by round",
                description: rounds.map {
                    "round \($0.round): \(percent($0.silentBefore)) before, \(percent($0.silentAfter)) after"
                }.joined(separator: ", "),
                height: 240
            ),
            xName: "round",
            yName: "silent public groups (%)",
            series: [
                .init(name: "before", style: .before, points: points(rounds) { $0.silentBefore }),
                .init(name: "after", style: .after, points: points(rounds) { $0.silentAfter }),
            ],
            format: { NumberText.fixed($0 * 100, 0) }
        )
        let table = HTMLTable(
            header: ["round", "before swaps", "after swaps"],
            rows: rounds.map { ["\($0.round)", percent($0.silentBefore), percent($0.silentAfter)] }
        )
        return Page.figure(
            "Silent groups",
            "Public groups without advantage, before and after swaps.",
            chart: chart.svg(),
            table: table.html
        )
    }

    private var swapCounts: String? {
        let rounds = summary.history.filter { $0.swaps != nil }
        let chart = RoundChart(
            frame: ChartFrame(
                id: "swaps",
                title: "Responses swapped by round",
                description: rounds.map { "round \($0.round): \($0.swaps ?? 0)" }.joined(separator: ", "),
                height: 240
            ),
            yName: "responses swapped, all clients",
            rounds: rounds.map(\.round),
            series: [.init(name: "swaps", style: .plain, values: rounds.map { Double($0.swaps ?? 0) })],
            barLabel: { NumberText.fixed($0, 0) }
        )
        let table = HTMLTable(
            header: ["round", "swaps"],
            rows: rounds.map { ["\($0.round)", NumberText.grouped(Int64($0.swaps ?? 0))] }
        )
        return Page.figure(
            "Swaps",
            "How many wrong responses were replaced by verified right ones.",
            chart: chart.svg(),
            table: table.html
        )
    }

    private func points(
        _ rounds: [RoundHistory],
        _ value: (RoundHistory) -> Double?
    ) -> [(x: Double, y: Double)] {
        rounds.compactMap { round in value(round).map { (x: Double(round.round), y: $0) } }
    }
}
