internal import Contract
internal import FoundationEssentials
package import Models
package import Tensors

/// The training of an autoencoder on a model's states: a learner and the stream it learns from, which stop
/// and go on together.
package struct AutoencoderTraining {
    /// The SHA-256 of the model's weights.
    package let model: String
    /// What learns.
    package private(set) var learner: AutoencoderLearner
    /// What it learns from.
    package private(set) var stream: StateStream
    private let batch: Tensor

    /// A training at its beginning: centre and scale are those of the first states.
    ///
    /// - Parameters:
    ///   - decoder: The model.
    ///   - model: The SHA-256 of its weights.
    ///   - withAdapter: False reads the base model's states.
    ///   - layer: The layer boundary.
    ///   - texts: What the model reads.
    ///   - skipped: Tokens whose states are left out.
    ///   - settings: How it is learnt.
    ///   - seed: What is drawn is drawn from it.
    /// - Throws: `SettingsFault`; `FeatureFault` for a layer that the model does not have, or states that are
    ///   all the same; what reading a text throws.
    package init(
        _ decoder: LanguageDecoder,
        model: String,
        withAdapter: Bool = false,
        layer: Int,
        texts: TokenTexts,
        skipped: Set<Int32> = [],
        settings: AutoencoderSettings,
        seed: UInt64
    ) throws {
        try settings.validate()
        self.model = model
        stream = try StateStream(
            decoder,
            withAdapter: withAdapter,
            layer: layer,
            texts: texts,
            skipped: skipped,
            capacity: settings.bufferedStates,
            tokensPerPass: settings.tokensPerPass,
            seed: seed
        )
        let statistics = try stream.statistics()
        learner = try AutoencoderLearner(
            settings: settings,
            centre: statistics.mean,
            rmsNorm: statistics.rmsNorm,
            seed: seed
        )
        batch = Tensor(zeros: [settings.batchSize, stream.width])
    }

    /// Whether all steps were taken.
    package var isFinished: Bool { learner.stepCount >= learner.settings.steps }

    /// Takes one step.
    @discardableResult
    package mutating func step() throws -> AutoencoderLearner.Step {
        try stream.next(into: batch)
        return try learner.step(batch)
    }

    /// Takes all steps that are left.
    ///
    /// - Parameter progress: Told of each step.
    /// - Returns: The autoencoder.
    package mutating func run(
        progress: (_ step: Int, _ done: AutoencoderLearner.Step) throws -> Void = { _, _ in }
    ) throws -> SparseAutoencoder {
        while !isFinished {
            let step = try step()
            try progress(learner.stepCount, step)
        }
        return autoencoder
    }

    /// The autoencoder as it is now.
    package var autoencoder: SparseAutoencoder { learner.autoencoder(model: model, layer: stream.layer) }
}

// MARK: - Snapshots

extension AutoencoderTraining {
    /// What a snapshot says beside its arrays.
    private struct Description: Codable, Equatable {
        var format = "tributary-autoencoder-training-1"
        var model: String
        var layer: Int
        var seed: UInt64
        var settings: AutoencoderSettings
        var stepCount: Int
        var cursor: StateStream.Cursor
    }

    private static let key = "tributary"
    private static let names = ["encoder", "encoder_bias", "decoder", "bias"]

    private var description: Description {
        Description(
            model: model,
            layer: stream.layer,
            seed: learner.seed,
            settings: learner.settings,
            stepCount: learner.stepCount,
            cursor: stream.cursor
        )
    }

    /// Writes all that `restore` needs to go on to the same bits, into one safetensors file.
    package func save(to path: String) throws {
        let json = try JSONEncoder().encode(description)
        var arrays = zip(Self.names, learner.parameters).map {
            NamedArray(name: $0, shape: $1.shape, values: $1.toArray())
        }
        arrays.append(NamedArray(name: "centre", shape: [learner.width], values: learner.centre))
        let moments = learner.optimiser.state.moments
        arrays.append(NamedArray(name: "moments", shape: [moments.count], values: moments))
        arrays.append(
            NamedArray(
                name: "idle_steps",
                shape: [learner.idleSteps.count],
                values: learner.idleSteps.map { Float($0) }
            )
        )
        try SafetensorsWriter.write(
            arrays,
            metadata: [Self.key: String(decoding: json, as: UTF8.self)],
            to: path
        )
    }

    /// Goes on where a snapshot of the same training was made.
    ///
    /// - Throws: `FeatureFault` for a snapshot of another model, layer, seed or other settings;
    ///   `CheckpointError` for a file that is none.
    package mutating func restore(from path: String) throws {
        let file = try SafetensorsFile(path: path)
        guard let text = file.metadata[Self.key],
            let found = try? JSONDecoder().decode(Description.self, from: Data(text.utf8)),
            found.format == description.format
        else { throw FeatureFault(path, "is no snapshot of an autoencoder's training") }
        var wanted = description
        (wanted.stepCount, wanted.cursor) = (found.stepCount, found.cursor)
        guard found == wanted else {
            throw FeatureFault(
                path,
                "is a snapshot of another training: "
                    + Self.differences(found, wanted).joined(separator: "; ")
            )
        }
        guard try file.values(of: "centre", shape: [learner.width]) == learner.centre else {
            throw FeatureFault(
                path,
                "is a snapshot of a training on other texts: the states' mean is another"
            )
        }
        for (name, parameter) in zip(Self.names, learner.parameters) {
            let values = try file.values(of: name, shape: parameter.shape)
            _ = parameter.values.update(fromContentsOf: values)
        }
        let total = learner.parameters.reduce(0) { $0 + $1.count }
        let moments = try file.values(of: "moments", shape: [found.stepCount == 0 ? 0 : 2 * total])
        learner.optimiser.state = AdamW.State(stepCount: found.stepCount, moments: moments)
        learner.idleSteps = try file.values(of: "idle_steps", shape: [learner.settings.latents]).map {
            Int($0)
        }
        learner.stepCount = found.stepCount
        stream.move(to: found.cursor)
    }

    /// `seed: found 1, expected 2`, for everything in which two descriptions differ.
    private static func differences(_ found: Description, _ wanted: Description) -> [String] {
        func parts(_ description: Description) -> [(name: String, value: String)] {
            let settings = Mirror(reflecting: description.settings).children.map {
                ($0.label ?? "", "\($0.value)")
            }
            return [
                ("layer", "\(description.layer)"), ("model", "\(description.model.prefix(12))"),
                ("seed", "\(description.seed)"),
            ] + settings
        }
        return zip(parts(found), parts(wanted)).filter { $0.value != $1.value }.map {
            "\($0.name): found \($0.value), expected \($1.value)"
        }
    }
}
