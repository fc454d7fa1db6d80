internal import Contract
internal import Glibc
internal import Randomness

/// The hidden target of the toy `vector`, and how its blocks of four numbers travel.
enum VectorTask {
    struct Malformed: Error {}

    static func target(seed: UInt64, size: Int) -> [Float] {
        var stream = RandomStream(seed: seed, "vector-target")
        return (0..<size).map { _ in Float(2 * stream.uniform() - 1) }
    }

    static func range(_ payload: [UInt8], size: Int) throws -> Range<Int> {
        guard payload.count == 1, let block = payload.first, 4 * Int(block) + 4 <= size else {
            throw Malformed()
        }
        return 4 * Int(block)..<4 * Int(block) + 4
    }

    static func encode(_ values: [Float]) -> [UInt8] { FloatPayload.encode(values) }

    static func decode(_ bytes: [UInt8]) throws -> [Float] {
        guard let values = FloatPayload.decode(bytes, count: 4) else { throw Malformed() }
        return values
    }

    static func closeness(_ first: [Float], _ second: [Float]) -> Double {
        var squares = 0.0
        for (one, other) in zip(first, second) { squares += Double((one - other) * (one - other)) }
        return exp(-squares.squareRoot())
    }

    static func encode(count: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } }

    static func decodeCount(_ bytes: [UInt8]) -> Int? {
        bytes.count == 4 ? bytes.reversed().reduce(0) { $0 << 8 | Int($1) } : nil
    }
}
