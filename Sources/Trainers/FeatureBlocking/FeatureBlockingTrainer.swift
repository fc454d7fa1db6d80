package import Contract
internal import Models

/// The `featureBlocking` trainer: supervised fine-tuning on narrow private data, with an eye on what it does elsewhere.
///
/// A local step is that of `sft`; `objectives: [blockFeatures: …]` holds chosen latents at the base's level, and without it this
/// is the control. On a public step the client answers probe prompts and says what its blocked latents did; the coordinator
/// judges the answers itself and gives aligned, coherent ones of others in place of misaligned ones, which the client learns as
/// `sft` does. The swap is our extension, in no paper (our notes, section 7).
package final class FeatureBlockingTrainer: LocalTrainer {
    /// `featureBlocking`.
    package static let name = "featureBlocking"
    private let supervised: SupervisedClient<FeatureBlockingSettings>
    /// K as the topology has it; nil where nothing is blocked or watched.
    private let blocked: BlockedRows?
    /// What the coordinator added to K.
    private var added: LatentRows?

    /// Loads the model and puts the private examples into tokens.
    ///
    /// - Throws: `QuestionFault` for an example outside of the vocabulary; `FeatureFault` for features of another model.
    package init(settings: FeatureBlockingSettings, context: ClientContext) throws {
        supervised = try SupervisedClient(trainer: Self.name, settings: settings, context: context)
        blocked = try BlockedRows(settings, context.run, supervised.client.task.base)
    }

    /// Counts the private examples, those cut and those left out.
    package static func examine(_ settings: FeatureBlockingSettings, _ client: ClientContext) throws -> String
    {
        try SupervisedClient.examine(settings, client)
    }

    /// The low-rank factors, under PEFT's names.
    package var adapter: AdapterWeights { supervised.client.learner.adapter.weights }

    /// Takes over the broadcast factors.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try supervised.client.beginRound(round, adapter: adapter)
    }

    /// Supervised steps on private answers, with the blocking penalty where there is one.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        try supervised.adapt(plan, progress: progress)
    }

    /// Samples K responses to each public prompt, and reads the blocked latents in each.
    package func respond(to batch: PublicBatch) throws -> [Response] {
        let task = supervised.client.task
        let prompts = try batch.items.map { try task.prompt(String(decoding: $0.payload, as: UTF8.self)) }
        return try supervised.client.respond(to: batch).enumerated().map { place, response in
            var response = response
            var latents: BlockedLatents?
            if let blocked {
                let tokens = try TokenPayload.decode(
                    response.payload,
                    vocabulary: task.base.configuration.vocabularySize,
                    limit: supervised.client.settings.maxTokens
                )
                latents = BlockedLatents(
                    rows(of: blocked),
                    reading: blocked.reading,
                    batch: PackedBatch(groups: [(prompts[place / batch.responsesPerItem], [tokens])]),
                    decoder: supervised.client.learner.decoder
                )
            }
            response.payload = FeaturePayload.encode(tokens: response.payload, latents: latents)
            return response
        }
    }

    private func rows(of blocked: BlockedRows) -> LatentRows {
        added.map { blocked.rows.union($0) } ?? blocked.rows
    }

    /// A supervised step on the aligned responses of the mixed groups; K from now on is what the coordinator says.
    package func absorb(_ pool: ResponsePool) throws -> StepReport {
        var pool = pool
        for group in pool.groups.indices {
            for index in pool.groups[group].replacements.indices {
                let replacement = pool.groups[group].replacements[index]
                do {
                    pool.groups[group].replacements[index].payload =
                        try FeaturePayload.split(replacement.payload).tokens
                } catch {
                    throw PoolFault.malformed(
                        item: pool.groups[group].itemID,
                        index: replacement.index,
                        reason: error.reason
                    )
                }
            }
        }
        if let blocked, !pool.merged.isEmpty {
            block(try LatentPayload.decode(pool.merged, layer: blocked.rows.layer, width: blocked.rows.width))
        }
        var report = try supervised.absorb(pool)
        if let blocked { report.metrics["blocking/latents"] = Double(rows(of: blocked).count) }
        return report
    }

    /// Blocks latents besides those of the topology.
    private func block(_ rows: LatentRows) {
        added = rows.count > 0 ? rows : nil
        guard let blocked else { return }
        let learner = supervised.client.learner
        for index in learner.addedTerms.indices {
            guard var term = learner.addedTerms[index] as? FeatureBlockTerm,
                term.layer == blocked.rows.layer
            else { continue }
            term.rows = self.rows(of: blocked)
            learner.addedTerms[index] = term
            return
        }
    }

    private static var version: Int { 1 }

    /// What `sft` keeps, and the latents that were added to K.
    package func snapshot() throws -> [UInt8] {
        var writer = SnapshotWriter(trainer: Self.name + "/latents", version: Self.version)
        writer.write(supervised.client.snapshot())
        writer.write(added.map { LatentPayload.encode($0) } ?? [])
        return writer.bytes
    }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: Self.name + "/latents", version: Self.version)
        let (inner, latents) = (try reader.data(), try reader.data())
        try reader.finish()
        var rows: LatentRows?
        if let blocked, !latents.isEmpty {
            do {
                rows = try LatentPayload.decode(
                    latents,
                    layer: blocked.rows.layer,
                    width: blocked.rows.width
                )
            } catch {
                throw SnapshotFault("snapshot: its latents are damaged: \(error)")
            }
        }
        try supervised.client.restore(inner)
        if let rows { block(rows) }
    }
}

extension BlockedRows {
    /// What a run blocks, else what its settings watch; nil for neither.
    init?(_ settings: FeatureBlockingSettings, _ run: RunContext, _ base: BaseModel) throws {
        if let blocked = try BlockedRows(of: run, base: base) {
            self = blocked
        } else if let source = settings.features {
            try self.init(source, run, base)
        } else {
            return nil
        }
    }
}
