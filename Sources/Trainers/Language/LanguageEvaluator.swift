internal import Contract
internal import Glibc
internal import Models
internal import Randomness
internal import Tasks

/// Measures an adapter on held-out questions: pass@1 and greedy accuracy, by topic.
final class LanguageEvaluator {
    private let task: LanguageTask
    private let settings: EvaluationSettings
    private let tokensPerPass: Int
    private let seed: UInt64
    private let adapter: Adapter
    private let decoder: LanguageDecoder
    private let topics: [HeldOutTopic]
    private let isExpected: Bool

    /// - Throws: What `topics` throws.
    init(
        task: LanguageTask,
        settings: EvaluationSettings,
        tokensPerPass: Int,
        questions: [Question],
        seed: UInt64
    ) throws {
        self.task = task
        self.settings = settings
        self.tokensPerPass = tokensPerPass
        self.seed = seed
        adapter = try Adapter(for: task.base, task.adapter, seed: seed)
        decoder = LanguageDecoder(task.base, adapter: adapter)
        (isExpected, topics) = try LanguageEvaluator.topics(of: questions, task, settings)
    }

    /// Checks held-out questions, and puts them into tokens by topic; says too whether pass@1 is the right answer's
    /// probability.
    ///
    /// - Throws: `SettingsFault` where the method does not go with the questions; `QuestionFault` for a question that cannot
    ///   be used.
    static func topics(
        of questions: [Question],
        _ task: LanguageTask,
        _ settings: EvaluationSettings
    ) throws -> (isExpected: Bool, topics: [HeldOutTopic]) {
        let areExact = questions.allSatisfy { $0.kind == .exact }
        let isExpected = settings.method == .expected || settings.method == .auto && areExact
        if isExpected, let other = questions.first(where: { $0.kind != .exact }) {
            throw SettingsFault(
                key: "evaluation.method",
                reason:
                    "is expected, which needs one exact text as answer, but the held-out question '\(other.id)' is "
                    + "\(other.kind.rawValue); expected sampled or auto"
            )
        }
        let topics = try Set(questions.map(\.topic)).sorted().map { topic in
            let chosen = Array(questions.filter { $0.topic == topic }.prefix(settings.itemsPerTopic))
            return HeldOutTopic(
                name: topic,
                questions: chosen,
                prompts: try isExpected
                    ? task.prompts(of: chosen, set: "held-out")
                    : task.gradedPrompts(of: chosen, set: "held-out"),
                labels: isExpected ? try chosen.map { try task.label(of: $0, set: "held-out") } : []
            )
        }
        return (isExpected, topics)
    }

    /// pass@1, the chance that one sampled answer is right.
    static let measure = Measure(
        key: "passAt1",
        name: "pass@1",
        unit: .fraction,
        meaning: "the chance that one sampled answer is right",
        slice: "topic"
    )

    func evaluate(_ weights: AdapterWeights, round: Int) throws -> Evaluation {
        try adapter.load(weights)
        let slices = topics.map { topic in
            let (passed, greedy) = isExpected ? expected(topic) : sampled(topic, round: round)
            let count = Double(topic.questions.count)
            return SliceEvaluation(
                name: topic.name,
                items: topic.questions.count,
                value: passed / count,
                metrics: settings.greedy ? ["greedyAccuracy": greedy / count] : [:]
            )
        }
        let greedy = slices.compactMap { $0.metrics["greedyAccuracy"] }
        let mean = greedy.reduce(0, +) / Double(max(greedy.count, 1))
        return Evaluation(
            LanguageEvaluator.measure,
            meanOf: slices,
            metrics: greedy.isEmpty ? [:] : ["greedyAccuracy": mean]
        )
    }

    /// The sums over questions of the right answer's probability, and of whether it is the greedy one:
    /// there is one right string, so expected pass@1 is its probability.
    private func expected(_ topic: HeldOutTopic) -> (passed: Double, greedy: Double) {
        var (passed, greedy) = (0.0, 0.0)
        var first = 0
        while first < topic.labels.count {
            var end = first
            var size = 0
            var groups: [(prompt: [Int32], responses: [[Int32]])] = []
            while end < topic.labels.count, groups.isEmpty || size < tokensPerPass {
                groups.append((topic.prompts[end], [topic.labels[end]]))
                size += topic.prompts[end].count + topic.labels[end].count
                end += 1
            }
            let scores = decoder.scores(
                of: PackedBatch(groups: groups),
                temperature: Float(settings.temperature)
            )
            for score in scores.joined() {
                passed += exp(score.logProb)
                greedy += score.isGreedy ? 1 : 0
            }
            first = end
        }
        return (passed, greedy)
    }

    /// The sums over questions of the share of right samples, and of right greedy answers.
    private func sampled(_ topic: HeldOutTopic, round: Int) -> (passed: Double, greedy: Double) {
        func share(samples: Int, temperature: Float, purpose: String) -> Double {
            let completions = decoder.generate(
                prompts: topic.prompts,
                samplesPerPrompt: samples,
                settings: SamplingSettings(
                    maxTokens: task.maxTokens,
                    temperature: temperature,
                    stop: task.eos
                )
            ) { [seed] prompt, sample in
                RandomStream(seed: seed, purpose, topic.name, round, prompt, sample)
            }
            return zip(topic.questions, completions).reduce(0) { sum, pair in
                sum + pair.1.reduce(0) { $0 + task.score($1.tokens, to: pair.0) } / Double(samples)
            }
        }
        let passed = share(
            samples: settings.samples,
            temperature: Float(settings.temperature),
            purpose: "evaluation"
        )
        let greedy = settings.greedy ? share(samples: 1, temperature: 0, purpose: "greedy") : 0
        return (passed, greedy)
    }
}

/// The held-out questions of one topic.
struct HeldOutTopic {
    var name: String
    var questions: [Question]
    var prompts: [[Int32]]
    /// The right answers as responses, where each has exactly one.
    var labels: [[Int32]]
}
