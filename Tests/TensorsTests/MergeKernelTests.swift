import CKernels
import Randomness
import Testing

@Suite("Kernels of merging")
struct MergeKernelTests {
    private func values(_ count: Int, _ label: String) -> [Float] {
        var stream = RandomStream(seed: 5, "merge", label)
        return (0..<count).map { _ in Float(2 * stream.uniform() - 1) }
    }

    @Test("weighted sums are exact where the products are", arguments: [0, 1, 7, 16, 33, 1000])
    func sums(_ count: Int) {
        let x = values(count, "x")
        for weight: Double in [1, 3, 1_048_576] {
            var fast = values(count, "sum").map(Double.init)
            var slow = fast

            kernel_add_weighted(x, weight, &fast, count)
            kernel_add_weighted_reference(x, weight, &slow, count)

            #expect(fast == slow)
        }
    }

    @Test(
        "products with four probes agree with those in double",
        arguments: [1, 2, 3, 8, 17],
        [1, 4, 15, 16, 33, 576]
    )
    func probes(_ rows: Int, _ columns: Int) {
        let (first, second) = (values(rows * columns, "first"), values(rows * columns, "second"))
        let (x, y) = (values(4 * columns, "x"), values(4 * columns, "y"))
        var fast = [Float](repeating: 0, count: 4 * rows)
        var slow = fast

        kernel_probe(first, x, second, y, &fast, rows, columns)
        kernel_probe_reference(first, x, second, y, &slow, rows, columns)
        #expect(zip(fast, slow).allSatisfy { abs($0 - $1) < 2e-6 * Float(columns) })
        kernel_probe(first, x, nil, nil, &fast, rows, columns)
        kernel_probe_reference(first, x, nil, nil, &slow, rows, columns)
        #expect(zip(fast, slow).allSatisfy { abs($0 - $1) < 2e-6 * Float(columns) })
    }

    @Test("a fold goes round the sketch as often as it takes", arguments: [0, 5, 64, 200], [0, 1, 63])
    func folds(_ count: Int, _ first: Int) {
        let x = values(count, "x")
        let signs = values(count, "signs").map { $0 < 0 ? Int8(-1) : 1 }
        var fast = values(64, "sketch")
        var slow = fast

        kernel_fold(x, signs, count, &fast, 64, first)
        kernel_fold_reference(x, signs, count, &slow, 64, first)

        #expect(fast == slow)
    }
}
