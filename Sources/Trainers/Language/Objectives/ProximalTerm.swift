internal import Contract
internal import Tensors

/// FedProx's proximal term (Li et al., arXiv:1812.06127, Eq. 2): (μ/2) ‖φ − φ̄‖², which holds a
/// client's adapter φ near the broadcast one φ̄ during its local steps.
///
/// It acts on parameters, not on tokens, so it adds to their gradient directly.
struct ProximalTerm: ObjectiveTerm {
    /// μ.
    let weight: Double

    mutating func evaluate(_ forward: ForwardPass) -> ObjectiveValue { .zero(count: forward.logProbs.count) }

    func pull(_ parameters: [Tensor], anchor: AdapterWeights) -> Double {
        var loss = 0.0
        for (parameter, array) in zip(parameters, anchor.arrays) {
            guard let gradient = parameter.gradient else { continue }
            loss += ProximalTerm.add(
                parameter: parameter.values,
                anchor: array.values,
                gradient: gradient,
                mu: weight
            )
        }
        return loss
    }

    /// Adds μ (φ − φ̄) to the gradient of one parameter array and returns (μ/2) ‖φ − φ̄‖² for it.
    ///
    /// - Parameters:
    ///   - parameter: φ.
    ///   - anchor: φ̄, of the same size.
    ///   - gradient: What is added to, of the same size.
    ///   - mu: μ.
    static func add(
        parameter: UnsafeMutableBufferPointer<Float>,
        anchor: [Float],
        gradient: UnsafeMutableBufferPointer<Float>,
        mu: Double
    ) -> Double {
        precondition(
            parameter.count == anchor.count && gradient.count == anchor.count,
            "the anchor has another size than the parameter"
        )
        var squares = 0.0
        for index in anchor.indices {
            let distance = Double(parameter[index]) - Double(anchor[index])
            squares += distance * distance
            gradient[index] += Float(mu * distance)
        }
        return mu / 2 * squares
    }
}
