import CKernels
import Foundation
import Testing

@testable import Tensors

/// Weights of 4 and 8 bits against the kernels that widen a file's blocks, against float32, and against the scalar twin.
@Suite("Weights in blocks") struct BlockMatrixTests {
    struct BlockType: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let number: UInt32
        let values: Int
        let bytes: Int
        let halves: [Int]
        let widen: DequantiseTests.Kernel
    }

    static let types: [BlockType] = [
        ("Q4_0", 2), ("Q4_1", 3), ("Q5_0", 6), ("Q5_1", 7), ("Q8_0", 8), ("Q4_K", 12), ("Q5_K", 13),
        ("IQ4_NL", 20),
    ].compactMap { (name: String, number: UInt32) in
        DequantiseTests.formats.first { $0.testDescription == name }.map {
            BlockType(
                testDescription: name,
                number: number,
                values: $0.values,
                bytes: $0.bytes,
                halves: $0.halves,
                widen: $0.fast
            )
        }
    }

    /// The paths that this machine can run.
    static let paths = [kernel_path_scalar, kernel_path_avx2, kernel_path_avx512].filter {
        kernel_path_runs($0) != 0
    }

    /// Random blocks of a type: their bytes, and the values that they stand for.
    private static func blocks(_ type: BlockType, rows: Int, columns: Int) -> (
        bytes: [UInt8], values: [Float]
    ) {
        let count = rows * columns / type.values
        var bytes = random(count * type.bytes, type.testDescription).map { UInt8(($0 + 1) * 127.9) }
        for block in 0..<count {
            // Halves between 2⁻⁸ and 2⁻⁴ of either sign.
            for half in type.halves {
                let place = block * type.bytes + half + 1
                bytes[place] = bytes[place] & 0x8F | 0x20
            }
        }
        var values = [Float](repeating: 0, count: rows * columns)
        type.widen(bytes, &values, values.count)
        return (bytes, values)
    }

    private static func matrix(_ type: BlockType, rows: Int, columns: Int) throws -> (BlockMatrix, [Float]) {
        let (bytes, values) = blocks(type, rows: rows, columns: columns)
        let rowBytes = columns / type.values * type.bytes
        let matrix = try bytes.withUnsafeBufferPointer { bytes -> BlockMatrix in
            let first = try #require(bytes.baseAddress)
            return try #require(
                BlockMatrix(rows: rows, columns: columns, type: type.number) { first + $0 * rowBytes }
            )
        }
        return (matrix, values)
    }

    private static func rounded(_ values: [Float], rows: Int, columns: Int) -> BlockMatrix {
        BlockMatrix(rows: rows, columns: columns) { part, memory in
            for (place, value) in values[part.lowerBound * columns..<part.upperBound * columns].enumerated() {
                memory[place] = value
            }
        }
    }

    @Test(
        "the blocks of a file keep their values bit for bit, and rows are gathered as they are",
        arguments: types
    )
    func exact(_ type: BlockType) throws {
        let (matrix, values) = try Self.matrix(type, rows: 45, columns: 512)

        #expect(matrix.areFinite)
        #expect(matrix.toArray().map(\.bitPattern) == values.map(\.bitPattern))
        var some = [Float](repeating: 0, count: 2 * 512)
        matrix.gather([44, 3], into: &some)
        #expect(some == Array(values[44 * 512..<45 * 512] + values[3 * 512..<4 * 512]))
    }

    @Test("a type without blocks of its own here has none, and a scale that is not finite is seen")
    func refused() throws {
        let (bytes, _) = Self.blocks(Self.types[0], rows: 1, columns: 256)
        try bytes.withUnsafeBufferPointer { bytes in
            let first = try #require(bytes.baseAddress)
            #expect(BlockMatrix(rows: 1, columns: 256, type: 14) { _ in first } == nil)
        }
        var infinite = bytes
        (infinite[18], infinite[19]) = (0x00, 0x7C)
        try infinite.withUnsafeBufferPointer { bytes in
            let first = try #require(bytes.baseAddress)
            #expect(BlockMatrix(rows: 1, columns: 256, type: 2) { _ in first }?.areFinite == false)
        }
        #expect(!Self.rounded([1, 2, .nan, 4], rows: 2, columns: 2).areFinite)
    }

    @Test("values are rounded to within half a step of 1/127 of the largest in their block")
    func rounding() {
        let values = random(7 * 75, "values")
        let matrix = Self.rounded(values, rows: 7, columns: 75)

        let found = matrix.toArray()
        for row in 0..<7 {
            for block in stride(from: 0, to: 75, by: 32) {
                let places = row * 75 + block..<row * 75 + min(75, block + 32)
                let largest = values[places].reduce(0) { max($0, abs($1)) }
                for place in places { #expect(abs(found[place] - values[place]) <= largest / 253.9) }
            }
        }
    }

    /// alpha · x Wᵀ + beta · y on a path.
    private func product(_ w: kernel_blocks, _ x: [Float], rows: Int, columns: Int, _ path: kernel_path)
        -> [Float]
    {
        var y = random(rows * w.rows, "y")
        withUnsafePointer(to: w) { kernel_blocks_product($0, x, rows, columns, 0.7, 1.5, &y, path) }
        return y
    }

    /// The same in Double, of the values.
    private func expected(_ values: [Float], _ x: [Float], rows: Int, columns: Int) -> [Float] {
        let outputs = values.count / columns
        return random(rows * outputs, "y").enumerated().map { place, y in
            let (i, row) = place.quotientAndRemainder(dividingBy: outputs)
            let sum = (0..<columns).reduce(0.0) {
                $0 + Double(x[i * columns + $1]) * Double(values[row * columns + $1])
            }
            return Float(0.7 * sum + 1.5 * Double(y))
        }
    }

    /// Packed blocks of a type, for the kernels themselves; `release` them.
    private func packed(_ type: BlockType, rows: Int, columns: Int) -> (kernel_blocks, [Float]) {
        let (bytes, values) = Self.blocks(type, rows: rows, columns: columns)
        var w = kernel_blocks_of_type(type.number, rows, columns)
        let size = kernel_blocks_bytes(&w)
        w.panels = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            .bindMemory(to: UInt8.self, capacity: size)
        let rowBytes = columns / type.values * type.bytes
        bytes.withUnsafeBufferPointer { bytes in
            guard let first = bytes.baseAddress else { return }
            for panel in 0..<(rows + 31) / 32 {
                let places = (panel * 32..<min(rows, panel * 32 + 32)).map {
                    Optional(first + $0 * rowBytes)
                }
                _ = kernel_blocks_pack(&w, type.number, panel, places, places.count)
            }
        }
        return (w, values)
    }

    private func release(_ w: kernel_blocks) { UnsafeMutableRawPointer(w.panels).deallocate() }

    @Test(
        "products are those of the values and of inputs rounded to 8 bits, the same on every path in every bit",
        arguments: types
    )
    func paths(_ type: BlockType) {
        let (rows, columns) = (77, 512)
        let (w, values) = packed(type, rows: rows, columns: columns)
        defer { release(w) }
        for count in [1, 2, 5, 6, 7, 13, 32] {
            let x = random(count * columns, "x")
            let scalar = product(w, x, rows: count, columns: columns, kernel_path_scalar)
            expectClose(scalar, expected(values, x, rows: count, columns: columns), 0.01)
            for path in Self.paths {
                let found = product(w, x, rows: count, columns: columns, path)
                #expect(
                    found.map(\.bitPattern) == scalar.map(\.bitPattern),
                    "\(count) rows, path \(path.rawValue)"
                )
            }
        }
    }

    @Test("a row of a product depends on no other row", arguments: [0, 1, 4])
    func rows(_ index: Int) {
        let (rows, columns) = (40, 256)
        let (w, _) = packed(Self.types[index], rows: rows, columns: columns)
        defer { release(w) }
        let x = random(70 * columns, "x")
        var alone: [Float] = []
        for i in 0..<70 {
            var y = [Float](repeating: 0, count: rows)
            let row = Array(x[i * columns..<(i + 1) * columns])
            kernel_blocks_product([w], row, 1, columns, 1, 0, &y, kernel_chosen_path())
            alone += y
        }
        for count in 1...70 {
            var y = [Float](repeating: .nan, count: count * rows)
            kernel_blocks_product([w], x, count, columns, 1, 0, &y, kernel_chosen_path())
            #expect(y == Array(alone[..<(count * rows)]), "\(count) rows")
        }
    }

    @Test("inputs are rounded as the scalar twin rounds them, ties to even, in every bit")
    func inputs() {
        var x = random(5 * 70, "x")
        x[3] = 1.5 / 127
        x[4] = 1
        x[100] = .infinity
        x[300] = 1e-38
        func rounded(
            _ round: (UnsafePointer<Float>?, Int, Int, Int, Int32, UnsafePointer<kernel_block_inputs>?) ->
                Void
        ) -> ([Int8], [UInt32], [Int32], [UInt32]) {
            var codes = [Int8](repeating: 99, count: 15 * 32)
            var scales = [Float](repeating: 0, count: 15)
            var sums = scales
            var starts = [Int32](repeating: 0, count: 15)
            codes.withUnsafeMutableBufferPointer { codes in
                scales.withUnsafeMutableBufferPointer { scales in
                    sums.withUnsafeMutableBufferPointer { sums in
                        starts.withUnsafeMutableBufferPointer { starts in
                            let inputs = kernel_block_inputs(
                                rows: 5,
                                blocks: 3,
                                together: 4,
                                codes: codes.baseAddress,
                                scales: scales.baseAddress,
                                starts: starts.baseAddress,
                                sums: sums.baseAddress
                            )
                            round(x, 70, 0, 5, 8, [inputs])
                        }
                    }
                }
            }
            return (codes, scales.map(\.bitPattern), starts, sums.map(\.bitPattern))
        }

        let (fast, twin) = (rounded(kernel_blocks_round), rounded(kernel_blocks_round_reference))

        #expect(fast.0 == twin.0)
        #expect(fast.1 == twin.1)
        #expect(fast.2 == twin.2)
        #expect(fast.3 == twin.3)
        #expect(fast.0[3] == 2)
        #expect(fast.0[4] == 127)
    }

    @Test("what is not finite in an input makes its row of the product not finite, and no other")
    func notFinite() {
        let matrix = Self.rounded(random(64 * 64, "w"), rows: 64, columns: 64)
        var x = random(3 * 64, "x")
        x[70] = .nan
        var y = [Float](repeating: 0, count: 3 * 64)
        matrix.multiply(x, rows: 3, into: &y, alpha: 1, beta: 0)
        #expect(y[64..<128].allSatisfy { !$0.isFinite })
        #expect((y[..<64] + y[128...]).allSatisfy { $0.isFinite })
    }

    @Test(
        "back through a matrix is the product with its values in bfloat16, the same on every path",
        arguments: types
    )
    func back(_ type: BlockType) {
        let (rows, columns, count) = (901, 256, 3)
        let (w, values) = packed(type, rows: rows, columns: columns)
        defer { release(w) }
        let y = random(count * rows, "y")
        func product(_ path: kernel_path) -> [Float] {
            var x = random(count * columns, "x")
            kernel_blocks_product_back([w], y, count, columns, 0.7, 1.5, &x, path)
            return x
        }
        let scalar = product(kernel_path_scalar)
        let exact = random(count * columns, "x").enumerated().map { place, x in
            let (i, column) = place.quotientAndRemainder(dividingBy: columns)
            let sum = (0..<rows).reduce(0.0) {
                $0 + Double(y[i * rows + $1]) * Double(values[$1 * columns + column])
            }
            return Float(0.7 * sum + 1.5 * Double(x))
        }
        expectClose(scalar, exact, 0.005)
        for path in Self.paths { #expect(product(path) == scalar, "path \(path.rawValue)") }
    }

    @Test("a matrix that takes part in a pass gives what its values give, forward and back")
    func pass() {
        let (rows, columns) = (50, 90)
        let values = random(rows * columns, "w")
        let matrix = Self.rounded(values, rows: rows, columns: columns)
        let x = random(4 * columns, "x")
        var (y, back) = (
            [Float](repeating: .nan, count: 4 * rows), [Float](repeating: .nan, count: 4 * columns)
        )
        let exact = FrozenMatrix(rows: rows, columns: columns, values: values)
        var (yExact, backExact) = (y, back)

        matrix.multiply(x, rows: 4, into: &y, alpha: 1, beta: 0)
        exact.multiply(x, rows: 4, into: &yExact, alpha: 1, beta: 0)
        matrix.multiplyTransposed(y, rows: 4, into: &back, alpha: 1, beta: 0)
        exact.multiplyTransposed(y, rows: 4, into: &backExact, alpha: 1, beta: 0)

        expectClose(y, yExact, 0.01)
        expectClose(back, backExact, 0.01)
        #expect(y != yExact)
    }
}
