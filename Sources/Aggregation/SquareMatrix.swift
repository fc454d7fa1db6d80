internal import COpenBLAS

/// A square Double matrix in row-major order: Gram matrices and tables of inner products.
struct SquareMatrix {
    let size: Int
    var values: [Double]

    /// Zeros.
    init(size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * size)
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * size + column] }
        set { values[row * size + column] = newValue }
    }

    /// All inner products of rows of equal length, one after the other in `values`: `G[i, j] = ⟨row_i, row_j⟩`.
    static func gram(of values: [Double], rows: Int) -> SquareMatrix {
        var gram = SquareMatrix(size: rows)
        guard rows > 0, !values.isEmpty else { return gram }
        let n = Int32(rows)
        let k = Int32(values.count / rows)
        cblas_dgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            n,
            n,
            k,
            1,
            values,
            k,
            values,
            k,
            0,
            &gram.values,
            n
        )
        return gram
    }

    /// The Gram matrix of the first blocks after their weighted mean block is taken from each.
    ///
    /// - Parameters:
    ///   - blocks: How many of the leading blocks to keep, N.
    ///   - rank: Rows in a block.
    ///   - weights: One for each block, with sum 1.
    func centred(blocks: Int, of rank: Int, weights: [Double]) -> SquareMatrix {
        let n = blocks * rank
        // towardsMean[i, k] = ⟨row i, row k of the mean block⟩, meanGram[k, l] of the mean with itself.
        var towardsMean = [Double](repeating: 0, count: n * rank)
        for i in 0..<n {
            for block in 0..<blocks {
                for k in 0..<rank { towardsMean[i * rank + k] += weights[block] * self[i, block * rank + k] }
            }
        }
        var meanGram = [Double](repeating: 0, count: rank * rank)
        for block in 0..<blocks {
            for k in 0..<rank {
                for l in 0..<rank {
                    meanGram[k * rank + l] += weights[block] * towardsMean[(block * rank + k) * rank + l]
                }
            }
        }
        var result = SquareMatrix(size: n)
        for i in 0..<n {
            for j in 0..<n {
                let mean = meanGram[(i % rank) * rank + j % rank]
                result[i, j] =
                    self[i, j] - towardsMean[i * rank + j % rank] - towardsMean[j * rank + i % rank] + mean
            }
        }
        return result
    }
}
