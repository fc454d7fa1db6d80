internal import Glibc
internal import Randomness
internal import Tensors

/// Columns standardised by the statistics of what a regression was fitted on.
private struct Standardiser {
    let mean: [Float]
    let scale: [Float]

    init(_ x: [Float], columns: Int) {
        let rows = Double(max(1, x.count / columns))
        var (sums, squares) = ([Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns))
        for index in x.indices { sums[index % columns] += Double(x[index]) }
        for index in x.indices {
            let off = Double(x[index]) - sums[index % columns] / rows
            squares[index % columns] += off * off
        }
        mean = sums.map { Float($0 / rows) }
        scale = squares.map { $0 > 1e-12 * rows ? Float(1 / ($0 / rows).squareRoot()) : 0 }
    }

    func callAsFunction(_ x: [Float]) -> [Float] {
        var x = x
        for index in x.indices {
            let column = index % mean.count
            x[index] = (x[index] - mean[column]) * scale[column]
        }
        return x
    }
}

/// Ridge regression on standardised columns: W = (XᵀX / N + λ I)⁻¹ XᵀY / N.
struct Ridge {
    private let standardiser: Standardiser
    private let columns: Int
    private let outputs: Int
    /// `[outputs, columns]`.
    private let weights: Tensor
    private let offset: [Float]

    init(_ x: [Float], columns: Int, to y: [Float], outputs: Int, penalty: Double = 1e-3) {
        standardiser = Standardiser(x, columns: columns)
        self.columns = columns
        self.outputs = outputs
        let rows = x.count / columns
        var centred = y
        MacrostateObjective.subtractMean(&centred, width: outputs)
        offset = (0..<outputs).map { y[$0] - centred[$0] }
        let scaled = standardiser(x)
        // Both products at once: [X Y]ᵀ X.
        let xT = Tensor(shape: [columns, rows], values: Ridge.transposed(scaled, columns: columns))
        let yT = Tensor(shape: [outputs, rows], values: Ridge.transposed(centred, columns: outputs))
        let tape = Tape(recording: false)
        // The values are only there as long as the tensor is.
        func product(_ left: Tensor, _ right: Tensor) -> [Double] {
            let product = tape.linear(left, right)
            return withExtendedLifetime(product) { product.values.map { Double($0) / Double(rows) } }
        }
        let (gram, cross) = (product(xT, xT), product(yT, xT))
        let eigen = SymmetricEigen(gram, size: columns)
        // W = Y'X V (Λ + λ)⁻¹ Vᵀ, with V's columns as rows of `vectors`.
        let vectors = Tensor(shape: [columns, columns], values: eigen.vectors.map(Float.init))
        let projected = tape.linear(
            Tensor(shape: [outputs, columns], values: cross.map(Float.init)),
            vectors
        )
        for output in 0..<outputs {
            for column in 0..<columns {
                projected.values[output * columns + column] /= Float(max(0, eigen.values[column]) + penalty)
            }
        }
        let transposed = Tensor(
            shape: [columns, columns],
            values: Ridge.transposed(eigen.vectors.map(Float.init), columns: columns)
        )
        weights = tape.linear(projected, transposed)
    }

    func predict(_ x: [Float]) -> [Float] {
        let scaled = Tensor(shape: [x.count / columns, columns], values: standardiser(x))
        let tape = Tape(recording: false)
        return tape.addVector(tape.linear(scaled, weights), Tensor(shape: [outputs], values: offset))
            .toArray()
    }

    private static func transposed(_ values: [Float], columns: Int) -> [Float] {
        let rows = values.count / columns
        var result = [Float](repeating: 0, count: values.count)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
        }
        return result
    }
}

/// A regression by a net of one hidden layer of 64, as the recipe fits it: 800 steps of 256, Adam 3e-3 then 5e-4 for the last
/// quarter, weight decay 1e-4.
struct RegressionNet {
    private let standardiser: Standardiser
    private let target: Standardiser
    private let columns: Int
    private let outputs: Int
    private let layers: [(weight: Tensor, bias: Tensor)]

    init(_ x: [Float], columns: Int, to y: [Float], outputs: Int, seed: UInt64, steps: Int = 800) {
        standardiser = Standardiser(x, columns: columns)
        target = Standardiser(y, columns: outputs)
        self.columns = columns
        self.outputs = outputs
        let widths = [columns, 64, outputs]
        layers = (1..<widths.count).map { index in
            var stream = RandomStream(seed: seed, "regression-net", index)
            let bound = 1 / Double(widths[index - 1]).squareRoot()
            func values(_ count: Int) -> [Float] {
                (0..<count).map { _ in Float((2 * stream.uniform() - 1) * bound) }
            }
            return (
                Tensor(
                    shape: [widths[index], widths[index - 1]],
                    values: values(widths[index] * widths[index - 1]),
                    trainable: true
                ),
                Tensor(shape: [widths[index]], values: values(widths[index]), trainable: true)
            )
        }
        let (scaledX, scaledY) = (standardiser(x), target(y))
        let rows = x.count / columns
        let parameters = layers.flatMap { [$0.weight, $0.bias] }
        var optimiser = AdamW(learningRate: 3e-3, weightDecay: 1e-4)
        let workspace = Workspace()
        for step in 0..<steps {
            var stream = RandomStream(seed: seed, "regression-batch", step)
            let (inputs, outputsWanted) = (
                workspace.tensor([256, columns]), workspace.tensor([256, outputs])
            )
            for row in 0..<256 {
                let drawn = stream.below(rows)
                for column in 0..<columns {
                    inputs.values[row * columns + column] = scaledX[drawn * columns + column]
                }
                for column in 0..<outputs {
                    outputsWanted.values[row * outputs + column] = scaledY[drawn * outputs + column]
                }
            }
            zeroGradients(parameters)
            let tape = Tape(recording: true, workspace: workspace)
            let found = forward(inputs, tape)
            let scale = 2 / Float(256 * outputs)
            tape.backward(
                from: found,
                seed: zip(found.values, outputsWanted.values).map { scale * ($0 - $1) }
            )
            if step == steps * 3 / 4 { optimiser.learningRate = 5e-4 }
            optimiser.step(parameters: parameters)
        }
    }

    func predict(_ x: [Float]) -> [Float] {
        let inputs = Tensor(shape: [x.count / columns, columns], values: standardiser(x))
        var y = forward(inputs, Tape(recording: false)).toArray()
        for index in y.indices {
            let column = index % outputs
            y[index] =
                target.scale[column] > 0
                ? y[index] / target.scale[column] + target.mean[column] : target.mean[column]
        }
        return y
    }

    private func forward(_ x: Tensor, _ tape: Tape) -> Tensor {
        let hidden = tape.rectify(tape.addVector(tape.linear(x, layers[0].weight), layers[0].bias))
        return tape.addVector(tape.linear(hidden, layers[1].weight), layers[1].bias)
    }
}
