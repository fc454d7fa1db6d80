internal import Report
internal import Trainers

extension Score {
    /// The pass@1 of an evaluation.
    init(_ evaluation: Evaluation) {
        self.init(
            overall: evaluation.passAt1,
            byTopic: Dictionary(
                evaluation.topics.map { ($0.topic, $0.passAt1) },
                uniquingKeysWith: { first, _ in first }
            )
        )
    }

    /// The mean of several scores with the same topics; nil for none.
    static func mean(_ scores: [Score]) -> Score? {
        guard let first = scores.first else { return nil }
        let count = Double(scores.count)
        let topics = first.byTopic.keys.map { topic in
            (topic, scores.reduce(0) { $0 + ($1.byTopic[topic] ?? 0) } / count)
        }
        return Score(
            overall: scores.reduce(0) { $0 + $1.overall } / count,
            byTopic: Dictionary(topics, uniquingKeysWith: { first, _ in first })
        )
    }
}
