internal import Contract

/// What only some runs have: metrics and figures of a trainer, rounds that were not taken, monitors, updates.
extension ReportPage {
    var metrics: String {
        Page.section(
            "Further metrics",
            "What else evaluations measured, by round"
                + (measuredRounds.count > 8 ? "; eight of them, and summary.json has all." : "."),
            table: HTMLTable(
                header: ["metric"] + (shownRounds.isEmpty ? ["value"] : shownRounds.map { "\($0.round)" }),
                rows: summary.metrics.sorted { $0.key < $1.key }.map { name, value in
                    let byRound = shownRounds.map { $0.metrics?[name].map(NumberText.significant) ?? "–" }
                    return [name] + (byRound.isEmpty ? [NumberText.significant(value)] : byRound)
                },
                className: "narrow"
            )
        )
    }

    private var measuredRounds: [RoundHistory] { summary.history.filter { $0.metrics != nil } }

    /// At most eight, evenly spread, with the first and the last.
    private var shownRounds: [RoundHistory] {
        let all = measuredRounds
        return all.count <= 8 ? all : (0..<8).map { all[$0 * (all.count - 1) / 7] }
    }

    var trainerFigures: String {
        Page.section(
            "What the trainer shows",
            "Figures of the last evaluation and of monitors.",
            figures: summary.figures.enumerated().map { index, figure in
                figure.html(id: "figure-\(index + 1)")
            }
        )
    }

    var vetoes: String {
        Page.section(
            "Rounds not taken",
            "What these rounds ended with was refused, and the adapter from before them went on.",
            table: HTMLTable(
                header: ["round", "why", "whose updates were in it"],
                rows: summary.history.compactMap { round in
                    round.vetoed.map { reason in
                        let clients = round.vetoedClients ?? []
                        return [
                            "\(round.round)", reason, clients.isEmpty ? "–" : clients.joined(separator: ", "),
                        ]
                    }
                },
                className: "reasons"
            )
        )
    }

    var monitors: String {
        let names = Set(summary.history.flatMap { ($0.monitors ?? [:]).keys }).sorted()
        return Page.section(
            "What monitors saw",
            "Monitors look at every merged adapter; they decide nothing.",
            figures: names.enumerated().map { index, name in
                chart(name, id: "monitor-\(index + 1)") { $0.monitors?[name] }
            }
        )
    }

    var combined: String {
        let names = Set(summary.history.flatMap { ($0.combined ?? [:]).keys }).sorted()
        return Page.section(
            "What public steps came to",
            "Means over each round's public steps, in which the trainer's judge combines the clients' responses itself.",
            figures: names.enumerated().map { index, name in
                chart(name, id: "combined-\(index + 1)") { $0.combined?[name] }
            }
        )
    }

    var updates: String {
        let last = summary.history.last { $0.updates != nil }
        let updates = last?.updates ?? [:]
        let names = Set(updates.values.flatMap(\.keys)).sorted()
        return Page.section(
            "Updates of round \(last?.round ?? 0)",
            "Each client's update on its way: its Euclidean norm, what transforms did to it on either side, and what "
                + "the encoding still owes. summary.json has every round.",
            table: HTMLTable(
                header: ["client"] + names.map { $0.replacing("update/", with: "") },
                rows: updates.sorted { $0.key < $1.key }.map { client, values in
                    [client] + names.map { values[$0].map(NumberText.significant) ?? "–" }
                }
            )
        )
    }

    private func chart(_ name: String, id: String, _ value: (RoundHistory) -> Double?) -> String? {
        let values = summary.history.compactMap { round in
            value(round).map { (round: round.round, value: $0) }
        }
        let chart = LineChart(
            frame: ChartFrame(
                id: id,
                title: "\(name) by round",
                description: values.map { "round \($0.round) \(NumberText.significant($0.value))" }
                    .joined(separator: ", "),
                height: 240
            ),
            xName: "round",
            yName: name,
            series: [
                .init(name: name, style: .plain, points: values.map { (x: Double($0.round), y: $0.value) })
            ],
            zero: false
        )
        let table = HTMLTable(
            header: ["round", name],
            rows: values.map { ["\($0.round)", NumberText.significant($0.value)] }
        )
        return Page.figure(name, "", chart: chart.svg(), table: table.html)
    }
}
