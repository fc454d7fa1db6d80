import CKernels
import Testing

@Suite("The attention kernel agrees with its scalar twin") struct AttentionKernelTests {
    struct Case: CustomTestStringConvertible {
        var rows = 5
        var prefix = 0
        var before = 0
        var heads = 2
        var keyValueHeads = 1
        var headSize = 8
        var cap: Float = 0
        var window = 0
        var testDescription: String {
            "\(rows) rows after \(prefix) + \(before), heads \(heads)/\(keyValueHeads) of \(headSize), "
                + "cap \(cap), window \(window)"
        }
    }

    static let cases = [
        Case(), Case(rows: 1, prefix: 0), Case(rows: 1, prefix: 9, before: 20), Case(rows: 4, prefix: 3),
        Case(rows: 33, prefix: 17, heads: 4, keyValueHeads: 2, headSize: 24),
        Case(rows: 6, prefix: 2, before: 11, heads: 3, keyValueHeads: 3, headSize: 5),
        Case(rows: 13, prefix: 0, heads: 9, keyValueHeads: 3, headSize: 64),
        Case(rows: 2, prefix: 40, heads: 1, keyValueHeads: 1, headSize: 1),
        Case(rows: 33, prefix: 17, heads: 4, keyValueHeads: 2, headSize: 24, cap: 1.5),
        Case(rows: 33, prefix: 17, heads: 2, keyValueHeads: 2, headSize: 8, window: 7),
        Case(rows: 70, prefix: 30, heads: 2, keyValueHeads: 1, headSize: 16, cap: 2, window: 20),
        Case(rows: 5, prefix: 3, window: 100), Case(rows: 9, prefix: 40, window: 1),
        Case(rows: 1, prefix: 9, before: 20, cap: 0.7, window: 12), Case(rows: 1, prefix: 2, window: 3),
        Case(rows: 1, prefix: 9, before: 4, window: 1), Case(rows: 6, prefix: 2, before: 40, window: 17),
    ]

    @Test("output and log-sum-exp of cached rows", arguments: cases)
    func cached(_ c: Case) {
        let (width, stride, own) = (c.heads * c.headSize, c.keyValueHeads * c.headSize, c.before + c.rows)
        let q = random(c.rows * width, "q", scale: 3)
        let (pk, pv) = (random(c.prefix * stride, "pk"), random(c.prefix * stride, "pv"))
        let (k, v) = (random(own * stride, "k"), random(own * stride, "v"))
        let blank = [Float](repeating: 0, count: c.rows * width)
        var (out, outReference) = (blank, blank)
        var lse = [Float](repeating: 0, count: c.rows * c.heads)
        var lseReference = lse
        q.withUnsafeBufferPointer { qp in
            pk.withUnsafeBufferPointer { pkp in
                pv.withUnsafeBufferPointer { pvp in
                    k.withUnsafeBufferPointer { kp in
                        v.withUnsafeBufferPointer { vp in
                            var segment = kernel_attention_segment(
                                rows: c.rows,
                                prefix_rows: c.prefix,
                                own_before: c.before,
                                heads: c.heads,
                                key_value_heads: c.keyValueHeads,
                                head_size: c.headSize,
                                scale: 0.4,
                                cap: c.cap,
                                window: c.window,
                                q: qp.baseAddress,
                                prefix_keys: pkp.baseAddress,
                                prefix_values: pvp.baseAddress,
                                own_keys: kp.baseAddress,
                                own_values: vp.baseAddress
                            )
                            var scratch = [Float](repeating: .nan, count: kernel_attention_scratch(&segment))
                            kernel_attention(&segment, &scratch, &out, &lse)
                            kernel_attention_reference(&segment, &outReference, &lseReference)
                        }
                    }
                }
            }
        }
        expectClose(out, outReference, 1e-6, "out")
        expectClose(lse, lseReference, 1e-6, "lse")
    }

    static let sequences = [
        Case(rows: 5, headSize: 16), Case(rows: 1, headSize: 16),
        Case(rows: 13, heads: 9, keyValueHeads: 3, headSize: 64),
        Case(rows: 67, prefix: 37, heads: 4, keyValueHeads: 2, headSize: 32),
        Case(rows: 33, prefix: 16, heads: 2, keyValueHeads: 2, headSize: 48, cap: 1.5),
        Case(rows: 70, prefix: 30, headSize: 16, cap: 2, window: 20),
        Case(rows: 41, prefix: 50, headSize: 32, window: 17),
        Case(rows: 9, prefix: 40, headSize: 16, window: 1),
        Case(rows: 5, prefix: 3, headSize: 16, window: 100),
    ]

    @Test("output, log-sum-exp and all gradients of a sequence in a batch", arguments: sequences, [0, 1])
    func sequence(_ c: Case, wide: Int32) {
        // Two rows of something else, the prefix, a row between, and the segment's own.
        let (prefix, first) = (2, 3 + c.prefix)
        let count = first + c.rows
        let (width, stride) = (c.heads * c.headSize, c.keyValueHeads * c.headSize)
        let (q, dout) = (random(count * width, "q", scale: 3), random(count * width, "dout"))
        let (k, v) = (random(count * stride, "k"), random(count * stride, "v"))
        let columns = kernel_sequence_stride(count)
        var keys = [Float](repeating: .nan, count: columns * stride)
        var values = keys
        for head in 0..<c.keyValueHeads {
            let at = head * c.headSize * columns
            kernel_sequence_transpose(k, count, c.keyValueHeads, c.headSize, head, &keys[at])
            kernel_sequence_transpose(v, count, c.keyValueHeads, c.headSize, head, &values[at])
        }
        var place = kernel_sequence_place(
            first: first,
            rows: c.rows,
            prefix_first: prefix,
            prefix_rows: c.prefix
        )
        let blank = [Float](repeating: 0, count: count * width)
        var (out, outReference) = (blank, blank)
        var lse = [Float](repeating: 0, count: count * c.heads)
        var lseReference = lse
        // Two sets of gradients that start with the same numbers: the kernel must add.
        var fast = [q, k, v]
        var slow = fast
        withBuffers([q, k, v, keys, values, dout]) { at in
            var batch = kernel_sequence_batch(
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
            for head in 0..<c.heads { kernel_sequence_attention(&batch, &place, head, &out, &lse) }
            var segment = kernel_attention_segment(
                rows: c.rows,
                prefix_rows: c.prefix,
                own_before: 0,
                heads: c.heads,
                key_value_heads: c.keyValueHeads,
                head_size: c.headSize,
                scale: 0.4,
                cap: c.cap,
                window: c.window,
                q: at[0] + first * width,
                prefix_keys: at[1] + prefix * stride,
                prefix_values: at[2] + prefix * stride,
                own_keys: at[1] + first * stride,
                own_values: at[2] + first * stride
            )
            outReference.withUnsafeMutableBufferPointer { to in
                lseReference.withUnsafeMutableBufferPointer { sums in
                    guard let to = to.baseAddress, let sums = sums.baseAddress else { return }
                    kernel_attention_reference(&segment, to + first * width, sums + first * c.heads)
                }
            }
            withBuffers([out, lse]) { results in
                addGradients(to: &fast) { d in
                    for head in 0..<c.heads {
                        let from = head / (c.heads / c.keyValueHeads) * c.headSize
                        let (before, own) = (prefix * stride + from, first * stride + from)
                        var gradients = kernel_sequence_gradients(
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
                        kernel_sequence_attention_backward(&batch, &place, head, &gradients)
                    }
                }
                addGradients(to: &slow) { d in
                    var gradients = kernel_attention_gradients(
                        out: results[0] + first * width,
                        lse: results[1] + first * c.heads,
                        dout: at[5] + first * width,
                        dq: d[0] + first * width,
                        dprefix_keys: d[1] + prefix * stride,
                        dprefix_values: d[2] + prefix * stride,
                        down_keys: d[1] + first * stride,
                        down_values: d[2] + first * stride
                    )
                    kernel_attention_backward_reference(&segment, &gradients)
                }
            }
        }
        expectClose(out, outReference, 1e-6, "out")
        expectClose(lse, lseReference, 1e-6, "lse")
        for (name, pair) in zip(["dq", "dk", "dv"], zip(fast, slow)) {
            expectClose(pair.0, pair.1, 5e-6, name)
        }
    }

    /// Calls `body` with the first elements of some arrays.
    private func withBuffers(_ arrays: [[Float]], _ body: ([UnsafePointer<Float>]) -> Void) {
        let buffers = arrays.map(copied)
        defer { buffers.forEach { $0.deallocate() } }
        body(buffers.map { UnsafePointer($0) })
    }

    /// Calls `body` with the first elements of some arrays, which it may change.
    private func addGradients(to arrays: inout [[Float]], _ body: ([UnsafeMutablePointer<Float>]) -> Void) {
        let buffers = arrays.map(copied)
        defer { buffers.forEach { $0.deallocate() } }
        body(buffers)
        for (index, buffer) in buffers.enumerated() {
            arrays[index] = Array(UnsafeBufferPointer(start: buffer, count: arrays[index].count))
        }
    }

    private func copied(_ values: [Float]) -> UnsafeMutablePointer<Float> {
        let buffer = UnsafeMutablePointer<Float>.allocate(capacity: max(values.count, 1))
        buffer.initialize(from: values, count: values.count)
        return buffer
    }
}
