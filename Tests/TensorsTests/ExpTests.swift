import CKernels
import Testing

@Suite("The vector exponential") struct ExpTests {
    private func fast(_ x: [Float]) -> [Float] {
        var y = [Float](repeating: -1, count: x.count)
        kernel_exp(x, &y, x.count)
        return y
    }

    private func reference(_ x: [Float]) -> [Float] {
        var y = [Float](repeating: -1, count: x.count)
        kernel_exp_reference(x, &y, x.count)
        return y
    }

    @Test("is within 2.5e-7 of libm in every float exponent band of its range", arguments: [Float(1), -1])
    func bands(sign: Float) {
        for exponent in UInt(0)...133 {
            let x = (0..<257).map { i in
                Float(sign: .plus, exponentBitPattern: exponent, significandBitPattern: UInt32(i) * 32_640)
            }.map { sign * $0 }.filter { $0 >= -87.33 && $0 <= 88.72 }
            let errors = zip(fast(x), reference(x)).map { abs(Double($0) / Double($1) - 1) }
            #expect(errors.allSatisfy { $0 <= 2.5e-7 }, "exponent \(exponent): \(errors.max() ?? 0)")
        }
    }

    @Test("is 0 below its range, infinite above it, and keeps NaN")
    func limits() {
        let huge: [Float] = [-87.34, -88, -104, -1e4, -3e38, -.infinity, 88.73, 89, 1e4, 3e38, .infinity]
        let expected: [Float] = [0, 0, 0, 0, 0, 0] + [Float](repeating: .infinity, count: 5)
        #expect(fast(huge) == expected)
        #expect(fast([.nan])[0].isNaN)
        #expect(fast([0, -0.0]) == [1, 1])
    }

    @Test("gives the same bits for a value wherever it stands in an array")
    func position() {
        let values = random(67, "exp", scale: 20)
        let whole = fast(values)
        for (index, value) in values.enumerated() { #expect(fast([value])[0] == whole[index]) }
    }
}
