package import Contract
internal import Models

/// The `sft` trainer: supervised fine-tuning on private conversations, or the private questions' answers, with public steps.
///
/// A local step lowers the mean negative log-likelihood of the answers of b examples. On a public step the client
/// answers like any other; it then learns, by the same loss, from the correct responses of its mixed
/// groups: its own and those it was given in place of wrong ones.
package final class SupervisedTrainer: LocalTrainer {
    /// `sft`.
    package static let name = "sft"
    private let supervised: SupervisedClient<SupervisedSettings>

    /// Loads the model and puts the private examples into tokens.
    ///
    /// - Throws: `QuestionFault` for an example outside of the vocabulary.
    package init(settings: SupervisedSettings, context: ClientContext) throws {
        supervised = try SupervisedClient(trainer: Self.name, settings: settings, context: context)
    }

    /// Counts the private examples, those cut and those left out.
    package static func examine(_ settings: SupervisedSettings, _ client: ClientContext) throws -> String {
        try SupervisedClient.examine(settings, client)
    }

    /// The low-rank factors, under PEFT's names.
    package var adapter: AdapterWeights { supervised.client.learner.adapter.weights }

    /// Takes over the broadcast factors.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try supervised.client.beginRound(round, adapter: adapter)
    }

    /// Supervised steps on private answers.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        try supervised.adapt(plan, progress: progress)
    }

    /// Samples K responses to each public prompt.
    package func respond(to batch: PublicBatch) throws -> [Response] {
        try supervised.client.respond(to: batch)
    }

    /// A supervised step on the correct responses of the mixed groups; nothing where there are none.
    package func absorb(_ pool: ResponsePool) throws -> StepReport { try supervised.absorb(pool) }

    /// Adapter, optimiser, position in the private set, and a batch in flight.
    package func snapshot() throws -> [UInt8] { supervised.client.snapshot() }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws { try supervised.client.restore(bytes) }
}

/// The judge of `sft`: it verifies every public response and measures pass@1.
package typealias SupervisedJudge = LanguageJudge<SupervisedSettings>
