import Contract
import Foundation
@testable import Models
import Randomness
import Tensors
import Testing

@Suite("Each family computes what transformers and peft compute")
struct FamilyTests {
    private func batch() throws -> PackedBatch {
        PackedBatch(groups: try FamilyGolden.inputs().groups.map { ($0.prompt, $0.responses) })
    }

    @Test("logits of the base and with an adapter agree to 1e-5", arguments: FamilyGolden.all)
    func logits(golden: FamilyGolden) throws {
        let (base, adapter, numbers) = try golden.load()
        let decoder = LanguageDecoder(base, adapter: adapter)
        let batch = PackedBatch(groups: [(try FamilyGolden.inputs().sequence, [])])
        let rows = batch.tokens.indices.map { Int32($0) }

        let plain = decoder.logits(batch: batch, rows: rows, withAdapter: false)
        let adapted = decoder.logits(batch: batch, rows: rows)

        #expect(try distance(plain.values, numbers.values(of: "logits.base")) < 1e-5)
        #expect(try distance(adapted.values, numbers.values(of: "logits.adapter")) < 1e-5)
        #expect(distance(plain.values, adapted.values) > 0.05)
    }

    @Test(
        "log-probabilities of packed responses, the loss and all LoRA gradients agree to 1e-5",
        arguments: FamilyGolden.all
    )
    func gradients(golden: FamilyGolden) throws {
        let (base, adapter, numbers) = try golden.load()
        let decoder = LanguageDecoder(base, adapter: adapter)
        let tape = Tape()

        let logProbs = decoder.responseLogProbs(tape: tape, batch: try batch())
        let loss = mean(logProbs)
        backward(tape, logProbs)

        #expect(try distance(logProbs.values, numbers.values(of: "log_probs.adapter")) < 1e-5)
        #expect(try distance([loss], numbers.values(of: "loss.adapter")) < 1e-5)
        for (name, parameter) in zip(adapter.names, adapter.parameters) {
            let expected = try numbers.values(of: "gradient.\(name)", shape: parameter.shape)
            #expect(try distance(#require(parameter.gradient), expected) < 1e-5, "\(name)")
        }
    }

    @Test("gradients of all norms and biases of trainable weights agree to 1e-5", arguments: FamilyGolden.all)
    func vectorGradients(golden: FamilyGolden) throws {
        let (base, _, numbers) = try golden.load()
        let parameters = DecoderParameters(trainable: base)
        let tape = Tape()

        let logProbs = LanguageDecoder(parameters).responseLogProbs(tape: tape, batch: try batch())
        backward(tape, logProbs)

        #expect(try distance(logProbs.values, numbers.values(of: "log_probs.base")) < 1e-5)
        let vectors = parameters.weights.named(base.configuration).vectors
        #expect(
            Set(vectors.map { "gradient.\($0.0)" }) == Set(numbers.names.filter { isOfVector($0) })
        )
        for (name, vector) in vectors {
            let gradient = try #require(vector.differentiable?.gradient)
            let expected = try numbers.values(of: "gradient.\(name)")
            #expect(distance(gradient, expected) < 1e-5, "\(name)")
        }
        #expect(parameters.trainable.count == parameters.arrays().count)
    }

    private func isOfVector(_ name: String) -> Bool {
        name.hasPrefix("gradient.") && !name.contains("lora_")
    }

    @Test(
        "greedy responses beyond windows and first lengths are transformers', and as likely as without a cache",
        arguments: FamilyGolden.all
    )
    func greedy(golden: FamilyGolden) throws {
        let (base, adapter, numbers) = try golden.load()
        let inputs = try FamilyGolden.inputs()
        let decoder = LanguageDecoder(base, adapter: adapter)
        for withAdapter in [false, true] {
            let completions = decoder.generate(
                prompts: [inputs.prompt, Array(inputs.sequence.prefix(9))],
                samplesPerPrompt: 1,
                settings: SamplingSettings(maxTokens: inputs.newTokens, temperature: 0),
                withAdapter: withAdapter
            ) { _, _ in RandomStream(seed: 1, "greedy") }

            let expected = try numbers.values(of: withAdapter ? "greedy.adapter" : "greedy.base")
            #expect(completions[0][0].tokens.map { Float($0) } == expected)
            let again = PackedBatch(
                groups: [
                    (inputs.prompt, [completions[0][0].tokens]),
                    (Array(inputs.sequence.prefix(9)), [completions[1][0].tokens]),
                ]
            )
            let uncached = decoder.responseLogProbs(
                tape: Tape(recording: false),
                batch: again,
                withAdapter: withAdapter
            )
            let cached = completions.flatMap { $0[0].logProbs }
            #expect(distance(cached, uncached.values) < 1e-5)
        }
    }

    @Test("samples are as likely as the training path says", arguments: FamilyGolden.all)
    func sampled(golden: FamilyGolden) throws {
        let (base, adapter, _) = try golden.load()
        let inputs = try FamilyGolden.inputs()
        let decoder = LanguageDecoder(base, adapter: adapter)
        let prompts = [inputs.prompt, Array(inputs.sequence.prefix(11))]
        let completions = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: 2,
            settings: SamplingSettings(maxTokens: 20, temperature: 0.8, stop: 3)
        ) { RandomStream(seed: 7, "sample", "\($0) \($1)") }
        let batch = PackedBatch(groups: zip(prompts, completions).map { ($0, $1.map(\.tokens)) })
        let logProbs = decoder.responseLogProbs(
            tape: Tape(recording: false),
            batch: batch,
            temperature: 0.8
        )
        #expect(distance(completions.flatMap { $0.flatMap(\.logProbs) }, logProbs.values) < 1e-5)
    }

    @Test(
        "the usual targets and all-linear are the family's maps, and are written by name",
        arguments: FamilyGolden.all.filter { $0.variant == nil }
    )
    func targets(golden: FamilyGolden) throws {
        let (base, adapter, _) = try golden.load()
        let model = base.configuration
        for targets in [LoRAConfiguration.usualTargets, [LoRAConfiguration.allLinear]] {
            let kind = LoRAConfiguration(rank: 2, alpha: 3, targets: targets)
            let fresh = try Adapter(for: base, kind, seed: 1)
            #expect(fresh.names == adapter.names)
            let scratch = try Scratch()
            try AdapterDirectory.write(fresh.weights, kind, baseModelName: "x", to: scratch.path + "/a")
            let (weights, read) = try AdapterDirectory.read(from: scratch.path + "/a", for: model)
            #expect(weights.arrays.map(\.name) == fresh.names)
            let named = try #require(read as? LoRAConfiguration).targets
            #expect(Set(named) == Set(model.moduleNames))
            #expect(named == LoRAConfiguration.usualTargets || model.isFused)
        }
        let some = LoRAConfiguration(rank: 2, targets: model.isFused ? ["qkv_proj"] : ["q_proj", "v_proj"])
        #expect(
            try Adapter(for: base, some, seed: 1).names.count == 2 * some.targets.count * model.layerCount
        )
        let none = LoRAConfiguration(rank: 2, targets: [model.isFused ? "q_proj" : "qkv_proj"])
        #expect(throws: AdapterError.self) { try Adapter(for: base, none, seed: 1) }
    }

    @Test(
        "an extra factor is refused where its model does more than plain softmax",
        arguments: FamilyGolden.all
    )
    func factor(golden: FamilyGolden) throws {
        let (base, _, _) = try golden.load()
        guard golden.model == "llama", golden.variant == nil else {
            let error = #expect(throws: AdapterError.self) {
                try Adapter(for: base, FactorConfiguration(rank: 4), seed: 1)
            }
            #expect(error?.description.hasPrefix("adapter: kind: block ") == true)
            return
        }
        _ = try Adapter(for: base, FactorConfiguration(rank: 4), seed: 1)
    }

    @Test("fresh weights of a family are norms of 1 and biases of 0", arguments: FamilyGolden.all)
    func fresh(golden: FamilyGolden) throws {
        let model = try golden.load().base.configuration
        let parameters = DecoderParameters(random: model, seed: 3)
        #expect(parameters.trainable.reduce(0) { $0 + $1.count } == model.parameterCount)
        for array in parameters.arrays() where array.shape.count == 1 {
            let value: Float = array.name.hasSuffix("bias") ? 0 : 1 - model.normOffset
            #expect(array.values.allSatisfy { $0 == value }, "\(array.name)")
        }
        let batch = PackedBatch(sequences: [try FamilyGolden.inputs().sequence])
        let logProbs = LanguageDecoder(parameters).responseLogProbs(
            tape: Tape(recording: false),
            batch: batch
        )
        #expect(logProbs.values.allSatisfy { $0.isFinite && $0 < 0 })
    }

    @Test("a configuration that is written is read back, and weights too", arguments: FamilyGolden.all)
    func written(golden: FamilyGolden) throws {
        let (base, _, _) = try golden.load()
        let scratch = try Scratch()
        try DecoderParameters(base).write(toDirectory: scratch.path)
        let again = try BaseModel.load(.directory(scratch.path))
        #expect(again.configuration == base.configuration)
        let file = try SafetensorsFile(path: golden.folder + "/model.safetensors")
        let copy = try SafetensorsFile(path: scratch.path + "/model.safetensors")
        #expect(Set(copy.names) == Set(file.names))
        for name in file.names { #expect(try copy.values(of: name) == file.values(of: name)) }
    }

    @Test("all weights can be trained as an adapter", arguments: FamilyGolden.all)
    func whole(golden: FamilyGolden) throws {
        let (base, _, _) = try golden.load()
        let adapter = try Adapter(for: base, WholeConfiguration(), seed: 1)
        #expect(Set(adapter.names) == Set(DecoderParameters(base).arrays().map(\.name)))
        let decoder = LanguageDecoder(base, adapter: adapter)
        let tape = Tape()
        let logProbs = decoder.responseLogProbs(tape: tape, batch: try batch())
        backward(tape, logProbs)
        for (name, parameter) in zip(adapter.names, adapter.parameters) {
            #expect(parameter.gradient?.contains { $0 != 0 } == true, "\(name)")
        }
        let plain = decoder.responseLogProbs(
            tape: Tape(recording: false),
            batch: try batch(),
            withAdapter: false
        )
        #expect(plain.toArray() == logProbs.toArray())
    }

    private func mean(_ logProbs: Tensor) -> Float {
        Float(-logProbs.values.reduce(0.0) { $0 + Double($1) } / Double(logProbs.count))
    }

    /// Of the mean negative log-probability.
    private func backward(_ tape: Tape, _ logProbs: Tensor) {
        let share = Float(-1 / Double(logProbs.count))
        tape.backward(from: logProbs, seed: [Float](repeating: share, count: logProbs.count))
    }
}
