internal import Report

/// A summary as text for a terminal.
struct SummaryText {
    let summary: RunSummary

    /// The table of scores, the bytes, the digest.
    var text: String {
        [heading, scores, traffic, "adapter SHA-256 \(summary.adapterSHA256)\n"].joined(separator: "\n")
    }

    private var heading: String {
        "\(summary.federation): \(summary.clients) clients, \(summary.rounds) rounds, seed \(summary.seed)\n"
    }

    private var scores: String {
        let methods: [(name: String, score: Score)] = [
            ("base", summary.passAt1.base), ("local only", summary.passAt1.localOnly),
            ("no swap", summary.passAt1.noSwap), ("federated", summary.passAt1.federated),
        ].compactMap { name, score in score.map { (name, $0) } }
        let topics = summary.passAt1.federated.byTopic.keys.sorted()
        let rows = topics.map { topic in
            [topic] + methods.map { method in method.score.byTopic[topic].map(SummaryText.score) ?? "–" }
        }
        let table = TextTable(
            header: ["pass@1"] + methods.map(\.name),
            rows: rows + [["all topics"] + methods.map { SummaryText.score($0.score.overall) }]
        )
        return table.text
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

    private static func score(_ value: Double) -> String { ProgressDisplay.fixed(value, 3) }
}
