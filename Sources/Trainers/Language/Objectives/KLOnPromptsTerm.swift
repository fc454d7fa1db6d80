internal import Contract
package import Models
internal import Tasks

/// Holds a model near its base on prompts other than those it is fine-tuned on: the divergence from the base model over the
/// whole vocabulary, on the base model's own greedy answers to public prompts,
///
///     loss = w (1/M) Σ_t KL(π(· | y_<t) ‖ π_base(· | y_<t))
///
/// with M the answer tokens of the prompts of one update. Ours: the natural rival of feature blocking where there are
/// public prompts, as in a federation; it needs no autoencoder, and one more pass over a few prompts.
package struct KLOnPromptsTerm: AddedTerm {
    static let name = "klOnPrompts"

    /// The settings behind `klOnPrompts`.
    struct Settings: TrainerSettings {
        /// w.
        var weight = 1.0
        /// The prompts of one update.
        var promptsPerStep = 8
        /// The most tokens of the base model's answers, end of sequence included.
        var maxTokens = 64
        /// Where the prompts come from, in the words of `data.public`.
        var prompts: DataSource?

        func validate() throws(SettingsFault) {
            try SettingsFault.require(
                (1e-12...1e6).contains(weight),
                "weight",
                "found \(weight), expected 1e-12 … 1e6"
            )
            for (key, value) in [("promptsPerStep", promptsPerStep), ("maxTokens", maxTokens)] {
                try SettingsFault.require(
                    (1...65_536).contains(value),
                    key,
                    "found \(value), expected 1 … 65536"
                )
            }
            try SettingsFault.require(
                prompts != nil,
                "prompts",
                "found none, expected where public prompts come from, as under data.public"
            )
        }
    }

    private var held: KLToBaseTerm
    private let groups: [LearningGroup]
    private let promptsPerStep: Int
    private let walk: ShuffledEpochs

    /// Makes the term.
    ///
    /// - Parameters:
    ///   - groups: Prompts with the base model's answers; at least one.
    ///   - weight: w.
    ///   - promptsPerStep: How many are used in one update.
    ///   - seed: Of their order.
    package init(_ groups: [LearningGroup], weight: Double, promptsPerStep: Int, seed: UInt64) {
        held = KLToBaseTerm(weight: weight)
        self.groups = groups
        self.promptsPerStep = promptsPerStep
        walk = ShuffledEpochs(count: groups.count, seed: seed, path: "kl-on-prompts")
    }

    /// Checks that every prompt can be expressed and leaves place for an answer.
    static func examine(_ settings: Settings, _ run: RunContext, _ task: LanguageTask) throws {
        _ = try prompts(settings, run, task)
    }

    private static func prompts(
        _ settings: Settings,
        _ run: RunContext,
        _ task: LanguageTask
    ) throws -> [[Int32]] {
        guard let prompts = settings.prompts?.resolvingPath(run.absolutePath) else {
            preconditionFailure("klOnPrompts: settings without prompts have been refused")
        }
        let questions = try prompts.questions(for: .publicSet, seed: run.seed)
        let limit = task.base.configuration.positionsMax
        let tokens = try questions.map {
            try task.tokens(of: $0.prompt, id: $0.id, set: "klOnPrompts", maxTokens: 0)
        }
        if let longest = tokens.map(\.count).max(), longest + settings.maxTokens > limit {
            throw SettingsFault(
                key: "maxTokens",
                reason: "found \(settings.maxTokens) behind a prompt of \(longest) tokens, "
                    + "expected both within the model's \(limit) positions"
            )
        }
        return tokens
    }

    init(_ settings: Settings, run: RunContext, task: LanguageTask) throws {
        let tokens = try KLOnPromptsTerm.prompts(settings, run, task)
        let groups = KLOnPromptsTerm.answers(
            to: tokens,
            of: task.base,
            maxTokens: settings.maxTokens,
            eos: task.eos
        )
        try SettingsFault.require(
            !groups.isEmpty,
            "prompts",
            "found \(tokens.count) to none of which the base model has an answer, expected at least one"
        )
        self.init(
            groups,
            weight: settings.weight,
            promptsPerStep: settings.promptsPerStep,
            seed: run.seed
        )
    }

    /// Prompts with the base model's greedy answers; those without an answer are left out.
    package static func answers(
        to prompts: [[Int32]],
        of base: BaseModel,
        maxTokens: Int,
        eos: Int32
    ) -> [LearningGroup] {
        LanguageDecoder(base).greedyAnswers(to: prompts, maxTokens: maxTokens, eos: eos)
    }

    /// The divergence.
    package var ownNeeds: PassNeeds { held.needs }

    /// Nothing: the batch is not what it holds.
    package mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        .zero(count: pass.logProbs.count)
    }

    /// The next prompts of a walk in shuffled epochs.
    package func ownGroups(step: Int) -> [LearningGroup] {
        var walk = walk
        return walk.elements(from: step * promptsPerStep, length: promptsPerStep).map { groups[$0] }
    }

    /// w times the mean divergence.
    package mutating func evaluateOwn(_ pass: ForwardPass) -> ObjectiveValue {
        held.evaluate(pass)
    }

    /// `objective/klOnPrompts`: the mean divergence, without w.
    package var metrics: [String: Double] { ["objective/klOnPrompts": held.mean] }
}
