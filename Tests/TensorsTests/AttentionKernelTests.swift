import CKernels
import Testing

@Suite("The attention kernel agrees with its scalar twin") struct AttentionKernelTests {
    struct Case: CustomTestStringConvertible {
        var rows = 5
        var prefix = 0
        var heads = 2
        var keyValueHeads = 1
        var headSize = 16
        var cap: Float = 0
        var window = 0
        var testDescription: String {
            "\(rows) rows after \(prefix), heads \(heads)/\(keyValueHeads) of \(headSize), "
                + "cap \(cap), window \(window)"
        }
    }

    static let cases = [
        Case(), Case(rows: 1), Case(rows: 13, heads: 9, keyValueHeads: 3, headSize: 64),
        Case(rows: 67, prefix: 37, heads: 4, keyValueHeads: 2, headSize: 32),
        Case(rows: 33, prefix: 16, heads: 2, keyValueHeads: 2, headSize: 48, cap: 1.5),
        Case(rows: 70, prefix: 30, cap: 2, window: 20), Case(rows: 41, prefix: 50, headSize: 32, window: 17),
        Case(rows: 9, prefix: 40, window: 1), Case(rows: 5, prefix: 3, window: 100),
    ]

    @Test("output, log-sum-exp and all gradients", arguments: cases, [0, 1])
    func agrees(_ c: Case, wide: Int32) {
        // Two rows of something else, the prefix, a row between, and the segment's own.
        let (prefix, first) = (2, 3 + c.prefix)
        let count = first + c.rows
        let (width, stride) = (c.heads * c.headSize, c.keyValueHeads * c.headSize)
        let (q, dout) = (random(count * width, "q", scale: 3), random(count * width, "dout"))
        let (k, v) = (random(count * stride, "k"), random(count * stride, "v"))
        let columns = kernel_attention_stride(count)
        var keys = [Float](repeating: .nan, count: columns * stride)
        var values = keys
        for head in 0..<c.keyValueHeads {
            let at = head * c.headSize * columns
            kernel_attention_transpose(k, count, c.keyValueHeads, c.headSize, head, &keys[at])
            kernel_attention_transpose(v, count, c.keyValueHeads, c.headSize, head, &values[at])
        }
        var place = kernel_attention_place(
            first: first,
            rows: c.rows,
            prefix_first: prefix,
            prefix_rows: c.prefix
        )
        var (out, lse) = (
            [Float](repeating: 0, count: count * width), [Float](repeating: 0, count: count * c.heads)
        )
        var (outReference, lseReference) = (out, lse)
        // Two sets of gradients that start with the same numbers: the kernel must add.
        var fast = [q, k, v]
        var slow = fast
        withCopies([q, k, v, keys, values, dout]) { at in
            var batch = kernel_attention_batch(
                heads: c.heads,
                key_value_heads: c.keyValueHeads,
                head_size: c.headSize,
                stride: columns,
                wide: wide,
                scale: 0.4,
                cap: c.cap,
                window: c.window,
                q: at[0],
                k: at[1],
                v: at[2],
                keys: at[3],
                values: at[4]
            )
            for head in 0..<c.heads {
                kernel_attention(&batch, &place, head, &out, &lse)
                kernel_attention_reference(&batch, &place, head, &outReference, &lseReference)
            }
            withCopies([out, lse]) { results in
                for (isFast, head) in [true, false].flatMap({ fast in (0..<c.heads).map { (fast, $0) } }) {
                    let goBack = { (d: [UnsafeMutablePointer<Float>]) in
                        let from = head / (c.heads / c.keyValueHeads) * c.headSize
                        let (before, own) = (prefix * stride + from, first * stride + from)
                        var gradients = kernel_attention_gradients(
                            out: results[0],
                            lse: results[1],
                            dout: at[5],
                            dq: d[0],
                            dprefix_keys: d[1] + before,
                            dprefix_values: d[2] + before,
                            down_keys: d[1] + own,
                            down_values: d[2] + own,
                            stride: stride
                        )
                        if isFast {
                            kernel_attention_backward(&batch, &place, head, &gradients)
                        } else {
                            kernel_attention_backward_reference(&batch, &place, head, &gradients)
                        }
                    }
                    if isFast { change(&fast, goBack) } else { change(&slow, goBack) }
                }
            }
        }
        expectClose(out, outReference, 1e-6, "out")
        expectClose(lse, lseReference, 1e-6, "lse")
        for (name, pair) in zip(["dq", "dk", "dv"], zip(fast, slow)) {
            expectClose(pair.0, pair.1, 5e-6, name)
        }
    }

    /// Calls `body` with the first elements of copies of some arrays.
    private func withCopies(_ arrays: [[Float]], _ body: ([UnsafePointer<Float>]) -> Void) {
        var copies = arrays
        change(&copies) { body($0.map { UnsafePointer($0) }) }
    }

    /// Calls `body` with the first elements of some arrays, which it may change.
    private func change(_ arrays: inout [[Float]], _ body: ([UnsafeMutablePointer<Float>]) -> Void) {
        let buffers = arrays.map { values in
            let buffer = UnsafeMutablePointer<Float>.allocate(capacity: max(values.count, 1))
            buffer.initialize(from: values, count: values.count)
            return buffer
        }
        body(buffers)
        for (index, buffer) in buffers.enumerated() {
            arrays[index] = Array(UnsafeBufferPointer(start: buffer, count: arrays[index].count))
            buffer.deallocate()
        }
    }
}
