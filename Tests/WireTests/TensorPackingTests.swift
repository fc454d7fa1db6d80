import Contract
import Testing

@testable import Wire

@Suite struct TensorPackingTests {
    @Test("byte planes come back, for two and four bytes")
    func planes() {
        let words: [UInt32] = [0x0403_0201, 0x1413_1211, .max, 0]
        #expect(
            BytePlanes.split(words) == [1, 0x11, 255, 0, 2, 0x12, 255, 0, 3, 0x13, 255, 0, 4, 0x14, 255, 0]
        )
        let back = BytePlanes.split(words).withUnsafeBytes { BytePlanes.values($0) }
        #expect(back.map(\.bitPattern) == words)
        let halves: [UInt16] = [0x0201, 0xFFFE]
        #expect(BytePlanes.split(halves) == [1, 0xFE, 2, 0xFF])
    }

    @Test("f32 comes back bit for bit, signed zeros and subnormals too")
    func exact() throws {
        let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, 1 / 3]
        let adapter = AdapterWeights([NamedArray(name: "w", shape: [5], values: values)])
        let back = try BlobEncoder.roundTripped(adapter, encoding: .f32)
        #expect(back.arrays[0].values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("bf16 is within a relative error of 1/256 and idempotent")
    func bfloat16() throws {
        let adapter = Sample.adapter(seed: 3)
        let back = try BlobEncoder.roundTripped(adapter, encoding: .bf16)
        for (sent, received) in zip(adapter.arrays, back.arrays) {
            for (value, rounded) in zip(sent.values, received.values) {
                #expect(abs(value - rounded) <= abs(value) / 256)
            }
        }
        #expect(try BlobEncoder.roundTripped(back, encoding: .bf16) == back)
    }

    @Test("int8 is within half a step of the row's scale and idempotent")
    func int8() throws {
        let adapter = Sample.adapter(seed: 5)
        let back = try BlobEncoder.roundTripped(adapter, encoding: .int8)
        for (sent, received) in zip(adapter.arrays, back.arrays) {
            let columns = sent.values.count / TensorPacking.rows(of: sent.shape)
            for start in stride(from: 0, to: sent.values.count, by: columns) {
                let row = sent.values[start..<start + columns]
                let step = (row.map(\.magnitude).max() ?? 0) / 127
                for (value, rounded) in zip(row, received.values[start..<start + columns]) {
                    #expect(abs(value - rounded) <= 0.50001 * step)
                }
            }
        }
        #expect(
            try BlobEncoder.roundTripped(back, encoding: .int8).arrays.map(\.values.count) == [128, 192, 1]
        )
    }

    @Test("int8 keeps zeros and does not divide by a scale that underflows")
    func tinyRows() throws {
        let tiny = Float.leastNonzeroMagnitude
        let values: [Float] = [0, 0, tiny, -tiny, 1, -1]
        let adapter = AdapterWeights([NamedArray(name: "w", shape: [3, 2], values: values)])
        let back = try BlobEncoder.roundTripped(adapter, encoding: .int8)
        #expect(back.arrays[0].values == [0, 0, 0, 0, 1, -1])
    }

    @Test("a value that is not finite, or not in bf16, is not sent")
    func notFinite() {
        for (value, encoding) in [
            (Float.nan, TensorEncoding.f32), (.infinity, .f32), (.nan, .bf16), (-.infinity, .bf16),
            (.greatestFiniteMagnitude, .bf16), (.nan, .int8), (.infinity, .int8),
        ] {
            let adapter = AdapterWeights([NamedArray(name: "w", shape: [2], values: [1, value])])
            #expect(throws: WireError.notFinite(name: "w", element: 1), "\(value) \(encoding)") {
                try BlobEncoder.encode(adapter, as: .update, encoding: encoding)
            }
        }
    }

    @Test("with error feedback the sum of int8 updates differs from the true sum by one residual")
    func errorFeedback() throws {
        var feedback = ErrorFeedback()
        var meant = Sample.adapter(seed: 100)
        var received: AdapterWeights?
        var withoutFeedback: AdapterWeights?
        let rounds = 60
        for round in 0..<rounds {
            let update = Sample.adapter(seed: 100 + UInt64(2 * round))
            if round > 0 { meant = meant.adding(update) }
            let got = try feedback.sent(update, encoding: .int8).received
            received = received?.adding(got) ?? got
            let plain = try BlobEncoder.roundTripped(update, encoding: .int8)
            withoutFeedback = withoutFeedback?.adding(plain) ?? plain
        }
        let error = Self.largest(try #require(received).subtracting(meant))
        let plainError = Self.largest(try #require(withoutFeedback).subtracting(meant))
        let residual = Self.largest(try #require(feedback.residual))
        #expect(error <= residual + 1e-5)
        #expect(error < plainError / 2)
        #expect(residual < 0.01 * 5 / 127)
    }

    @Test("error feedback that is restored from what it owes goes on to the same bytes")
    func feedbackRestored() throws {
        var feedback = ErrorFeedback()
        _ = try feedback.sent(Sample.adapter(seed: 1), encoding: .int8)
        let owed = try BlobEncoder.encode(try #require(feedback.residual), as: .update, encoding: .f32)
        var restored = ErrorFeedback(residual: try BlobDecoder.adapter(from: owed))
        #expect(restored == feedback)
        let next = try feedback.sent(Sample.adapter(seed: 3), encoding: .int8)
        let nextRestored = try restored.sent(Sample.adapter(seed: 3), encoding: .int8)
        #expect(next.blob == nextRestored.blob)
    }

    @Test("what travels exactly owes nothing, and an update of another layout begins without debts")
    func nothingOwed() throws {
        var feedback = ErrorFeedback()
        _ = try feedback.sent(Sample.adapter(seed: 1), encoding: .f32)
        #expect(feedback.residual == nil)
        _ = try feedback.sent(Sample.adapter(seed: 1), encoding: .int8)
        var fresh = ErrorFeedback()
        let other = AdapterWeights([NamedArray(name: "w", shape: [2], values: [0.3, 1])])
        #expect(
            try feedback.sent(other, encoding: .int8).blob == fresh.sent(other, encoding: .int8).blob
        )
    }

    @Test("error feedback leaves counters alone and owes nothing of them")
    func feedbackOfCounters() throws {
        var feedback = ErrorFeedback()
        for seed in UInt64(1)...3 {
            let update = Sample.mixedAdapter(seed: seed)
            let received = try feedback.sent(update, encoding: .int8).received
            #expect(received["counts.seen"]?.values == update["counts.seen"]?.values)
            #expect(received["visits"]?.values == update["visits"]?.values)
            #expect(received.hasSameLayout(as: update))
            #expect(feedback.residual?.arrays.map(\.name) == ["lora_A.weight", "lora_B.weight", "scale"])
        }
        let counters = AdapterWeights(Sample.mixedAdapter().arrays.filter { $0.part == .summed })
        _ = try feedback.sent(counters, encoding: .int8)
        #expect(feedback.residual == nil)
    }

    private static func largest(_ adapter: AdapterWeights) -> Float {
        adapter.arrays.flatMap(\.values).map(\.magnitude).max() ?? 0
    }
}

extension ErrorFeedback {
    /// Encodes an update, and what its receiver decodes.
    fileprivate mutating func sent(
        _ update: AdapterWeights,
        encoding: TensorEncoding
    ) throws -> (blob: EncodedBlob, received: AdapterWeights) {
        let blob = try encode(update.layout, to: BlobWriter(.update, encoding: encoding)) {
            update.arrays[$0]
        }
        return (blob, try BlobDecoder.adapter(from: blob))
    }
}
