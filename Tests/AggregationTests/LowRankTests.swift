import Randomness
import Testing

@testable import Aggregation

@Suite("Truncated SVD of a product")
struct LowRankTests {
    private func random(_ seed: UInt64, _ rows: Int, _ columns: Int) -> ColumnMatrix {
        var stream = RandomStream(seed: seed, "matrix", rows, columns)
        var matrix = ColumnMatrix(rows: rows, columns: columns)
        for index in matrix.values.indices { matrix.values[index] = 2 * stream.uniform() - 1 }
        return matrix
    }

    private func orthonormalityError(_ matrix: ColumnMatrix) -> Double {
        let gram = matrix.transposed.times(matrix)
        let identity = ColumnMatrix.identity(rows: matrix.columns, columns: matrix.columns)
        return zip(gram.values, identity.values).map { abs($0 - $1) }.max() ?? 0
    }

    @Test(
        "all triples rebuild the product, with orthonormal columns",
        arguments: [(9, 6, 4), (4, 9, 6), (3, 3, 8), (1, 7, 2), (7, 1, 2), (5, 5, 5), (1, 1, 1)]
    )
    func rebuilds(_ shape: (Int, Int, Int)) {
        let (m, n, s) = shape
        let left = random(1, m, s)
        let right = random(2, n, s)
        let expected = left.times(right.transposed)

        let factors = LowRank.truncate(left: left, right: right, rank: max(m, n, s))

        var scaled = factors.left
        for k in factors.singularValues.indices {
            for row in 0..<m { scaled[row, k] *= factors.singularValues[k] }
        }
        let rebuilt = scaled.times(factors.right.transposed)
        #expect(zip(rebuilt.values, expected.values).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(orthonormalityError(factors.right) < 1e-12)
        #expect(orthonormalityError(factors.left) < 1e-12)
        #expect(zip(factors.singularValues, factors.singularValues.dropFirst()).allSatisfy { $0 >= $1 })
    }

    @Test("the singular values of a known matrix")
    func knownValues() {
        // [[3, 0], [4, 5]] has the singular values √45 and √5.
        var matrix = ColumnMatrix(rows: 2, columns: 2)
        matrix.values = [3, 4, 0, 5]

        let factors = LowRank.jacobi(matrix)

        #expect(abs(factors.singularValues[0] - 45.0.squareRoot()) < 1e-14)
        #expect(abs(factors.singularValues[1] - 5.0.squareRoot()) < 1e-14)
    }

    @Test("a rank-deficient product still has orthonormal right columns")
    func rankDeficient() {
        let thin = random(3, 8, 1)
        var left = ColumnMatrix(rows: 8, columns: 4)
        for column in 0..<4 {
            for row in 0..<8 { left[row, column] = thin[row, 0] * Double(column + 1) }
        }
        let right = random(4, 6, 4)

        let factors = LowRank.truncate(left: left, right: right, rank: 4)

        #expect(factors.singularValues[0] > 0.1)
        #expect(factors.singularValues[1] < 1e-12)
        #expect(orthonormalityError(factors.right) < 1e-12)
    }
}
