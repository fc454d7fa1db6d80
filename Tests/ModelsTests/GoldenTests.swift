import Contract
import Models
import Tensors
import Testing

/// Against PyTorch, transformers and peft; the numbers and the script that makes them are in `Golden`.
@Suite("Golden numbers from PyTorch")
struct GoldenTests {
    static let names = ["tiny-tied", "tiny-untied"]

    private func firstPrompt() throws -> PackedBatch {
        PackedBatch(groups: [(try Golden.groups()[0].prompt, [])])
    }

    @Test("logits of the base and with the adapter agree to 1e-5", arguments: names)
    func logits(name: String) throws {
        let golden = try GoldenModel(name)
        let decoder = LanguageDecoder(golden.base, adapter: golden.adapter)
        let batch = try firstPrompt()
        let rows = batch.tokens.indices.map { Int32($0) }

        let base = decoder.logits(batch: batch, rows: rows, withAdapter: false)
        let adapted = decoder.logits(batch: batch, rows: rows)

        #expect(try distance(base.values, golden.numbers.values(of: "logits.base")) < 1e-5)
        #expect(try distance(adapted.values, golden.numbers.values(of: "logits.adapter")) < 1e-5)
        #expect(distance(base.values, adapted.values) > 0.1)
    }

    @Test("log-probabilities of packed responses agree with unpacked sequences to 1e-5", arguments: names)
    func logProbs(name: String) throws {
        let golden = try GoldenModel(name)
        let decoder = LanguageDecoder(golden.base, adapter: golden.adapter)
        let batch = try PackedBatch(groups: Golden.groups())
        let tape = Tape(recording: false)

        let cold = decoder.responseLogProbs(tape: tape, batch: batch)
        let warm = decoder.responseLogProbs(tape: tape, batch: batch, temperature: 1.7)

        #expect(try distance(cold.values, golden.numbers.values(of: "log_probs.adapter")) < 1e-5)
        #expect(try distance(warm.values, golden.numbers.values(of: "log_probs.warm")) < 1e-5)
    }

    @Test("loss, all LoRA gradients and ten AdamW steps agree to 2e-5", arguments: names)
    func training(name: String) throws {
        let golden = try GoldenModel(name)
        let decoder = LanguageDecoder(golden.base, adapter: golden.adapter)
        let batch = try PackedBatch(groups: Golden.groups())
        let parameters = golden.adapter.parameters
        var optimiser = AdamW(learningRate: 3e-3, beta1: 0.9, beta2: 0.95, weightDecay: 0.01)
        var (losses, norms): ([Float], [Float]) = ([], [])
        for step in 0..<10 {
            zeroGradients(parameters)
            losses.append(backward(decoder, batch))
            if step == 0 {
                for (name, parameter) in zip(golden.adapter.names, parameters) {
                    let expected = try golden.numbers.values(of: "gradient.\(name)", shape: parameter.shape)
                    #expect(distance(try #require(parameter.gradient), expected) < 2e-5, "\(name)")
                }
            }
            norms.append(Float(clipGradientNorm(parameters, max: 1)))
            optimiser.step(parameters: parameters)
        }
        #expect(try distance(losses, golden.numbers.values(of: "losses")) < 2e-5)
        #expect(try distance(norms, golden.numbers.values(of: "norms")) < 2e-4)
        for array in golden.adapter.weights.arrays {
            let expected = try golden.numbers.values(of: "after.\(array.name)")
            // AdamW divides by the root of the mean square: where a gradient is near zero, its error grows.
            #expect(distance(array.values, expected) < 2e-4, "\(array.name)")
        }
    }

    @Test("all gradients of trainable weights agree to 2e-5", arguments: names)
    func fullGradients(name: String) throws {
        let golden = try GoldenModel(name)
        let parameters = DecoderParameters(trainable: golden.base)
        let decoder = LanguageDecoder(parameters)
        let batch = try PackedBatch(groups: Golden.groups())

        let loss = backward(decoder, batch)

        #expect(try distance([loss], golden.numbers.values(of: "loss.base")) < 1e-5)
        // `arrays` and `trainable` list the weights in different orders: match them by value.
        let gradients = parameters.trainable.map {
            (values: $0.toArray(), gradient: Array($0.gradient ?? .init(start: nil, count: 0)))
        }
        #expect(gradients.count == parameters.arrays().count)
        for array in parameters.arrays() {
            let found = try #require(gradients.first { $0.values == array.values })
            let expected = try golden.numbers.values(of: "base_gradient.\(array.name)", shape: array.shape)
            #expect(distance(found.gradient, expected) < 2e-5, "\(array.name)")
        }
    }

    /// One backward pass of the mean negative log-probability; returns it.
    private func backward(_ decoder: LanguageDecoder, _ batch: PackedBatch) -> Float {
        let tape = Tape(workspace: decoder.workspace)
        let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
        let count = Double(logProbs.count)
        let loss = -logProbs.values.reduce(0.0) { $0 + Double($1) } / count
        tape.backward(from: logProbs, seed: [Float](repeating: Float(-1 / count), count: logProbs.count))
        return Float(loss)
    }
}
