import Testing

@testable import Tensors

/// Several sequences in one batch, with what they look at.
struct Layout: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Rows in the batch; one more than the segments have.
    var rows: Int
    var segments: [AttentionSegment]
    var isCausal = true
    var hasMasks = false
    var hasBiases = false

    /// Sequences of the given lengths; all but the first look back to the first.
    init(
        _ lengths: [Int],
        sharesPrefix: Bool = true,
        isCausal: Bool = true,
        hasMasks: Bool = false,
        hasBiases: Bool = false
    ) {
        var start = 0
        segments = lengths.enumerated().map { index, length in
            defer { start += length }
            let prefix = index > 0 && sharesPrefix ? 0..<lengths[0] : nil
            return AttentionSegment(rows: start..<start + length, prefix: prefix)
        }
        rows = start + 1
        self.isCausal = isCausal
        self.hasMasks = hasMasks
        self.hasBiases = hasBiases
        testDescription =
            "rows \(lengths)\(sharesPrefix ? " after a prefix" : "")\(isCausal ? "" : ", both ways")"
            + "\(hasMasks ? ", masks" : "")\(hasBiases ? ", biases" : "")"
    }

    /// The pattern for H heads: random masks in which the last row of each segment sees nothing (the first
    /// segment has none), and random biases, one tensor for all segments of one size.
    func pattern(heads: Int) -> AttentionPattern {
        let masks = segments.enumerated().map { index, segment -> AttentionMask? in
            let (rows, columns) = (segment.rows.count, segment.columns)
            guard index > 0 || segments.count == 1 else { return nil }
            let numbers = random(rows * columns, "mask\(index)")
            let allowed = numbers.indices.map { UInt8(numbers[$0] > -0.3 && $0 / columns < rows - 1 ? 1 : 0) }
            return AttentionMask(rows: rows, columns: columns, allowed: allowed)
        }
        var made: [[Int]: Tensor] = [:]
        let biases = segments.map { segment -> Tensor? in
            let shape = [heads, segment.rows.count, segment.columns]
            let bias = made[shape] ?? parameter(shape, "bias\(shape)")
            made[shape] = bias
            return bias
        }
        return AttentionPattern(
            segments: segments,
            isCausal: isCausal,
            masks: hasMasks ? masks : [],
            biases: hasBiases ? biases : []
        )
    }

    /// Small ones, for gradients by differences.
    static let small = [
        Layout([4]), Layout([2, 3, 3, 1]), Layout([5, 2], sharesPrefix: false),
        Layout([2, 4, 1], isCausal: false), Layout([2, 3, 3], hasMasks: true),
        Layout([2, 3, 3, 1], hasBiases: true),
        Layout([2, 4], isCausal: false, hasMasks: true, hasBiases: true),
    ]
    /// Ragged ones.
    static let ragged = [
        Layout([1]), Layout([3, 17, 1, 33]), Layout([17, 33, 3], sharesPrefix: false),
        Layout([3, 33, 1], isCausal: false), Layout([17, 33, 1, 3], hasMasks: true),
        Layout([3, 17, 17, 1], hasBiases: true),
        Layout([3, 33, 17], isCausal: false, hasMasks: true, hasBiases: true),
    ]
}

extension AttentionPattern {
    /// The biases, each once.
    var distinctBiases: [Tensor] {
        biases.compactMap { $0 }.reduce(into: []) { found, bias in
            if !found.contains(where: { $0 === bias }) { found.append(bias) }
        }
    }
}

extension Tensor {
    /// The values of one row.
    func row(_ index: Int) -> [Float] { Array(values[index * columns..<(index + 1) * columns]) }
}

/// Arrays for the kernels, freed together.
final class KernelArrays {
    private var free: [() -> Void] = []

    deinit { free.forEach { $0() } }

    /// Scratch of exactly that many floats, all NaN; `isIntact` tells whether what lies behind is as it was.
    func scratch(_ count: Int) -> (floats: UnsafeMutableBufferPointer<Float>, isIntact: () -> Bool) {
        let guarded = floats([Float](repeating: .nan, count: count) + [Float](repeating: 77, count: 64))
        return (
            UnsafeMutableBufferPointer(rebasing: guarded[..<count]),
            { guarded[count...].allSatisfy { $0 == 77 } }
        )
    }

    func floats(_ values: [Float]) -> UnsafeMutableBufferPointer<Float> { array(values) }

    func array<Element>(_ values: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: values.count)
        _ = buffer.initialize(from: values)
        free.append {
            buffer.deinitialize()
            buffer.deallocate()
        }
        return buffer
    }
}
