import Randomness
import Testing

@testable import Tensors

@Suite("Eigenvalues of symmetric matrices")
struct SymmetricEigenTests {
    @Test("values ascend, vectors are orthonormal and rebuild the matrix", arguments: [1, 2, 7, 40])
    func rebuilds(size: Int) {
        var stream = RandomStream(seed: 1, "eigen", size)
        var matrix = [Double](repeating: 0, count: size * size)
        for a in 0..<size {
            for b in a..<size {
                matrix[a * size + b] = 2 * stream.uniform() - 1
                matrix[b * size + a] = matrix[a * size + b]
            }
        }

        let eigen = SymmetricEigen(matrix, size: size)

        #expect(eigen.values == eigen.values.sorted())
        for a in 0..<size {
            for b in 0..<size {
                var (product, rebuilt) = (0.0, 0.0)
                for k in 0..<size {
                    product += eigen.vectors[a * size + k] * eigen.vectors[b * size + k]
                    rebuilt += eigen.values[k] * eigen.vectors[k * size + a] * eigen.vectors[k * size + b]
                }
                #expect(abs(product - (a == b ? 1 : 0)) < 1e-12)
                #expect(abs(rebuilt - matrix[a * size + b]) < 1e-12)
            }
        }
    }

    @Test("a known matrix has its known values, and the largest component of a vector is positive")
    func known() {
        let eigen = SymmetricEigen([2, 1, 1, 2], size: 2)

        #expect(zip(eigen.values, [1, 3]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(eigen.vectors.suffix(2).allSatisfy { abs($0 - 0.5.squareRoot()) < 1e-12 })
        #expect(SymmetricEigen([], size: 0).values.isEmpty)
    }
}
