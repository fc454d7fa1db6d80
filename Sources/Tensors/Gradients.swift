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
    let gradients = parameters.compactMap(\.gradient)
    let squares = gradients.reduce(0.0) { $0 + kernel_sum_of_squares($1.baseAddress, $1.count) }
    let norm = squares.squareRoot()
    let scale = max / (norm + 1e-6)
    if scale < 1 && norm.isFinite {
        for gradient in gradients {
            kernel_scale(gradient.baseAddress, Float(scale), gradient.baseAddress, gradient.count)
        }
    }
    return norm
}

/// Sets the gradients of parameters to zero, before a step's first backward pass.
package func zeroGradients(_ parameters: [Tensor]) {
    for parameter in parameters { parameter.gradient?.update(repeating: 0) }
}
