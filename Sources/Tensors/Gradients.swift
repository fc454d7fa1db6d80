internal import CKernels

/// Scales all gradients down together if their common Euclidean norm exceeds a bound, as
/// `torch.nn.utils.clip_grad_norm_` does: by max / (norm + 1e-6).
///
/// - Parameters:
///   - parameters: Trainable tensors.
///   - max: The bound.
/// - Returns: The norm before clipping, summed in Double; not finite if a gradient is not, in which case
///   nothing is scaled.
@discardableResult
package func clipGradientNorm(_ parameters: [Tensor], max: Double) -> Double {
    let pieces = Pieces(parameters)
    var squares = [Double](repeating: 0, count: pieces.count)
    squares.withUnsafeMutableBufferPointer { squares in
        Compute.parallel(pieces.count) { part in
            let piece = pieces[part]
            let first = piece.gradient + piece.range.lowerBound
            squares[part] = kernel_sum_of_squares(first, piece.range.count)
        }
    }
    let norm = squares.reduce(0, +).squareRoot()
    let scale = max / (norm + 1e-6)
    if scale < 1 && norm.isFinite {
        Compute.parallel(pieces.count) { part in
            let gradient = pieces[part].gradient + pieces[part].range.lowerBound
            kernel_scale(gradient, Float(scale), gradient, pieces[part].range.count)
        }
    }
    return norm
}

/// Sets the gradients of parameters to zero, before a step's first backward pass.
package func zeroGradients(_ parameters: [Tensor]) {
    for parameter in parameters { parameter.gradient?.update(repeating: 0) }
}

/// Parameters cut into pieces that threads can take, each within one of them; where the cuts are depends on the parameters
/// alone.
struct Pieces {
    struct Piece {
        let values: UnsafeMutablePointer<Float>
        let gradient: UnsafeMutablePointer<Float>
        /// Which values of the parameter.
        let range: Range<Int>
        /// The first of them among the values of all parameters.
        let place: Int
    }

    private var pieces: [Piece] = []

    init(_ parameters: [Tensor]) {
        var start = 0
        for parameter in parameters {
            guard parameter.isTrainable, let gradient = parameter.gradient?.baseAddress else {
                preconditionFailure("a parameter of shape \(parameter.shape) is not trainable")
            }
            for first in stride(from: 0, to: parameter.count, by: Self.size) {
                let range = first..<min(first + Self.size, parameter.count)
                pieces.append(
                    Piece(values: parameter.pointer, gradient: gradient, range: range, place: start + first)
                )
            }
            start += parameter.count
        }
    }

    var count: Int { pieces.count }
    subscript(index: Int) -> Piece { pieces[index] }

    private static let size = 1 << 15
}
