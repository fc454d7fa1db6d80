import CKernels
import Testing

@Suite("Each softmax kernel agrees with its scalar twin") struct SoftmaxKernelTests {
    private func logSumExp(_ x: [Float]) -> (fast: Float, reference: Float) {
        var (fast, reference) = (Float(0), Float(0))
        kernel_log_sum_exp(x, &fast, 1, x.count)
        kernel_log_sum_exp_reference(x, &reference, 1, x.count)
        return (fast, reference)
    }

    @Test("log-sum-exp, probabilities, entropy and best column", arguments: lengths.dropFirst() + [4099])
    func rows(columns: Int) {
        let rows = 3
        let x = random(rows * columns, "x", scale: 12)
        var (lse, lseReference) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
        kernel_log_sum_exp(x, &lse, rows, columns)
        kernel_log_sum_exp_reference(x, &lseReference, rows, columns)
        expectClose(lse, lseReference, 1e-6)
        let factors = random(rows, "factor")
        var (p, pReference) = (x, x)
        kernel_softmax_scaled(&p, lse, factors, rows, columns)
        kernel_softmax_scaled_reference(&pReference, lse, factors, rows, columns)
        expectClose(p, pReference, 1e-6)
        var (entropy, entropyReference) = (lse, lse)
        var (best, bestReference) = ([Int32](repeating: 9, count: rows), [Int32](repeating: 9, count: rows))
        kernel_row_statistics(x, lse, &entropy, &best, rows, columns)
        kernel_row_statistics_reference(x, lse, &entropyReference, &bestReference, rows, columns)
        expectClose(entropy, entropyReference, 3e-6)
        #expect(best == bestReference)
    }

    @Test(
        "exponentials, their sums, entropy and best column in one pass",
        arguments: lengths.dropFirst() + [4099]
    )
    func sums(columns: Int) {
        let (rows, blank) = (3, [Float](repeating: 9, count: 3))
        var x = random(rows * columns, "x", scale: 12)
        x[columns / 2] = 12.5
        x[columns - 1] = 12.5
        var (fast, slow) = (x, x)
        var found = (sum: blank, lse: blank, entropy: blank, best: [Int32](repeating: 9, count: rows))
        var expected = found
        kernel_softmax_sums(&fast, &found.sum, &found.lse, &found.entropy, &found.best, rows, columns)
        kernel_softmax_sums_reference(
            &slow,
            &expected.sum,
            &expected.lse,
            &expected.entropy,
            &expected.best,
            rows,
            columns
        )
        expectClose(fast, slow, 1e-6, "exponentials")
        expectClose(found.sum, expected.sum, 1e-6, "sum")
        expectClose(found.lse, expected.lse, 1e-6, "lse")
        expectClose(found.entropy, expected.entropy, 3e-6, "entropy")
        #expect(found.best == expected.best)
        for value in [Float.nan, .infinity, -.infinity] {
            var row = [Float](repeating: value, count: columns)
            var (sum, lse, best) = (Float(0), Float(0), Int32(-1))
            kernel_softmax_sums(&row, &sum, &lse, nil, &best, 1, columns)
            #expect(value.isNaN ? lse.isNaN : lse == value)
            #expect(best >= 0)
        }
    }

    @Test("a row of 2^20 equal logits, the hardest sum, keeps the stated errors")
    func longRow() {
        let columns = 1 << 20
        let x = [Float](repeating: 0.3, count: columns)
        var (lse, entropy, best) = (logSumExp(x).fast, Float(0), Int32(-1))
        kernel_row_statistics(x, &lse, &entropy, &best, 1, columns)
        let expected = 20 * 0.6931471805599453
        #expect(abs(Double(lse) - 0.3 - expected) <= 1e-6 * (1 + expected))
        #expect(abs(Double(entropy) - expected) <= 2e-6 * (1 + expected))
        #expect(best == 0)
    }

    @Test("logits far from zero do not overflow")
    func far() {
        for offset in [Float(-3e37), -1e4, 1e4, 3e37] {
            let (fast, reference) = logSumExp([offset, offset, offset])
            #expect(abs(fast - reference) <= 1e-6 * abs(reference))
        }
        #expect(logSumExp([-.infinity, 2, -.infinity]).fast == 2)
    }

    @Test("a row of −∞ gives −∞, a row with +∞ gives +∞, a row with NaN gives NaN")
    func special() {
        #expect(logSumExp([-.infinity, -.infinity]).fast == -.infinity)
        #expect(logSumExp([1, .infinity]).fast == .infinity)
        for index in 0..<20 {
            var x = random(20, "nan")
            x[index] = .nan
            #expect(logSumExp(x).fast.isNaN)
        }
    }

    @Test("the first of equal logits is the best")
    func tie() {
        var x = [Float](repeating: 0, count: 40)
        x[17] = 5
        x[33] = 5
        var (lse, entropy, best) = (logSumExp(x).fast, Float(0), Int32(-1))
        kernel_row_statistics(x, &lse, &entropy, &best, 1, 40)
        #expect(best == 17)
    }
}
