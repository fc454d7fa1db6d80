internal import Tensors

/// The directions in which points vary most.
struct PrincipalComponents {
    /// How many directions.
    let count: Int
    /// d.
    let width: Int
    /// `[count, d]`, the direction of the largest variance first.
    let directions: [Double]

    /// Finds the directions of points `[N, d]`; as many as there are if `count` is more.
    init(_ points: [Float], width: Int, count: Int) {
        precondition(width > 0 && points.count % width == 0, "PrincipalComponents: no rows of \(width)")
        let rows = points.count / width
        var centred = points
        MacrostateObjective.subtractMean(&centred, width: width)
        var transposed = [Float](repeating: 0, count: points.count)
        for row in 0..<rows {
            for column in 0..<width { transposed[column * rows + row] = centred[row * width + column] }
        }
        let matrix = Tensor(shape: [width, rows], values: transposed)
        let gram = Tape(recording: false).linear(matrix, matrix)
        // The values are only there as long as the tensor is.
        let covariance = withExtendedLifetime(gram) {
            gram.values.map { Double($0) / Double(max(1, rows)) }
        }
        let eigen = SymmetricEigen(covariance, size: width)
        self.width = width
        self.count = min(count, width)
        directions = (0..<min(count, width)).flatMap { index in
            let row = width - 1 - index
            return eigen.vectors[row * width..<(row + 1) * width]
        }
    }

    /// The coordinates of a point `[d]` along the directions, `[count]`; the centre is not taken off.
    func project(_ point: [Double]) -> [Double] {
        (0..<count).map { index in
            var sum = 0.0
            for column in 0..<width { sum += directions[index * width + column] * point[column] }
            return sum
        }
    }
}
