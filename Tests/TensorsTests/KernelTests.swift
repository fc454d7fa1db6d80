import CKernels
import Testing

/// Lengths around the widths of vector registers and of unrolled loops.
let lengths = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 257]

@Suite("Each kernel agrees with its scalar twin") struct KernelTests {
    @Test("add, add scaled, scale", arguments: lengths)
    func elementwise(n: Int) {
        let (a, b) = (random(n, "a"), random(n, "b"))
        var (y, z) = (b, b)
        kernel_add(a, b, &y, n)
        kernel_add_reference(a, b, &z, n)
        #expect(y == z)
        kernel_add_scaled(a, 0.3, &y, n)
        kernel_add_scaled_reference(a, 0.3, &z, n)
        expectClose(y, z, 1e-6)
        kernel_scale(a, 0.3, &y, n)
        kernel_scale_reference(a, 0.3, &z, n)
        #expect(y == z)
    }

    @Test("rows are copied, added and scaled wherever they lie", arguments: lengths, [0, 1])
    func rows(n: Int, adds: Int32) {
        let (x, scale) = (random(3 * (n + 2), "rows"), random(3, "scale"))
        var fast = random(3 * (n + 5), "to")
        var slow = fast
        kernel_copy_rows(x, n + 2, &fast, n + 5, adds, 3, n)
        kernel_copy_rows_reference(x, n + 2, &slow, n + 5, adds, 3, n)
        #expect(fast == slow)
        kernel_scale_rows(x, scale, adds, &fast, 3, n)
        kernel_scale_rows_reference(x, scale, adds, &slow, 3, n)
        expectClose(fast, slow, 1e-6)
    }

    @Test("ReLU and its slope", arguments: lengths)
    func rectify(n: Int) {
        let (x, dy) = (random(n, "rectify"), random(n, "slope"))
        var (y, z) = (x, x)
        kernel_rectify(x, &y, n)
        kernel_rectify_reference(x, &z, n)
        #expect(y == z)
        var (dx, dz) = (dy, dy)
        kernel_rectify_backward(y, dy, &dx, n)
        kernel_rectify_backward_reference(y, dy, &dz, n)
        #expect(dx == dz)
        for index in 0..<n {
            let expected: Float = x[index] > 0 ? dy[index] + dy[index] : dy[index]
            #expect(dx[index] == expected)
        }
    }

    @Test("binary16 is rounded to the nearest, ties to even, and what is beyond becomes the largest")
    func halves() {
        var values: [Float] = random(1000, "halves", scale: 70_000)
        values += random(1000, "small", scale: 1e-3)
        // Halfway between two numbers, above and below an even one; the largest; the least normal and subnormal.
        let edges: [Float] = [
            1.000_488_281_25, 1.001_464_843_75, 65_519, 65_504, 1e9, -1e9, 0x1p-14, 0x1p-24, 0, -0.0,
        ]
        values += edges
        var fast = [UInt8](repeating: 0, count: 2 * values.count)
        var slow = fast
        kernel_quantise_f16(values, &fast, values.count)
        kernel_quantise_f16_reference(values, &slow, values.count)
        for index in values.indices {
            #expect(
                fast[2 * index] == slow[2 * index] && fast[2 * index + 1] == slow[2 * index + 1],
                "\(values[index])"
            )
        }
        let bits = (0..<values.count).map { UInt16(fast[2 * $0]) | UInt16(fast[2 * $0 + 1]) << 8 }
        #expect(
            bits.suffix(10) == [0x3C00, 0x3C02, 0x7BFF, 0x7BFF, 0x7BFF, 0xFBFF, 0x0400, 0x0001, 0, 0x8000]
        )
        var back = values
        kernel_dequantise_f16(fast, &back, values.count)
        for (value, half) in zip(values, back) where abs(value) <= 65_504 {
            #expect(abs(value - half) <= max(abs(value) * 0x1p-11, 0x1p-25))
        }
        var nan = [UInt8](repeating: 0, count: 2)
        kernel_quantise_f16([.nan], &nan, 1)
        #expect(nan[1] & 0x7C == 0x7C && (nan[0] != 0 || nan[1] & 3 != 0))
    }

    @Test("add vector, sum of rows, gather, scatter", arguments: [1, 5, 16, 19, 64])
    func rows(columns: Int) {
        let x = random(7 * columns, "x")
        let v = random(columns, "v")
        let index: [Int32] = [3, 0, 3, 6, 1, 3, 0]
        var (y, z) = (x, x)
        kernel_add_vector(x, v, &y, 7, columns)
        kernel_add_vector_reference(x, v, &z, 7, columns)
        #expect(y == z)
        kernel_gather_rows(x, index, &y, 7, columns)
        kernel_gather_rows_reference(x, index, &z, 7, columns)
        #expect(y == z)
        kernel_scatter_add_rows(x, index, 0.7, &y, 7, columns)
        kernel_scatter_add_rows_reference(x, index, 0.7, &z, 7, columns)
        expectClose(y, z, 1e-6)
        var (sum, other) = (v, v)
        kernel_sum_rows(x, &sum, 7, columns)
        kernel_sum_rows_reference(x, &other, 7, columns)
        expectClose(sum, other, 1e-6)
    }

    @Test("sum of squares, in double", arguments: lengths)
    func sums(n: Int) {
        let x = random(n, "x")
        #expect(abs(kernel_sum_of_squares(x, n) - kernel_sum_of_squares_reference(x, n)) <= 1e-12)
    }

    @Test("reading for the sake of reading misses nothing", arguments: lengths)
    func read(n: Int) {
        let x = random(n, "read")
        #expect(abs(kernel_peak_read(x, n) - kernel_peak_read_reference(x, n)) <= 1e-4)
        #expect(kernel_peak_read([Float](repeating: 1, count: n), n) == Float(n))
    }

    @Test("a loop of the processor's peak has operations where it has an instruction", arguments: 0..<3)
    func peaks(kind: UInt32) {
        let kind = kernel_peak(rawValue: kind)
        #expect((kernel_peak_instruction(kind) == nil) == (kernel_peak_operations(kind) == 0))
        kernel_peak_run(kind, 3)
    }

    @Test(
        "one value that is not finite is found at any place",
        arguments: [Float.infinity, -.infinity, .nan]
    )
    func finite(bad: Float) {
        let good = random(67, "finite", scale: 3e38)
        #expect(kernel_all_finite(good, 67) == 1 && kernel_all_finite_reference(good, 67) == 1)
        for index in good.indices {
            var values = good
            values[index] = bad
            #expect(kernel_all_finite(values, 67) == 0 && kernel_all_finite_reference(values, 67) == 0)
        }
    }

    @Test("RMSNorm and its gradients", arguments: [(1, 1), (3, 7), (2, 16), (5, 96), (2, 577)])
    func norm(rows: Int, columns: Int) {
        let (x, w) = (random(rows * columns, "x", scale: 3), random(columns, "w"))
        let dy = random(rows * columns, "dy")
        var (y, z) = (x, x)
        var (inverse, other) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
        kernel_rms_norm(x, w, 1e-5, &y, &inverse, rows, columns)
        kernel_rms_norm_reference(x, w, 1e-5, &z, &other, rows, columns)
        expectClose(y, z, 2e-6)
        expectClose(inverse, other, 2e-6)
        var (dx, dxReference) = (dy, dy)
        var (dw, dwReference) = (w, w)
        kernel_rms_norm_backward(x, w, inverse, dy, &dx, &dw, rows, columns)
        kernel_rms_norm_backward_reference(x, w, inverse, dy, &dxReference, &dwReference, rows, columns)
        expectClose(dx, dxReference, 3e-6, "dx")
        expectClose(dw, dwReference, 3e-6, "dw")
    }

    @Test("rotary embedding, forward and back, set and added", arguments: [2, 6, 16, 34, 64])
    func rope(headSize: Int) {
        let (rows, heads) = (5, 3)
        let n = rows * heads * headSize
        let angles = random(40 * headSize / 2, "angles", scale: 3)
        let (cosine, sine) = (angles.map { 0.5 * $0 }, angles.map { 1 - $0 })
        let positions: [Int32] = [0, 39, 7, 7, 20]
        let x = random(n, "x")
        for (direction, accumulate) in [(Float(1), Int32(0)), (-1, 1), (1, 1), (-1, 0)] {
            var (y, z) = (random(n, "y"), random(n, "y"))
            let turned = headSize < 8 ? headSize : headSize / 4 * 2
            kernel_rope(x, positions, cosine, sine, direction, accumulate, &y, rows, heads, headSize, turned)
            kernel_rope_reference(
                x,
                positions,
                cosine,
                sine,
                direction,
                accumulate,
                &z,
                rows,
                heads,
                headSize,
                turned
            )
            expectClose(y, z, 1e-6)
        }
    }

    @Test("SwiGLU and its gradients", arguments: lengths)
    func swiglu(n: Int) {
        let (gate, up, dy) = (random(n, "gate", scale: 30), random(n, "up"), random(n, "dy"))
        var (y, z) = (up, up)
        kernel_swiglu(gate, up, &y, n)
        kernel_swiglu_reference(gate, up, &z, n)
        expectClose(y, z, 1e-6)
        var (dgate, dup, dgateReference, dupReference) = (up, gate, up, gate)
        kernel_swiglu_backward(gate, up, dy, &dgate, &dup, n)
        kernel_swiglu_backward_reference(gate, up, dy, &dgateReference, &dupReference, n)
        expectClose(dgate, dgateReference, 1e-6, "dgate")
        expectClose(dup, dupReference, 1e-6, "dup")
    }

    @Test("AdamW", arguments: lengths)
    func adamw(n: Int) {
        var step = kernel_adamw_step(
            keep: 0.99,
            size: 0.02,
            complement1: 0.1,
            beta2: 0.95,
            complement2: 0.05,
            correction2_root: 0.3,
            epsilon: 1e-8
        )
        let g = random(n, "g")
        var (p, m, v) = (random(n, "p"), random(n, "m"), random(n, "v").map(abs))
        var (pReference, mReference, vReference) = (p, m, v)
        kernel_adamw(&step, g, &p, &m, &v, n)
        kernel_adamw_reference(&step, g, &pReference, &mReference, &vReference, n)
        expectClose(p, pReference, 1e-6, "p")
        expectClose(m, mReference, 1e-6, "m")
        expectClose(v, vReference, 1e-6, "v")
    }
}
