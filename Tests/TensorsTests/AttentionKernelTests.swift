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

    @Test("output, log-sum-exp and all gradients", arguments: cases)
    func agrees(_ c: Case) {
        let (width, stride, own) = (c.heads * c.headSize, c.keyValueHeads * c.headSize, c.before + c.rows)
        let q = random(c.rows * width, "q", scale: 3)
        let (pk, pv) = (random(c.prefix * stride, "pk"), random(c.prefix * stride, "pv"))
        let (k, v) = (random(own * stride, "k"), random(own * stride, "v"))
        let dout = random(c.rows * width, "dout")
        var (out, outReference) = (dout, dout)
        var lse = [Float](repeating: 0, count: c.rows * c.heads)
        var lseReference = lse
        // Two sets of gradients that start with the same numbers: the kernel must add.
        var fast = [q, pk, pv, k, v]
        var slow = fast
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
                            addGradients(&segment, out, lse, dout, to: &fast) {
                                kernel_attention_backward($0, $1, &scratch)
                            }
                            addGradients(&segment, out, lse, dout, to: &slow) {
                                kernel_attention_backward_reference($0, $1)
                            }
                        }
                    }
                }
            }
        }
        expectClose(out, outReference, 1e-6, "out")
        expectClose(lse, lseReference, 1e-6, "lse")
        for (name, pair) in zip(["dq", "dpk", "dpv", "dk", "dv"], zip(fast, slow)) {
            expectClose(pair.0, pair.1, 5e-6, name)
        }
    }

    private func addGradients(
        _ segment: inout kernel_attention_segment,
        _ out: [Float],
        _ lse: [Float],
        _ dout: [Float],
        to gradients: inout [[Float]],
        _ backward: (UnsafePointer<kernel_attention_segment>, UnsafePointer<kernel_attention_gradients>) ->
            Void
    ) {
        let buffers = gradients.map { values in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
            _ = buffer.initialize(from: values)
            return buffer
        }
        defer { buffers.forEach { $0.deallocate() } }
        out.withUnsafeBufferPointer { outp in
            lse.withUnsafeBufferPointer { lsep in
                dout.withUnsafeBufferPointer { doutp in
                    var pointers = kernel_attention_gradients(
                        out: outp.baseAddress,
                        lse: lsep.baseAddress,
                        dout: doutp.baseAddress,
                        dq: buffers[0].baseAddress,
                        dprefix_keys: buffers[1].baseAddress,
                        dprefix_values: buffers[2].baseAddress,
                        down_keys: buffers[3].baseAddress,
                        down_values: buffers[4].baseAddress
                    )
                    backward(&segment, &pointers)
                }
            }
        }
        gradients = buffers.map { Array($0) }
    }
}
