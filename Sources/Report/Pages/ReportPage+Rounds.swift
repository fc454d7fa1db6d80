internal import Contract

extension ReportPage {
    var drift: String {
        let pull = "Between two rounds each client follows its own data. Averaging pulls them together again."
        let factors =
            "Because it averages the two factors of each adapter apart, it meets the mean of their products only "
            + "nearly."
        return Page.section(
            "How far the clients drift apart",
            summary.history.contains { $0.fedITGap != nil } ? "\(pull) \(factors)" : pull,
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
                    factor: 100
                ),
            ]
        )
    }

    var swaps: String {
        Page.section(
            "What the swap did",
            "A group whose responses are all accepted or all refused is silent: it teaches nothing to a trainer that "
                + "learns from differences within a group. The swap puts accepted responses of other clients in place of refused ones.",
            figures: [silentGroups, swapCounts],
            remark: remark
        )
    }

    private var remark: String {
        guard let noSwap = summary.scores.noSwap else { return Self.honestRemark }
        let federated = summary.scores.federated.overall
        let gain = measureText.gain(federated - noSwap.overall).replacing(NumberText.space, with: " ")
        let effect =
            summary.measure.higherIsBetter
            ? "was worth \(gain)" : "changed \(summary.measure.name), of which lower is better, by \(gain)"
        return
            "In this run, with this one seed, the swap \(effect): \(measureText.value(federated)) with it, "
            + "\(measureText.value(noSwap.overall)) without. " + Self.honestRemark
    }

    /// Said wherever the swap's effect is shown.
    static let honestRemark = """
        The swap's own gain is small where clients synchronise often and have similar data; there most of the \
        improvement comes from averaging and from public steps at all. It is clear where clients are far apart: long \
        rounds, separate data, and many public groups for which one client never has an accepted response and \
        another does.
        """

    private func line(
        id: String,
        _ title: String,
        _ text: String,
        yName: String,
        value: (RoundHistory) -> Double?,
        text format: @escaping (Double) -> String,
        factor: Double = 1
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
            factor: factor
        )
        let table = HTMLTable(
            header: ["round", title],
            rows: points.map { ["\(Int($0.x))", format($0.y)] }
        )
        return Page.figure(title, text, chart: chart.svg(), table: table.html)
    }

    private var silentGroups: String? {
        let rounds = summary.history.filter { $0.silentBefore != nil }
        guard !rounds.isEmpty else { return nil }
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
            factor: 100
        )
        let table = HTMLTable(
            header: ["round", "before swaps", "after swaps"],
            rows: rounds.map { ["\($0.round)", percent($0.silentBefore), percent($0.silentAfter)] }
        )
        return Page.figure(
            "Silent groups",
            "Public groups whose responses are all accepted or all refused, before and after swaps.",
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
            "How many refused responses were replaced by accepted ones.",
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

    private func percent(_ value: Double?) -> String { value.map { NumberText.percent($0) } ?? "–" }
}
