import Foundation
import Models
import Randomness
import Tensors
import Testing

@testable import Trainers

@Suite("Sparse autoencoders")
struct AutoencoderTests {
    private func settings(topK: Int? = nil) -> AutoencoderSettings {
        var settings = AutoencoderSettings()
        settings.latents = 12
        settings.topK = topK
        settings.batchSize = 64
        settings.steps = 400
        settings.sparsity = 0.1
        settings.learningRate = 1e-2
        settings.resampleEvery = 50
        return settings
    }

    @Test("gradients are finite differences of the loss", arguments: [nil, 3])
    func gradients(topK: Int?) throws {
        let states = SparseStates(width: 6, count: 8)
        let learner = try states.learner(settings(topK: topK))
        var stream = RandomStream(seed: 2, "parameters")
        for parameter in learner.parameters {
            for index in 0..<parameter.count {
                parameter.values[index] += Float(stream.uniform() - 0.5) * 0.6
            }
        }
        let x = Tensor(shape: [5, 6], values: states.draw(5, seed: 1).map { $0 / 3 - 0.5 })
        _ = learner.gradients(x)
        let found = learner.parameters.map { Array($0.gradient ?? .init(start: nil, count: 0)) }

        for (parameter, gradient) in zip(learner.parameters, found) {
            var (dot, norm, other) = (0.0, 0.0, 0.0)
            for index in 0..<parameter.count {
                let value = parameter.values[index]
                parameter.values[index] = value + 1e-3
                let up = learner.gradients(x).pass.loss
                parameter.values[index] = value - 1e-3
                let down = learner.gradients(x).pass.loss
                parameter.values[index] = value
                let slope = (up - down) / 2e-3
                dot += slope * Double(gradient[index])
                norm += slope * slope
                other += Double(gradient[index]) * Double(gradient[index])
            }
            // A latent that starts or stops within the difference makes single slopes wrong.
            #expect(dot > 0.999 * (norm * other).squareRoot(), "\(parameter.shape)")
            #expect(abs(norm / other - 1) < 0.02, "\(parameter.shape)")
        }
    }

    @Test("steps are those of NumPy in double precision", arguments: [0, 1])
    func golden(run: Int) throws {
        let golden = try AutoencoderGolden.load()
        let run = golden.runs[run]
        var settings = AutoencoderSettings()
        (settings.latents, settings.topK) = (golden.latents, run.topK)
        (settings.sparsity, settings.learningRate) = (golden.sparsity, golden.learningRate)
        let width = golden.width
        var learner = try AutoencoderLearner(
            settings: settings,
            centre: [Float](repeating: 0, count: width),
            rmsNorm: Double(width).squareRoot(),
            seed: 1
        )
        for (parameter, values) in zip(learner.parameters, run.start) {
            _ = parameter.values.update(fromContentsOf: values)
        }
        for (batch, loss) in zip(run.batches, run.losses) {
            let done = try learner.step(Tensor(shape: [batch.count / width, width], values: batch))
            #expect(abs(done.loss - loss) < 1e-4)
        }

        for (parameter, values) in zip(learner.parameters, run.end) {
            #expect(zip(parameter.values, values).allSatisfy { abs($0 - $1) < 1e-4 }, "\(parameter.shape)")
        }
    }

    @Test("planted directions are found, with unit rows and few latents at a time", arguments: [nil, 3])
    func learns(topK: Int?) throws {
        let states = SparseStates(width: 12, count: 12)
        var settings = settings(topK: topK)
        settings.latents = 24
        settings.sparsity = 0.3
        var learner = try states.learner(settings)
        var last: AutoencoderLearner.Step?
        for step in 0..<settings.steps {
            last = try learner.step(Tensor(shape: [64, 12], values: states.draw(64, seed: step + 1)))
        }

        let end = try #require(last)
        #expect(end.explainedVariance > 0.9)
        #expect(end.l0 < 9)
        for first in stride(from: 0, to: 24 * 12, by: 12) {
            let row = learner.parameters[2].values[first..<first + 12]
            #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
        let autoencoder = learner.autoencoder(model: "none", layer: 1)
        // Most planted directions have a latent that points along them.
        let found = (0..<12).count { place in
            let direction = states.directions[place * 12..<(place + 1) * 12]
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return (0..<24).contains { latent in
                let row = autoencoder.decoder[latent * 12..<(latent + 1) * 12]
                return zip(row, direction).reduce(0) { $0 + $1.0 * $1.1 } > 0.9 * length
            }
        }
        #expect(found >= 9)
    }

    @Test("the largest values of a row stay, and of equal ones the first")
    func largest() {
        var stream = RandomStream(seed: 4, "largest")
        for count in [1, 3, 7, 20] {
            let row = (0..<20).map { _ in Float(stream.below(9)) / 4 - 0.5 }.map { max($0, 0) }
            let tensor = Tensor(shape: [1, 20], values: row)
            StateMath.keepLargest(count, of: tensor.values, columns: 20)
            let order = row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(count)
            #expect(tensor.toArray() == row.indices.map { order.contains($0) ? row[$0] : 0 })
        }
    }

    @Test("latents that are never active are set anew and then take part")
    func resampling() throws {
        let states = SparseStates(width: 12, count: 12)
        var learner = try states.learner(settings())
        for latent in 0..<4 { learner.parameters[1].values[latent] = -100 }
        var resampled = 0
        for step in 0..<150 {
            let done = try learner.step(Tensor(shape: [64, 12], values: states.draw(64, seed: step)))
            resampled += done.resampled
        }

        #expect(resampled >= 4)
        #expect(learner.idleSteps[..<4].allSatisfy { $0 < 50 })
        #expect(learner.parameters[1].values[..<4].allSatisfy { $0 > -10 })
    }

    @Test(
        "the finished autoencoder's code is the learner's, and the rows that blocking reads give the same"
    )
    func folding() throws {
        let states = SparseStates(width: 12, count: 12)
        var learner = try states.learner(settings())
        for step in 0..<60 {
            _ = try learner.step(Tensor(shape: [64, 12], values: states.draw(64, seed: step)))
        }
        let autoencoder = learner.autoencoder(model: "none", layer: 1)
        let h = states.draw(9, seed: 1000)
        let code = autoencoder.encode(h)
        let rows = autoencoder.rows(Array(0..<12), signs: [Int](repeating: 1, count: 12))

        let (weights, biases) = (learner.parameters[0].values, learner.parameters[1].values)
        for row in 0..<9 {
            for latent in 0..<12 {
                var (own, folded) = (biases[latent], rows.bias[latent])
                for column in 0..<12 {
                    let value = h[row * 12 + column]
                    own += weights[latent * 12 + column] * learner.scale * (value - learner.centre[column])
                    folded += rows.encoder[latent * 12 + column] * value
                }
                #expect(abs(max(own, 0) - code[row * 12 + latent]) < 1e-4)
                #expect(abs(max(folded, 0) - code[row * 12 + latent]) < 1e-4)
            }
        }
        // Reconstructions are in the model's units.
        let found = autoencoder.decode(Tensor(shape: [9, 12], values: code)).toArray()
        let missed = zip(found, h).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let all = h.enumerated().reduce(Float(0)) {
            $0 + ($1.element - states.mean[$1.offset % 12]) * ($1.element - states.mean[$1.offset % 12])
        }
        #expect(missed < 0.5 * all)
    }

    @Test("states that are all the same are refused")
    func constant() {
        let fault = #expect(throws: FeatureFault.self) {
            try AutoencoderLearner(settings: settings(), centre: [1, 2], rmsNorm: 0, seed: 1)
        }
        #expect(fault?.reason == "the states' rms length about their mean is 0.0, expected more than 0")
    }

    @Test("settings out of range name their key")
    func badSettings() {
        var settings = settings()
        settings.topK = 13
        let fault = #expect(throws: (any Error).self) { try settings.validate() }
        #expect(fault.map { "\($0)" } == "settings: 'autoencoder.topK' found 13, expected 1 … 12 latents")
    }
}

/// What `make_autoencoder_goldens.py` writes.
private struct AutoencoderGolden: Decodable {
    struct Run: Decodable {
        var topK: Int?
        var start: [[Float]], batches: [[Float]], losses: [Double], end: [[Float]]
    }
    var latents: Int, width: Int, sparsity: Double, learningRate: Double, runs: [Run]

    static func load() throws -> AutoencoderGolden {
        let file = try #require(Bundle.module.url(forResource: "autoencoder", withExtension: "json"))
        return try JSONDecoder().decode(AutoencoderGolden.self, from: Data(contentsOf: file))
    }
}

@Suite("Training an autoencoder on a model's states")
struct AutoencoderTrainingTests {
    private func decoder() -> LanguageDecoder {
        let shape = DecoderConfiguration(
            hiddenSize: 16,
            layerCount: 2,
            headCount: 2,
            intermediateSize: 16,
            vocabularySize: 20,
            positionsMax: 12
        )
        return LanguageDecoder(DecoderParameters(random: shape, seed: 2))
    }

    private func texts(_ count: Int) -> TokenTexts {
        TokenTexts(count: count) { index in
            var stream = RandomStream(seed: 3, "text", index)
            return (0..<4 + index % 9).map { _ in Int32(stream.below(20)) }
        }
    }

    private func training(
        seed: UInt64 = 1,
        texts count: Int = 40,
        buffer: Int = 100
    ) throws -> AutoencoderTraining {
        var settings = AutoencoderSettings()
        settings.latents = 24
        settings.batchSize = 16
        settings.steps = 60
        settings.resampleEvery = 10
        settings.bufferedStates = buffer
        settings.tokensPerPass = 30
        return try AutoencoderTraining(
            decoder(),
            model: "abc",
            layer: 1,
            texts: texts(count),
            skipped: [0],
            settings: settings,
            seed: seed
        )
    }

    @Test(
        "a snapshot goes on to the same bits, whether the buffer holds all texts or not",
        arguments: [100, 1000]
    )
    func resumes(buffer: Int) throws {
        let folder = try TemporaryFolder()
        var whole = try training(buffer: buffer)
        for _ in 0..<60 { try whole.step() }
        var first = try training(buffer: buffer)
        for _ in 0..<23 { try first.step() }
        try first.save(to: "\(folder.path)/half.safetensors")
        var second = try training(buffer: buffer)
        try second.restore(from: "\(folder.path)/half.safetensors")
        while !second.isFinished { try second.step() }

        #expect(second.autoencoder == whole.autoencoder)
        #expect(second.stream.cursor == whole.stream.cursor)
    }

    @Test("a snapshot of another training is refused")
    func otherSnapshot() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/half.safetensors"
        try training().save(to: path)
        var seed = try training(seed: 2)
        let other = #expect(throws: FeatureFault.self) { try seed.restore(from: path) }
        #expect(other?.reason == "is a snapshot of another training: seed: found 1, expected 2")
        var texts = try training(texts: 30)
        let mean = #expect(throws: FeatureFault.self) { try texts.restore(from: path) }
        #expect(mean?.reason.contains("other texts") == true)
    }

    @Test("the stream gives each state of an epoch once, without those of skipped tokens")
    func stream() throws {
        let decoder = decoder()
        let all = (0..<12).map { index in (try? texts(12).tokens(index)) ?? [] }
        let kept = all.reduce(0) { $0 + $1.count { $0 != 0 } }
        var stream = try StateStream(
            decoder,
            layer: 2,
            texts: TokenTexts(all),
            skipped: [0],
            capacity: kept,
            tokensPerPass: 20,
            seed: 1
        )
        let batch = Tensor(zeros: [kept, 16])
        try stream.next(into: batch)
        let states = decoder.states(
            of: PackedBatch(groups: all.map { (prompt: $0, responses: []) }),
            layer: 2,
            withAdapter: false
        )
        let tokens = all.flatMap { $0 }
        // Sums of columns are the same whatever the order; passes of other sizes may round otherwise.
        for column in 0..<16 {
            let given = (0..<kept).reduce(0.0) { $0 + Double(batch.values[$1 * 16 + column]) }
            let expected = tokens.indices.filter { tokens[$0] != 0 }.reduce(0.0) {
                $0 + Double(states[$1 * 16 + column])
            }
            #expect(abs(given - expected) < 1e-3)
        }
        let other = Tensor(zeros: [kept, 16])
        try stream.next(into: other)
        #expect(other.toArray() != batch.toArray())
    }

    @Test("no texts, texts without states and layers that are not there are refused")
    func refusals() {
        func stream(_ texts: [[Int32]], layer: Int = 1) throws -> [Float] {
            var stream = try StateStream(
                decoder(),
                layer: layer,
                texts: TokenTexts(texts),
                skipped: [0],
                capacity: 10,
                tokensPerPass: 20,
                seed: 1
            )
            return try stream.statistics().mean
        }
        let none = #expect(throws: FeatureFault.self) { try stream([]) }
        #expect(none?.reason == "found no text to read states of")
        let empty = #expect(throws: FeatureFault.self) { try stream([[0, 0], [0]]) }
        #expect(empty?.reason == "none of 2 texts has a token whose state is kept")
        let layer = #expect(throws: FeatureFault.self) { try stream([[1]], layer: 3) }
        #expect(layer?.reason.hasPrefix("found layer 3, expected one of 0 … 2") == true)
    }
}

/// A directory that is removed at the end.
final class TemporaryFolder {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tributary-features-\(UUID())").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
