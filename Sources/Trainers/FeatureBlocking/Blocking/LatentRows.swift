/// What blocking needs of a sparse autoencoder: the chosen latents K, their signs, and their rows of the encoder.
///
/// A latent's pre-activation for a state h of the residual stream is `encoder[k] · h + bias[k]`; its activation is that
/// with negative values set to zero (BLOCK-EM, the dense ReLU code). The centre that the autoencoder subtracts, and the
/// scale that makes activations free of a model's units, are folded in.
package struct LatentRows: Sendable, Equatable {
    /// The layer boundary: 0 after the embedding, l + 1 after block l.
    package var layer: Int
    /// C, the width of the residual stream.
    package var width: Int
    /// Which latents of the autoencoder these are, K of them.
    package var indices: [Int]
    /// +1 for a latent that fine-tuning raised, -1 for one that it lowered.
    package var signs: [Int]
    /// `[K, C]`.
    package var encoder: [Float]
    /// `[K]`.
    package var bias: [Float]
    /// The directions of the latents in the residual stream, of unit length, `[K, C]`.
    package var decoder: [Float]

    /// Gathers rows; their counts must agree.
    package init(
        layer: Int,
        width: Int,
        indices: [Int],
        signs: [Int],
        encoder: [Float],
        bias: [Float],
        decoder: [Float]
    ) {
        let count = indices.count
        precondition(
            signs.count == count && bias.count == count && encoder.count == count * width
                && decoder.count == count * width,
            "LatentRows: \(count) latents of width \(width) with other counts of signs or values"
        )
        self.layer = layer
        self.width = width
        self.indices = indices
        self.signs = signs
        self.encoder = encoder
        self.bias = bias
        self.decoder = decoder
    }

    /// K.
    package var count: Int { indices.count }

    /// Some of the latents, by their places.
    package func picking(_ places: [Int]) -> LatentRows {
        func rows(_ values: [Float]) -> [Float] { places.flatMap { values[$0 * width..<($0 + 1) * width] } }
        return LatentRows(
            layer: layer,
            width: width,
            indices: places.map { indices[$0] },
            signs: places.map { signs[$0] },
            encoder: rows(encoder),
            bias: places.map { bias[$0] },
            decoder: rows(decoder)
        )
    }

    /// The same latents with every sign turned round: the control that blocks the safe direction.
    package var flipped: LatentRows {
        var rows = self
        rows.signs = signs.map { -$0 }
        return rows
    }

    /// Both sets together, of one layer.
    package func union(_ other: LatentRows) -> LatentRows {
        precondition(layer == other.layer && width == other.width, "LatentRows: sets of two layers")
        let fresh = other.picking(other.indices.indices.filter { !indices.contains(other.indices[$0]) })
        return LatentRows(
            layer: layer,
            width: width,
            indices: indices + fresh.indices,
            signs: signs + fresh.signs,
            encoder: encoder + fresh.encoder,
            bias: bias + fresh.bias,
            decoder: decoder + fresh.decoder
        )
    }
}
