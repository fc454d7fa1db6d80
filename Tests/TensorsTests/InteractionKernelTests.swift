import CKernels
import Testing

@Suite("The interaction kernel agrees with its scalar twin") struct InteractionKernelTests {
    struct Case: CustomTestStringConvertible {
        var rows = 5
        var prefix = 0
        var before = 0
        var heads = 2
        var keyValueHeads = 1
        var sizes = [8, 3]
        var valueSize = 8
        var isCausal = true
        var hasMask = false
        var hasBias = false
        var testDescription: String {
            "\(rows) rows after \(prefix) + \(before), heads \(heads)/\(keyValueHeads) of \(sizes), values "
                + "\(valueSize)\(isCausal ? "" : ", both ways")"
                + "\(hasMask ? ", mask" : "")\(hasBias ? ", bias" : "")"
        }
        var columns: Int { prefix + before + rows }
    }

    static let cases = [
        Case(), Case(rows: 1), Case(rows: 1, prefix: 9, before: 20, hasMask: true, hasBias: true),
        Case(rows: 4, prefix: 3, isCausal: false),
        Case(rows: 6, prefix: 2, before: 11, sizes: [5], hasBias: true),
        Case(
            rows: 33,
            prefix: 17,
            heads: 4,
            keyValueHeads: 2,
            sizes: [24, 1, 2],
            valueSize: 24,
            hasMask: true
        ),
        Case(
            rows: 17,
            heads: 3,
            keyValueHeads: 3,
            sizes: [64, 64],
            valueSize: 33,
            isCausal: false,
            hasMask: true
        ),
        Case(rows: 3, prefix: 40, heads: 1, sizes: [1, 1], valueSize: 1, hasMask: true, hasBias: true),
        Case(rows: 7, prefix: 1, sizes: [2, 2, 2, 2, 2, 2, 2, 2], valueSize: 2),
    ]

    @Test(
        "output, log-sum-exp and all gradients",
        arguments: cases,
        [KERNEL_SOFTMAX, KERNEL_SUM, KERNEL_MEAN].map { Int32($0) }
    )
    func agrees(_ c: Case, weighting: Int32) {
        let arrays = KernelArrays()
        func input(_ rows: Int, _ columns: Int, _ name: String) -> UnsafePointer<Float>? {
            UnsafePointer(arrays.floats(random(rows * columns, name)).baseAddress)
        }
        let factors = arrays.array(
            c.sizes.enumerated().map { a, size in
                kernel_interaction_factor(
                    size: size,
                    offset: a == 0 ? 0 : 1,
                    scale: 0.7,
                    q: input(c.rows, c.heads * size, "q\(a)"),
                    prefix_keys: input(c.prefix, c.keyValueHeads * size, "pk\(a)"),
                    own_keys: input(c.before + c.rows, c.keyValueHeads * size, "k\(a)")
                )
            }
        )
        // The second row sees nothing.
        let allowed = random(c.rows * c.columns, "mask").enumerated().map { index, number in
            UInt8(number > -0.2 && index / c.columns != 1 ? 1 : 0)
        }
        var segment = kernel_interaction_segment(
            rows: c.rows,
            prefix_rows: c.prefix,
            own_before: c.before,
            heads: c.heads,
            key_value_heads: c.keyValueHeads,
            value_size: c.valueSize,
            factor_count: c.sizes.count,
            causal: c.isCausal ? 1 : 0,
            weighting: weighting,
            factors: UnsafePointer(factors.baseAddress),
            prefix_values: input(c.prefix, c.keyValueHeads * c.valueSize, "pv"),
            own_values: input(c.before + c.rows, c.keyValueHeads * c.valueSize, "v"),
            mask: c.hasMask ? UnsafePointer(arrays.array(allowed).baseAddress) : nil,
            bias: c.hasBias ? input(c.heads * c.rows, c.columns, "bias") : nil
        )
        let outs = (0..<2).map { _ in
            arrays.floats([Float](repeating: .nan, count: c.rows * c.heads * c.valueSize))
        }
        let lses = (0..<2).map { _ in arrays.floats([Float](repeating: 0, count: c.rows * c.heads)) }
        let (scratch, isIntact) = arrays.scratch(kernel_interaction_scratch(&segment))
        kernel_interaction(&segment, scratch.baseAddress, outs[0].baseAddress, lses[0].baseAddress)
        kernel_interaction_reference(&segment, outs[1].baseAddress, lses[1].baseAddress)

        // Two sets of gradients that start with the same numbers: the kernel must add.
        let dout = arrays.floats(random(c.rows * c.heads * c.valueSize, "dout"))
        let gradients = (0..<2).map { _ in gradientArrays(c, arrays) }
        scratch.update(repeating: .nan)
        for (number, gradients) in gradients.enumerated() {
            var pointers = kernel_interaction_gradients(
                out: outs[0].baseAddress,
                lse: lses[0].baseAddress,
                dout: dout.baseAddress,
                factors: UnsafePointer(
                    arrays.array(
                        c.sizes.indices.map { a in
                            kernel_interaction_factor_gradients(
                                dq: gradients[3 * a].baseAddress,
                                dprefix_keys: gradients[3 * a + 1].baseAddress,
                                down_keys: gradients[3 * a + 2].baseAddress
                            )
                        }
                    ).baseAddress
                ),
                dprefix_values: gradients[gradients.count - 3].baseAddress,
                down_values: gradients[gradients.count - 2].baseAddress,
                dbias: gradients[gradients.count - 1].baseAddress
            )
            if number == 0 {
                kernel_interaction_backward(&segment, &pointers, scratch.baseAddress)
            } else {
                kernel_interaction_backward_reference(&segment, &pointers)
            }
        }

        #expect(isIntact())
        expectClose(Array(outs[0]), Array(outs[1]), 2e-6, "out")
        expectClose(Array(lses[0]), Array(lses[1]), 2e-6, "lse")
        for (number, (fast, slow)) in zip(gradients[0], gradients[1]).enumerated() {
            expectClose(Array(fast), Array(slow), 1e-5, "gradient \(number)")
        }
    }

    /// q, prefix keys and keys of each factor; then prefix values, values and the bias.
    private func gradientArrays(_ c: Case, _ arrays: KernelArrays) -> [UnsafeMutableBufferPointer<Float>] {
        let keys = c.sizes.flatMap { size in
            [
                c.rows * c.heads * size, c.prefix * c.keyValueHeads * size,
                (c.before + c.rows) * c.keyValueHeads * size,
            ]
        }
        let values = [c.prefix, c.before + c.rows].map { $0 * c.keyValueHeads * c.valueSize }
        return (keys + values + [c.heads * c.rows * c.columns]).enumerated().map { number, count in
            arrays.floats(random(count, "start\(number)"))
        }
    }
}
