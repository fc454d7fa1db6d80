extension Tape {
    /// x · y, element by element, of one shape.
    package func multiply(_ x: Tensor, _ y: Tensor) -> Tensor {
        precondition(x.shape == y.shape, "multiply: shapes \(x.shape) and \(y.shape)")
        let product = result(x.shape, of: x, y)
        let (left, right, to) = (x.pointer, y.pointer, product.pointer)
        for index in 0..<product.count { to[index] = left[index] * right[index] }
        record(product) { [workspace] dproduct in
            for (input, other) in [(x, y), (y, x)] where input.needsGradient {
                let (gradient, factor) = (input.gradientForAdding(workspace), other.pointer)
                for index in 0..<input.count { gradient[index] += dproduct[index] * factor[index] }
            }
        }
        return product
    }
}
