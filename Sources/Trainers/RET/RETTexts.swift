internal import Contract
internal import Models
internal import Randomness
internal import Tasks
internal import Text

/// The frozen model that members of a `ret` run have in common, and how it makes trajectories of texts.
final class RETTexts {
    let base: BaseModel
    let settings: RETSettings
    let source: StateSource
    private let task: LanguageTask
    private let recorder: TrajectoryRecorder
    private let seed: UInt64

    /// Loads the model.
    ///
    /// - Throws: `SettingsFault` for a layer that it does not have.
    init(_ run: RunContext, settings: RETSettings) throws {
        self.settings = settings
        seed = run.seed
        task = try LanguageTask(
            run,
            prompt: settings.prompt,
            maxTokens: settings.mode == .generate ? settings.maxTokens : 0
        )
        base = task.base
        do throws(TrajectoryFault) {
            recorder = try TrajectoryRecorder(
                LanguageDecoder(base),
                of: base,
                layers: settings.layers(of: base.configuration)
            )
        } catch {
            throw SettingsFault(key: "layers", reason: error.reason)
        }
        source = recorder.source
    }

    /// The texts' tokens, checked.
    ///
    /// - Throws: `QuestionFault` naming a text that the model cannot take, or one of too few tokens.
    func prompts(of questions: [Question], set: String) throws -> [[Int32]] {
        let prompts = try task.prompts(of: questions, set: set)
        if settings.mode == .read, let short = prompts.firstIndex(where: { $0.count <= settings.skipTokens })
        {
            throw QuestionFault(
                set: set,
                id: questions[short].id,
                reason:
                    "it has \(prompts[short].count) tokens, expected more than skipTokens = \(settings.skipTokens)"
            )
        }
        return prompts
    }

    /// The trajectories of texts: those read, or those generated from them.
    ///
    /// - Parameters:
    ///   - questions: The texts.
    ///   - set: "private", "public" or "held-out", for errors and for the random numbers of what is generated.
    ///   - owner: Whose they are.
    func record(_ questions: [Question], set: String, owner: String) throws -> TrajectorySet {
        let prompts = try prompts(of: questions, set: set)
        let given = zip(questions, prompts).map {
            TrajectoryRecorder.Given(id: $0.id, topic: $0.topic, tokens: $1)
        }
        var recordings: [TrajectoryRecorder.Recording] = []
        for part in parts(of: given) {
            switch settings.mode {
            case .read:
                let skipped = given[part].map { _ in settings.skipTokens }
                recordings += recorder.read(Array(given[part]), promptCounts: skipped)
            case .generate:
                recordings += recorder.generate(
                    Array(given[part]),
                    settings: SamplingSettings(
                        maxTokens: settings.maxTokens,
                        temperature: Float(settings.temperature),
                        stop: task.eos
                    )
                ) { [seed] index in
                    RandomStream(seed: seed, owner, "trajectory", set, part.lowerBound + index)
                }
            }
        }
        return TrajectorySet(source: source, recordings: recordings)
    }

    /// The trajectories of public items, read from their tokens.
    ///
    /// - Throws: `PoolFault.unreadable` for an item that is no text of this model.
    func read(_ items: [PublicItem]) throws -> TrajectorySet {
        let payloads = try items.map { item in
            do throws(MacrostatePayload.Fault) {
                return try MacrostatePayload.TextItem(
                    item.payload,
                    vocabulary: base.configuration.vocabularySize,
                    limit: base.configuration.positionsMax
                )
            } catch {
                throw PoolFault.unreadable("the public text '\(item.id)' \(error.reason)")
            }
        }
        let given = zip(items, payloads).map {
            TrajectoryRecorder.Given(id: $0.id, topic: $0.topic, tokens: $1.tokens)
        }
        let recordings = parts(of: given).flatMap { part in
            recorder.read(Array(given[part]), promptCounts: payloads[part].map(\.promptCount))
        }
        return TrajectorySet(source: source, recordings: recordings)
    }

    private func parts(of given: [TrajectoryRecorder.Given]) -> [Range<Int>] {
        TrajectoryRecorder.passes(
            of: given,
            extra: settings.mode == .generate ? settings.maxTokens : 0,
            tokensPerPass: settings.tokensPerPass
        )
    }
}

extension RETSettings {
    /// The layers that are read of a model: three fifths of its depth where none is given.
    func layers(of model: DecoderConfiguration) -> [Int] {
        layers.isEmpty ? StateSource.usualLayers(depth: model.layerCount) : layers.sorted()
    }
}
