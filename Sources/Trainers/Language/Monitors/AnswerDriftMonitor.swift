package import Contract
internal import Glibc
internal import Models
internal import Randomness
internal import Tasks

/// How far a language model's answers to the public set have moved from the base model's: the total variation
/// distance between the distributions over whole answers,
///
///     TV = E_{y ~ base} max(0, 1 − π(y) / π_base(y)),
///
/// 0 for the base model itself, 1 for a model that never gives an answer of the base's. Estimated without bias from
/// answers that the base model gave once, so the same answers are used in every round.
package struct AnswerDriftMonitor: RoundMonitor {
    /// `answerDrift`.
    package static let name = "answerDrift"

    /// The settings behind `answerDrift`.
    package struct Settings: TrainerSettings {
        /// The most public questions that are used, spread evenly over all of them.
        package var items = 32
        /// How many answers the base model gives to each.
        package var samples = 4
        /// The temperature of the answers.
        package var temperature = 1.0

        /// The defaults.
        package init() {}

        /// Checks the ranges.
        package func validate() throws(SettingsFault) {
            try SettingsFault.require(
                (1...65_536).contains(items),
                "items",
                "found \(items), expected 1 … 65536"
            )
            try SettingsFault.require(
                (1...1024).contains(samples),
                "samples",
                "found \(samples), expected 1 … 1024"
            )
            try SettingsFault.require(
                SamplingSettings.temperatures.contains(temperature),
                "temperature",
                "found \(temperature), expected 0.001 … 100"
            )
        }
    }

    private let temperature: Float
    private let adapter: Adapter
    private let decoder: LanguageDecoder
    private let topics: [String]
    private let batches: [PackedBatch]
    /// log π_base of each answer, by question and sample.
    private let baseLogProbs: [[Double]]

    /// Loads the model, and has the base model answer.
    ///
    /// - Throws: `SettingsFault` for a trainer without a language model.
    package init(settings: Settings, context: CoordinatorContext) throws {
        let task = try LanguageTask(watching: context.run)
        let all = try LanguageData.publicQuestions(context)
        let count = min(settings.items, all.count)
        let questions = (0..<count).map { all[$0 * all.count / count] }
        let prompts = try task.prompts(of: questions, set: "public")
        adapter = try Adapter(for: task.base, task.adapter, seed: context.run.seed)
        decoder = LanguageDecoder(task.base, adapter: adapter)
        temperature = Float(settings.temperature)
        let answers = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: settings.samples,
            settings: SamplingSettings(maxTokens: task.maxTokens, temperature: temperature, stop: task.eos),
            withAdapter: false
        ) { question, sample in
            RandomStream(seed: context.run.seed, "answer-drift", question, sample)
        }
        topics = questions.map(\.topic)
        batches = zip(prompts, answers).map { prompt, answers in
            PackedBatch(groups: [(prompt, answers.map(\.tokens))])
        }
        baseLogProbs = batches.map { [decoder, temperature] batch in
            decoder.scores(of: batch, temperature: temperature, withAdapter: false)[0].map(\.logProb)
        }
    }

    /// `answerDrift`, its standard error over questions, and bars by topic.
    package func observe(_ weights: AdapterWeights, round: Int) throws -> MonitorReport {
        try adapter.load(weights)
        let distances = zip(batches, baseLogProbs).map { batch, base in
            let scores = decoder.scores(of: batch, temperature: temperature)[0]
            let parts = zip(scores, base).map { max(0, 1 - exp($0.logProb - $1)) }
            return parts.reduce(0, +) / Double(max(parts.count, 1))
        }
        let count = Double(distances.count)
        let mean = distances.reduce(0, +) / count
        let squares = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let error = count > 1 ? (squares / (count - 1) / count).squareRoot() : 0
        let names = Set(topics).sorted()
        let byTopic = names.map { name in
            let own = zip(topics, distances).filter { $0.0 == name }.map(\.1)
            return own.reduce(0, +) / Double(max(own.count, 1))
        }
        return MonitorReport(
            metrics: ["answerDrift": mean, "answerDrift/standard_error": error],
            figures: [
                Figure(
                    "Drift of answers by topic",
                    caption:
                        "Total variation between the distributions over answers of the merged model and of the "
                        + "base model, on public questions: 0 where nothing changed, 1 where no answer is left.",
                    .bars(
                        Figure.Bars(
                            xName: "topic",
                            yName: "total variation",
                            groups: names,
                            series: [.init("drift", values: byTopic)]
                        )
                    )
                )
            ]
        )
    }
}
