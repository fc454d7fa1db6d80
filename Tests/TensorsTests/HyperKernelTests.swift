import CKernels
import Testing

@Suite("The HyperAttention kernels agree with their scalar twins") struct HyperKernelTests {
    struct Case: CustomTestStringConvertible {
        var rows = 5
        var prefix = 0
        var before = 0
        var heads = 2
        var windows = [0, 0]
        var size = 8
        var valueSize = 5
        var isCausal = true
        var divides = false
        var hasMask = false
        var hasBias = false
        var testDescription: String {
            "\(rows) rows after \(prefix) + \(before), \(heads) heads of \(size), values \(valueSize), "
                + "windows \(windows)\(isCausal ? "" : ", both ways")\(divides ? ", divided" : "")"
                + "\(hasMask ? ", mask" : "")\(hasBias ? ", bias" : "")"
        }
        var columns: Int { prefix + before + rows }
    }

    static let cases = [
        Case(), Case(rows: 1, windows: [0]),
        Case(rows: 1, prefix: 9, before: 4, windows: [3, 0], hasBias: true),
        Case(rows: 4, prefix: 3, isCausal: false, divides: true),
        Case(rows: 17, windows: [0], size: 24, hasMask: true),
        Case(rows: 9, prefix: 17, windows: [20, 2], size: 17, valueSize: 24, divides: true, hasMask: true),
        Case(
            rows: 6,
            prefix: 2,
            before: 3,
            heads: 1,
            windows: [0, 4, 0],
            size: 3,
            hasMask: true,
            hasBias: true
        ),
        Case(rows: 33, prefix: 3, heads: 1, size: 1, valueSize: 1, divides: true, hasBias: true),
        Case(
            rows: 5,
            windows: [0, 0, 0],
            size: 2,
            valueSize: 33,
            isCausal: false,
            hasMask: true,
            hasBias: true
        ),
    ]

    @Test("exact: output, log-sum-exp and all gradients", arguments: cases)
    func exact(_ c: Case) {
        let inputs = Inputs(c)
        let (outs, lses) = ((0..<2).map { _ in inputs.output() }, (0..<2).map { _ in inputs.sums() })
        let (scratch, isIntact) = inputs.arrays.scratch(
            withUnsafePointer(to: inputs.segment, kernel_hyper_scratch)
        )
        withUnsafePointer(to: inputs.segment) {
            kernel_hyper($0, scratch.baseAddress, outs[0].baseAddress, lses[0].baseAddress)
            kernel_hyper_reference($0, outs[1].baseAddress, lses[1].baseAddress)
        }
        expectClose(Array(outs[0]), Array(outs[1]), 2e-6, "out")
        expectClose(Array(lses[0]), Array(lses[1]), 2e-6, "lse")

        scratch.update(repeating: .nan)
        inputs.expectGradients(
            outs[0],
            lses[0],
            fast: { kernel_hyper_backward($0, $1, scratch.baseAddress) },
            slow: kernel_hyper_backward_reference
        )
        #expect(isIntact())
    }

    @Test("linear: output and all gradients", arguments: cases)
    func linear(_ c: Case) {
        let inputs = Inputs(c)
        let outs = (0..<2).map { _ in inputs.output() }
        let (scratch, isIntact) = inputs.arrays.scratch(
            withUnsafePointer(to: inputs.segment, kernel_hyper_linear_scratch)
        )
        withUnsafePointer(to: inputs.segment) {
            kernel_hyper_linear($0, scratch.baseAddress, outs[0].baseAddress)
            kernel_hyper_linear_reference($0, outs[1].baseAddress)
        }
        expectClose(Array(outs[0]), Array(outs[1]), 2e-6, "out")

        scratch.update(repeating: .nan)
        inputs.expectGradients(
            outs[0],
            outs[0],
            fast: { kernel_hyper_linear_backward($0, $1, scratch.baseAddress) },
            slow: kernel_hyper_linear_backward_reference
        )
        #expect(isIntact())
    }
}

/// A segment of random numbers, and arrays for what comes out.
private final class Inputs {
    let c: HyperKernelTests.Case
    let segment: kernel_hyper_segment
    let arrays = KernelArrays()

    init(_ c: HyperKernelTests.Case) {
        self.c = c
        let arrays = arrays
        func input(_ rows: Int, _ columns: Int, _ name: String) -> UnsafePointer<Float>? {
            UnsafePointer(arrays.floats(random(rows * columns, name)).baseAddress)
        }
        let places = c.windows.enumerated().map { m, window in
            kernel_hyper_place(
                prefix_keys: input(c.prefix, c.heads * c.size, "pk\(m)"),
                own_keys: input(c.before + c.rows, c.heads * c.size, "k\(m)"),
                prefix_values: input(c.prefix, c.heads * c.valueSize, "pv\(m)"),
                own_values: input(c.before + c.rows, c.heads * c.valueSize, "v\(m)"),
                window: window
            )
        }
        // The second row sees nothing.
        let allowed = random(c.rows * c.columns, "mask").enumerated().map { index, number in
            UInt8(number > -0.2 && index / c.columns != 1 ? 1 : 0)
        }
        var segment = kernel_hyper_segment()
        (segment.rows, segment.prefix_rows, segment.own_before) = (c.rows, c.prefix, c.before)
        (segment.heads, segment.size, segment.value_size) = (c.heads, c.size, c.valueSize)
        (segment.causal, segment.divides, segment.scale) = (c.isCausal ? 1 : 0, c.divides ? 1 : 0, 1.5)
        segment.places = UnsafePointer(arrays.array(places).baseAddress)
        segment.place_count = places.count
        segment.q = input(c.rows, c.heads * c.size, "q")
        segment.mask = c.hasMask ? UnsafePointer(arrays.array(allowed).baseAddress) : nil
        segment.bias = c.hasBias ? input(c.heads * c.rows, c.columns, "bias") : nil
        self.segment = segment
    }

    func output() -> UnsafeMutableBufferPointer<Float> {
        arrays.floats([Float](repeating: .nan, count: c.rows * c.heads * c.valueSize))
    }

    func sums() -> UnsafeMutableBufferPointer<Float> {
        arrays.floats([Float](repeating: .nan, count: c.rows * c.heads))
    }

    /// Compares two sets of gradients that start with the same numbers: the kernel must add.
    func expectGradients(
        _ out: UnsafeMutableBufferPointer<Float>,
        _ lse: UnsafeMutableBufferPointer<Float>,
        fast: @escaping (UnsafePointer<kernel_hyper_segment>, UnsafePointer<kernel_hyper_gradients>) -> Void,
        slow: @escaping (UnsafePointer<kernel_hyper_segment>, UnsafePointer<kernel_hyper_gradients>) -> Void
    ) {
        let counts = [c.prefix, c.before + c.rows, c.prefix, c.before + c.rows]
        let dout = arrays.floats(random(out.count, "dout"))
        let results = [fast, slow].map { backward in
            let dq = arrays.floats(random(c.rows * c.heads * c.size, "dq"))
            let dbias = arrays.floats(random(c.heads * c.rows * c.columns, "dbias"))
            let gradients = c.windows.indices.map { m in
                counts.enumerated().map { number, rows in
                    let width = c.heads * (number < 2 ? c.size : c.valueSize)
                    return arrays.floats(random(rows * width, "gradient\(m)\(number)"))
                }
            }
            let places = gradients.map {
                kernel_hyper_place_gradients(
                    dprefix_keys: $0[0].baseAddress,
                    down_keys: $0[1].baseAddress,
                    dprefix_values: $0[2].baseAddress,
                    down_values: $0[3].baseAddress
                )
            }
            var pointers = kernel_hyper_gradients(
                out: UnsafePointer(out.baseAddress),
                lse: UnsafePointer(lse.baseAddress),
                dout: UnsafePointer(dout.baseAddress),
                dq: dq.baseAddress,
                places: UnsafePointer(arrays.array(places).baseAddress),
                dbias: dbias.baseAddress
            )
            withUnsafePointer(to: segment) { backward($0, &pointers) }
            return [dq, dbias] + gradients.flatMap { $0 }
        }
        for (number, (fast, slow)) in zip(results[0], results[1]).enumerated() {
            expectClose(Array(fast), Array(slow), 1e-5, "gradient \(number)")
        }
    }
}
