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
    package enum Origin: Sendable, Hashable {
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

    /// Takes the part of every row out that lies in the span of some directions, at one boundary.
    ///
    /// - Parameters:
    ///   - basis: Orthonormal rows `[k, C]`; see `orthonormal`.
    ///   - layer: The boundary's index.
    package static func projectingOut(_ basis: FrozenMatrix, at layer: Int) -> LayerBoundary {
        // x - (x Qᵀ) Q, the second product by the transposed matrix as a map of its own.
        let values = basis.toArray()
        let (count, width) = (basis.rows, basis.columns)
        let transposed = (0..<width).flatMap { column in (0..<count).map { values[$0 * width + column] } }
        let back = FrozenMatrix(rows: width, columns: count, values: transposed)
        return { tape, index, residual in
            guard index == layer else { return residual }
            return tape.add(residual, tape.scale(tape.linear(tape.linear(residual, basis), back), by: -1))
        }
    }

    /// An orthonormal basis of the span of some rows `[k, C]` by Gram and Schmidt, twice over; rows that add nothing are
    /// left out. At least one row must be other than zero.
    package static func orthonormal(_ rows: [Float], width: Int) -> FrozenMatrix {
        var basis: [[Double]] = []
        for start in stride(from: 0, to: rows.count, by: width) {
            var row = rows[start..<start + width].map { Double($0) }
            let length = norm(row)
            for _ in 0..<2 {
                for other in basis {
                    let share = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for column in row.indices { row[column] -= share * other[column] }
                }
            }
            let rest = norm(row)
            if rest > 1e-6 * length { basis.append(row.map { $0 / rest }) }
        }
        return FrozenMatrix(rows: basis.count, columns: width, values: basis.flatMap { $0.map { Float($0) } })
    }

    private static func norm(_ row: [Double]) -> Double {
        row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// One hook after the other; nil for none.
    package static func chain(_ hooks: [LayerBoundary]) -> LayerBoundary? {
        guard hooks.count > 1 else { return hooks.first }
        return { tape, index, residual in hooks.reduce(residual) { $1(tape, index, $0) } }
    }

    /// Shows the residual stream `[N, C]` at one boundary and leaves it as it is.
    package static func reading(at layer: Int, _ read: @escaping (Tensor) -> Void) -> LayerBoundary {
        { _, index, residual in
            if index == layer { read(residual) }
            return residual
        }
    }
}
