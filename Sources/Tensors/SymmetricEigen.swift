internal import COpenBLAS

/// The eigenvalues and eigenvectors of a symmetric matrix, in Double (LAPACK's `dsyevd`).
package struct SymmetricEigen: Sendable {
    /// n.
    package let size: Int
    /// The eigenvalues, ascending, n of them.
    package let values: [Double]
    /// The eigenvectors of unit length, `[n, n]`: row i belongs to value i. The largest component of each is
    /// positive, so that the same matrix gives the same vectors.
    package let vectors: [Double]

    /// Decomposes a matrix.
    ///
    /// - Parameters:
    ///   - matrix: `[n, n]`, symmetric and finite; one triangle is read.
    ///   - size: n.
    package init(_ matrix: [Double], size: Int) {
        precondition(matrix.count == size * size, "SymmetricEigen: \(matrix.count) values for size \(size)")
        precondition(matrix.allSatisfy(\.isFinite), "SymmetricEigen: a value is not finite")
        self.size = size
        guard size > 0 else {
            (values, vectors) = ([], [])
            return
        }
        var vectors = matrix
        var values = [Double](repeating: 0, count: size)
        var (order, stride) = (Int32(size), Int32(size))
        var (work, integers) = ([0.0], [Int32(0)])
        var info: Int32 = 0
        func decompose(_ workCount: Int32, _ integersCount: Int32) {
            var (workCount, integersCount) = (workCount, integersCount)
            dsyevd_(
                "V",
                "U",
                &order,
                &vectors,
                &stride,
                &values,
                &work,
                &workCount,
                &integers,
                &integersCount,
                &info,
                1,
                1
            )
        }
        // The first call asks how much scratch it takes.
        decompose(-1, -1)
        work = [Double](repeating: 0, count: Int(work[0]))
        integers = [Int32](repeating: 0, count: Int(integers[0]))
        decompose(Int32(work.count), Int32(integers.count))
        precondition(info == 0, "SymmetricEigen: dsyevd gives \(info)")
        for row in 0..<size {
            let range = row * size..<(row + 1) * size
            let largest = range.max { abs(vectors[$0]) < abs(vectors[$1]) } ?? range.lowerBound
            if vectors[largest] < 0 { for index in range { vectors[index] = -vectors[index] } }
        }
        self.values = values
        self.vectors = vectors
    }
}
