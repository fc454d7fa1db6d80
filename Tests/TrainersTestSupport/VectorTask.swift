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

    static func encode(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
    }

    static func decode(_ bytes: [UInt8]) throws -> [Float] {
        guard bytes.count == 16 else { throw Malformed() }
        return stride(from: 0, to: 16, by: 4).map { start in
            Float(
                bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
            )
        }
    }

    static func closeness(_ first: [Float], _ second: [Float]) -> Double {
        var squares = 0.0
        for (one, other) in zip(first, second) { squares += Double((one - other) * (one - other)) }
        return exp(-squares.squareRoot())
    }
}
