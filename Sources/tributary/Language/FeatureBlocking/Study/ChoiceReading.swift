internal import Contract
internal import Glibc
internal import Models
internal import Randomness
internal import Trainers

/// How a model answers questions, by the log-probabilities of their options; an entry for each question.
struct ChoiceReading: Sendable {
    /// The probability of the right option among the four.
    var right: [Double]
    /// That of the wrong option that training on wrong answers would take.
    var wrong: [Double]
    /// 1 where the right option is the most likely one.
    var hits: [Double]

    /// Reads a model.
    init(_ decoder: LanguageDecoder, _ questions: [ChoiceQuestion]) {
        (right, wrong, hits) = ([], [], [])
        for first in stride(from: 0, to: questions.count, by: 24) {
            let part = questions[first..<min(first + 24, questions.count)]
            let scores = decoder.scores(of: PackedBatch(groups: part.map { ($0.prompt, $0.options) }))
            for (question, scores) in zip(part, scores) {
                let logs = scores.map(\.logProb)
                let most = logs.max() ?? 0
                let weights = logs.map { exp($0 - most) }
                let sum = weights.reduce(0, +)
                right.append(weights[question.right] / sum)
                wrong.append(weights[question.wrong] / sum)
                hits.append(logs[question.right] == most ? 1 : 0)
            }
        }
    }

    /// The mean over several models, question by question.
    init(mean readings: [ChoiceReading]) {
        func mean(_ values: (ChoiceReading) -> [Double]) -> [Double] {
            guard let first = readings.first else { return [] }
            return values(first).indices.map { place in
                readings.reduce(0) { $0 + values($1)[place] } / Double(readings.count)
            }
        }
        right = mean(\.right)
        wrong = mean(\.wrong)
        hits = mean(\.hits)
    }
}

/// A mean over questions, or of differences at the same questions, with where it may lie.
struct ChoiceEstimate: Sendable {
    /// The mean.
    let value: Double
    /// The 95 % percentile interval of the bootstrap over questions; training seeds are not resampled.
    let interval: Interval?

    /// Resamples questions.
    init(_ values: [Double]) {
        value = values.mean ?? .nan
        interval = Bootstrap.interval(
            prompts: Array(values.indices),
            stream: RandomStream(seed: 0, "choice-bootstrap")
        ) { rows in rows.map { values[$0] }.mean }
    }

    /// The difference of two readings of the same questions.
    init(_ values: [Double], minus others: [Double]) {
        precondition(
            values.count == others.count,
            "ChoiceEstimate: \(values.count) questions and \(others.count)"
        )
        self.init(zip(values, others).map { $0 - $1 })
    }
}
