internal import Contract
internal import Digest
package import Tensors

/// A sparse autoencoder over the residual stream at one layer boundary: m latents, each with a row of the
/// encoder and a direction of unit length.
///
///     x  = scale (h − b_dec)                  [N, C], of rms length √C
///     z  = relu(x W_encᵀ + b_enc)             [N, m], free of the model's units
///     h' = b_dec + z W_dec / scale            [N, C]
///
/// A TopK autoencoder (Gao et al., arXiv:2406.04093) keeps the k largest z of each row when it reconstructs;
/// its code for blocking is the dense one above (BLOCK-EM, section 2.0).
package struct SparseAutoencoder: Sendable, Equatable {
    /// What follows the linear map when states are reconstructed.
    package enum Activation: Sendable, Equatable {
        /// Negative values become zero.
        case relu
        /// Then all but the k largest of each row do.
        case topK(Int)
    }

    /// The SHA-256 of the model's weights, in hexadecimal.
    package var model: String
    /// The layer boundary: 0 after the embedding, l + 1 after block l.
    package var layer: Int
    /// C.
    package var width: Int
    /// What follows the linear map.
    package var activation: Activation
    /// W_enc `[m, C]`.
    package var encoder: [Float]
    /// b_enc `[m]`, in normalised units.
    package var encoderBias: [Float]
    /// W_dec `[m, C]`, rows of unit length.
    package var decoder: [Float]
    /// b_dec `[C]`, in the model's units.
    package var decoderBias: [Float]
    /// √C over the rms length of a centred state; 1 for one read from elsewhere, until it is set from data.
    package var activationScale: Float

    /// m.
    package var latentCount: Int { encoderBias.count }

    /// Gathers an autoencoder; counts must agree with the width.
    package init(
        model: String,
        layer: Int,
        width: Int,
        activation: Activation,
        encoder: [Float],
        encoderBias: [Float],
        decoder: [Float],
        decoderBias: [Float],
        activationScale: Float
    ) {
        let count = encoderBias.count
        precondition(
            width > 0 && count > 0 && encoder.count == count * width && decoder.count == count * width
                && decoderBias.count == width,
            "SparseAutoencoder: \(count) latents of width \(width) with other counts of values"
        )
        self.model = model
        self.layer = layer
        self.width = width
        self.activation = activation
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
        self.activationScale = activationScale
    }
}

// MARK: - The code

extension SparseAutoencoder {
    /// The dense ReLU code of states, in normalised units.
    ///
    /// - Parameters:
    ///   - states: `[N, C]`.
    ///   - workspace: Where buffers come from.
    /// - Returns: z `[N, m]`.
    package func encode(_ states: Tensor, workspace: Workspace = Workspace()) -> Tensor {
        precondition(states.columns == width, "encode: states of width \(states.columns), expected \(width)")
        let (rows, count) = (states.rows, latentCount)
        let x = workspace.tensor([rows, width])
        StateMath.normalise(states.values, centre: decoderBias, scale: activationScale, into: x.values)
        let z = workspace.tensor([rows, count])
        Products.abT(x.base, encoder, z.base, m: rows, n: count, k: width)
        StateMath.rectify(z.values, bias: encoderBias)
        return z
    }

    /// The dense ReLU code of states, row after row.
    package func encode(_ states: [Float]) -> [Float] {
        encode(Tensor(shape: [states.count / width, width], values: states)).toArray()
    }

    /// States from a code, with the activation of this autoencoder; the code is changed where that is TopK.
    ///
    /// - Parameter code: z `[N, m]`, dense.
    /// - Returns: h' `[N, C]`.
    package func decode(_ code: Tensor, workspace: Workspace = Workspace()) -> Tensor {
        precondition(code.columns == latentCount, "decode: \(code.columns) latents, expected \(latentCount)")
        if case .topK(let count) = activation {
            StateMath.keepLargest(count, of: code.values, columns: latentCount)
        }
        let states = workspace.tensor([code.rows, width])
        Products.ab(
            code.base,
            decoder,
            states.base,
            m: code.rows,
            n: width,
            k: latentCount,
            alpha: 1 / activationScale
        )
        let values = states.values
        for row in 0..<code.rows {
            for column in 0..<width { values[row * width + column] += decoderBias[column] }
        }
        return states
    }

    /// What blocking and steering need of some latents, with centre and scale folded in.
    ///
    /// - Parameters:
    ///   - indices: Which latents; each in 0 ..< m.
    ///   - signs: +1 or -1 for each.
    package func rows(_ indices: [Int], signs: [Int]) -> LatentRows {
        precondition(
            indices.allSatisfy { (0..<latentCount).contains($0) },
            "SparseAutoencoder: a latent outside of 0 ..< \(latentCount)"
        )
        func own(_ values: [Float], _ index: Int) -> ArraySlice<Float> {
            values[index * width..<(index + 1) * width]
        }
        return LatentRows(
            layer: layer,
            width: width,
            indices: indices,
            signs: signs,
            encoder: indices.flatMap { own(encoder, $0).map { $0 * activationScale } },
            bias: indices.map { index in
                let centre = zip(own(encoder, index), decoderBias).reduce(0.0) {
                    $0 + Double($1.0) * Double($1.1)
                }
                return Float(Double(encoderBias[index]) - Double(activationScale) * centre)
            },
            decoder: indices.flatMap { own(decoder, $0) }
        )
    }

    /// The same latents in other units: activations become `scale / activationScale` times as large.
    package func rescaled(to scale: Float) -> SparseAutoencoder {
        var other = self
        other.activationScale = scale
        other.encoderBias = encoderBias.map { $0 * (scale / activationScale) }
        return other
    }

    /// The digest of the weights, the activation and the scale: which autoencoder this is. Encoder biases are left out: a folder keeps
    /// them in other units, and they come back from it with other last bits.
    package var digest: String {
        let hash = SHA256()
        hash.update(Array("\(model) \(layer) \(activation)".utf8))
        for values in [encoder, decoder, decoderBias, [activationScale]] {
            hash.update(FloatPayload.encode(values))
        }
        return hash.finish().description
    }

    /// Checks that this is an autoencoder of a model.
    ///
    /// - Throws: `FeatureFault` where model, width or layer are others.
    package func check(model: String, width: Int, layerCount: Int) throws(FeatureFault) {
        guard self.width == width else {
            throw FeatureFault(
                "",
                "the autoencoder is for states of width \(self.width), the model has \(width)"
            )
        }
        guard layer <= layerCount else {
            throw FeatureFault(
                "",
                "the autoencoder is for layer \(layer), expected one of 0 … \(layerCount) of the model"
            )
        }
        guard self.model == model else {
            throw FeatureFault(
                "",
                "the autoencoder is of model \(self.model.prefix(12))…, the model is \(model.prefix(12))…"
            )
        }
    }
}

extension Tensor {
    /// Where the values begin.
    var base: UnsafeMutablePointer<Float> {
        guard let base = values.baseAddress else { preconditionFailure("a tensor without a buffer") }
        return base
    }
}
