internal import Randomness
internal import Tensors
internal import Trainers

/// Points `[N, width]`, a row for each row of a sample.
struct Rows: Sendable {
    let width: Int
    var values: [Float]

    /// Some of the rows.
    func picked(_ rows: [Int]) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows.count * width)
        for row in rows { result += values[row * width..<(row + 1) * width] }
        return result
    }

    /// Both beside each other.
    func beside(_ other: Rows) -> Rows {
        let count = values.count / width
        var all: [Float] = []
        all.reserveCapacity(values.count + other.values.count)
        for row in 0..<count {
            all += values[row * width..<(row + 1) * width]
            all += other.values[row * other.width..<(row + 1) * other.width]
        }
        return Rows(width: width + other.width, values: all)
    }

    /// A linear map of the rows, `[out, width]`, after a mean is taken off.
    func mapped(by matrix: [Float], mean: [Float]) -> Rows {
        let outputs = matrix.count / width
        var centred = values
        for index in centred.indices { centred[index] -= mean[index % width] }
        let x = Tensor(shape: [values.count / width, width], values: centred)
        let y = Tape(recording: false).linear(x, Tensor(shape: [outputs, width], values: matrix))
        return Rows(width: outputs, values: y.toArray())
    }
}

/// What a representation is compared with: fixed and linear ones, fitted on the same completions.
///
/// All are causal: a row depends on its completion's states up to it.
enum Baselines {
    /// The states, each coordinate standardised by the mean and deviation of some completions.
    static func standardised(_ sample: PhaseSample, layer: Int, by train: [Int]) throws -> Rows {
        guard let set = sample.sets[layer] else { preconditionFailure("Baselines: layer \(layer)") }
        let statistics = try StateStatistics(of: set.subset(train))
        var values = try set.states(0..<set.rowCount)
        for index in values.indices {
            let column = index % set.width
            values[index] = (values[index] - statistics.mean[column]) / statistics.deviation[column]
        }
        return Rows(width: set.width, values: values)
    }

    /// The mean of the last `window` states of the completion, fewer at its beginning.
    static func causalMean(_ x: Rows, _ window: Int, _ completions: [Range<Int>]) -> Rows {
        var result = x
        let width = x.width
        var sum = [Double](repeating: 0, count: width)
        for rows in completions {
            for column in 0..<width { sum[column] = 0 }
            for row in rows {
                let count = min(window, row - rows.lowerBound + 1)
                for column in 0..<width {
                    sum[column] += Double(x.values[row * width + column])
                    if row - rows.lowerBound >= window {
                        sum[column] -= Double(x.values[(row - window) * width + column])
                    }
                    result.values[row * width + column] = Float(sum[column] / Double(count))
                }
            }
        }
        return result
    }

    /// Each state without the mean of its completion's states up to it: what stays the same through a text
    /// goes.
    static func centred(_ x: Rows, _ completions: [Range<Int>]) -> Rows {
        let means = causalMean(x, .max, completions)
        return Rows(width: x.width, values: zip(x.values, means.values).map { $0 - $1 })
    }

    /// The first principal components.
    static func principal(_ x: Rows, _ outputs: Int, train: [Int]) -> Rows {
        let (mean, eigen) = spectrum(x.picked(train), x.width)
        let kept = (0..<outputs).flatMap { component(eigen, $0) }
        return x.mapped(by: kept.map(Float.init), mean: mean)
    }

    /// Linear slow features (Wiskott and Sejnowski 2002): whitened, eigenvalues below 1e-3 of the largest
    /// dropped, then the directions whose first differences vary least, with unit variance.
    static func slow(_ x: Rows, _ outputs: Int, train: [Range<Int>]) -> Rows {
        let (mean, eigen) = spectrum(x.picked(train.flatMap { $0 }), x.width)
        let largest = eigen.values.last ?? 0
        let kept = (0..<x.width).filter { eigen.values[x.width - 1 - $0] > 1e-3 * largest }
        let whitening = kept.flatMap { place in
            let scale = 1 / eigen.values[x.width - 1 - place].squareRoot()
            return component(eigen, place).map { Float($0 * scale) }
        }
        let white = x.mapped(by: whitening, mean: mean)
        var differences: [Float] = []
        for rows in train {
            for index in rows.dropFirst() {
                for column in 0..<white.width {
                    let place = index * white.width + column
                    differences.append(white.values[place] - white.values[place - white.width])
                }
            }
        }
        let slowness = spectrum(differences, white.width, centres: false).eigen
        let count = min(outputs, white.width)
        let directions = slowness.vectors.prefix(count * white.width).map(Float.init)
        return white.mapped(by: directions, mean: [Float](repeating: 0, count: white.width))
    }

    /// The eigenvector of the place-th largest value.
    private static func component(_ eigen: SymmetricEigen, _ place: Int) -> ArraySlice<Double> {
        let row = eigen.size - 1 - place
        return eigen.vectors[row * eigen.size..<(row + 1) * eigen.size]
    }

    /// The mean and the eigenvalues of the covariance of points.
    private static func spectrum(
        _ points: [Float],
        _ width: Int,
        centres: Bool = true
    ) -> (mean: [Float], eigen: SymmetricEigen) {
        let count = points.count / width
        var mean = [Double](repeating: 0, count: width)
        if centres {
            for index in points.indices { mean[index % width] += Double(points[index]) }
            for column in 0..<width { mean[column] /= Double(count) }
        }
        // Xᵀ X by blocks, so that rounding in float32 does not add up.
        var sums = [Double](repeating: 0, count: width * width)
        let tape = Tape(recording: false)
        for first in stride(from: 0, to: count, by: 4096) {
            let rows = first..<min(first + 4096, count)
            var block = [Float](repeating: 0, count: rows.count * width)
            for row in rows {
                for column in 0..<width {
                    block[column * rows.count + row - first] =
                        points[row * width + column] - Float(mean[column])
                }
            }
            let x = Tensor(shape: [width, rows.count], values: block)
            let products = tape.linear(x, x).values
            for index in sums.indices { sums[index] += Double(products[index]) }
        }
        let covariance = sums.map { $0 / Double(max(1, count)) }
        return (mean.map { Float($0) }, SymmetricEigen(covariance, size: width))
    }
}
