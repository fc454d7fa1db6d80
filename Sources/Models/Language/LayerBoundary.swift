package import Tensors

/// A hook at the layer boundaries: given the tape of the pass, the index and the residual stream `[N, C]`, returns
/// the stream to go on with. Index 0 is after the embedding, index l + 1 after block l, as in Hugging Face's
/// `hidden_states` (except that those end with the normed state).
package typealias LayerBoundary = (_ tape: Tape, _ index: Int, _ residual: Tensor) -> Tensor

/// A hook while samples are drawn: asked before each pass for what is done at that pass's boundaries; nil leaves
/// the pass alone.
package typealias SamplingHook = (_ rows: SampledRows) -> LayerBoundary?

/// The rows of one pass while samples are drawn.
package struct SampledRows: Sendable, Equatable {
    /// Where a row belongs.
    package enum Origin: Sendable, Equatable {
        /// Part of a prompt, which all of its samples share.
        case prompt(Int)
        /// A new token of a sample, 0 ..< K.
        case sample(prompt: Int, index: Int)
    }

    /// The tokens that are put in.
    package let tokens: [Int32]
    /// Their positions in prompt + response.
    package let positions: [Int32]
    /// Where each row belongs.
    package let origins: [Origin]
    /// The rows whose state the next token is drawn from: all new ones, and each prompt's last.
    package let predictors: [Int32]

    /// Whether these are new tokens of samples, and not prompts.
    package let areSampled: Bool
}

/// What is commonly done at boundaries.
package enum Boundaries {
    /// Adds a vector to every row at one boundary: steering.
    ///
    /// - Parameters:
    ///   - vector: `[C]`, trainable or not.
    ///   - layer: The boundary's index.
    package static func adding(_ vector: Tensor, at layer: Int) -> LayerBoundary {
        { tape, index, residual in index == layer ? tape.addVector(residual, vector) : residual }
    }

    /// Shows the residual stream `[N, C]` at one boundary and leaves it as it is.
    package static func reading(at layer: Int, _ read: @escaping (Tensor) -> Void) -> LayerBoundary {
        { _, index, residual in
            if index == layer { read(residual) }
            return residual
        }
    }
}
