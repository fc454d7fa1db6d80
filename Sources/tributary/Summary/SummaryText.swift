internal import Contract
internal import Report

/// A summary as text for a terminal.
struct SummaryText {
    let summary: RunSummary

    /// The table of scores, the bytes, the digest.
    var text: String {
        [heading, scores, traffic, "adapter digest \(summary.adapterDigest)\n"].joined(separator: "\n")
    }

    private var heading: String {
        "\(summary.federation): \(summary.clients) clients, \(summary.rounds) rounds, seed \(summary.seed)\n"
    }

    private var scores: String {
        let methods: [(name: String, score: Score)] = [
            ("base", summary.scores.base), ("local only", summary.scores.localOnly),
            ("no swap", summary.scores.noSwap), ("federated", summary.scores.federated),
        ].compactMap { name, score in score.map { (name, $0) } }
        let slices = summary.scores.federated.bySlice.keys.sorted()
        let rows = slices.map { slice in
            [slice] + methods.map { method in method.score.bySlice[slice].map(text) ?? "–" }
        }
        let table = TextTable(
            header: [summary.measure.name] + methods.map(\.name),
            rows: rows + [["all"] + methods.map { text($0.score.overall) }]
        )
        let vetoes = summary.history.compactMap { round in
            round.vetoed.map { why in
                "round \(round.round) was not taken: \(why); updates of "
                    + "\((round.vetoedClients ?? []).joined(separator: ", "))\n"
            }
        }
        return table.text + vetoes.joined()
    }

    private var traffic: String {
        let bytes = summary.bytes
        var line = "bytes: \(bytes.up) up, \(bytes.down) down, \(bytes.total) in all"
        if bytes.fullModelSync > 0, bytes.total > 0 {
            let ratio = ProgressDisplay.fixed(Double(bytes.fullModelSync) / Double(bytes.total), 1)
            line += "; synchronising full models: \(bytes.fullModelSync), \(ratio) times as much"
        }
        return line + "\n"
    }

    private func text(_ value: Double) -> String { ScoreText.text(value, summary.measure) }
}
