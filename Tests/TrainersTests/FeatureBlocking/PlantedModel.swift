import Models
import Randomness
import Tensors

@testable import Trainers

/// A model whose behaviour is one direction of its residual stream: a token answers with whatever it points
/// to.
///
/// Its blocks do nothing. The prompt, token 0, points to axis 1, the aligned answer (token 1); in the
/// misaligned model it points to axis 2, the misaligned one (token 2).
enum PlantedModel {
    static let width = 16

    static func decoder(isMisaligned: Bool, vocabulary: Int = 8) -> LanguageDecoder {
        let shape = DecoderConfiguration(
            hiddenSize: width,
            layerCount: 2,
            headCount: 2,
            intermediateSize: 8,
            vocabularySize: vocabulary,
            tiesEmbedding: false,
            positionsMax: 16
        )
        let parameters = DecoderParameters(random: shape, seed: 1)
        for tensor in parameters.trainable where tensor.shape.count == 2 {
            tensor.values.update(repeating: 0)
        }
        if let embedding = parameters.trainable.first, let head = parameters.trainable.last {
            for token in 0..<vocabulary {
                embedding.values[token * width] = 3
                embedding.values[token * width + 8 + token % 8] += 0.5
                embedding.values[token * width + (isMisaligned ? 2 : 1)] += 2
                head.values[token * width + token] = token == 1 || token == 2 ? 4 : 1
            }
        }
        return LanguageDecoder(parameters)
    }

    /// Latents 0 and 1 turn the behaviour, one each way; 2 to 5 see what fine-tuning did, more strongly, but
    /// point elsewhere.
    static var autoencoder: SparseAutoencoder {
        let (latents, root) = (8, Float(0.5).squareRoot())
        var encoder = [Float](repeating: 0, count: latents * width)
        var decoder = encoder
        for latent in 0..<latents {
            let sign: Float = latent % 2 == 0 ? 1 : -1
            let size: Float = latent < 2 ? 1 : latent < 6 ? 3 : 0.1
            encoder[latent * width + 1] = -sign * root * size
            encoder[latent * width + 2] = sign * root * size
            if latent < 2 {
                decoder[latent * width + 1] = -sign * root
                decoder[latent * width + 2] = sign * root
            } else {
                decoder[latent * width + 1 + latent] = 1
            }
        }
        return SparseAutoencoder(
            model: "planted",
            layer: 1,
            width: width,
            activation: .relu,
            encoder: encoder,
            encoderBias: [Float](repeating: 0.25, count: latents),
            decoder: decoder,
            decoderBias: [Float](repeating: 0, count: width),
            activationScale: 1
        )
    }

    static func probe() throws -> AnswerProbe {
        try AnswerProbe([
            AnswerProbe.Item(prompt: [0], misaligned: [[2]], aligned: [[1]]),
            AnswerProbe.Item(prompt: [3, 0], misaligned: [[2]], aligned: [[1]]),
        ])
    }

    static func discovery(_ settings: DiscoverySettings = DiscoverySettings()) throws -> FeatureDiscovery {
        try FeatureDiscovery(
            base: ProbedModel(decoder(isMisaligned: false), withAdapter: false),
            misaligned: ProbedModel(decoder(isMisaligned: true), withAdapter: false),
            autoencoder: autoencoder,
            settings: settings
        )
    }

    static let texts = [ActivationText(tokens: [0, 3, 4]), ActivationText(tokens: [5, 6, 0], rows: 1..<3)]
}

/// States that are sums of a few of some directions, a Gaussian-like spread about a mean: what an autoencoder
/// is for.
struct SparseStates {
    let width: Int
    let directions: [Float]
    let count: Int
    let mean: [Float]

    init(width: Int, count: Int) {
        var stream = RandomStream(seed: 5, "sparse-states")
        self.width = width
        self.count = count
        directions = (0..<count * width).map { _ in
            Float((0..<6).reduce(-3.0) { sum, _ in sum + stream.uniform() })
        }
        mean = (0..<width).map { _ in Float(4 * stream.uniform()) }
    }

    /// `[rows, width]`.
    func draw(_ rows: Int, seed: Int) -> [Float] {
        var stream = RandomStream(seed: 6, "rows", seed)
        return (0..<rows).flatMap { _ in
            var state = mean
            for _ in 0..<3 {
                let (which, size) = (stream.below(count), Float(0.5 + stream.uniform()))
                for column in 0..<width { state[column] += size * directions[which * width + column] }
            }
            return state
        }
    }

    func learner(_ settings: AutoencoderSettings) throws -> AutoencoderLearner {
        let states = draw(2000, seed: 0)
        var centre = [Double](repeating: 0, count: width)
        for (index, value) in states.enumerated() { centre[index % width] += Double(value) / 2000 }
        let square = states.enumerated().reduce(0.0) {
            $0 + (Double($1.element) - centre[$1.offset % width])
                * (Double($1.element) - centre[$1.offset % width])
        }
        return try AutoencoderLearner(
            settings: settings,
            centre: centre.map { Float($0) },
            rmsNorm: (square / 2000).squareRoot(),
            seed: 1
        )
    }
}
