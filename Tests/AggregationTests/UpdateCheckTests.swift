import Contract
import Testing

@testable import Aggregation

@Suite("What an update must be")
struct UpdateCheckTests {
    let layout = AdapterWeights([
        NamedArray(name: "a", shape: [2], values: [0, 0]),
        NamedArray(name: "b", shape: [1, 2], values: [0, 0]),
        NamedArray(name: "n", shape: [2], values: [0, 0], part: .summed),
    ]).layout

    /// As it comes from the wire: names and shapes, but no parts.
    private func update(_ a: [Float], _ b: [Float], _ n: [Float] = [0, 0]) -> AdapterWeights {
        AdapterWeights([
            NamedArray(name: "a", shape: [a.count], values: a),
            NamedArray(name: "b", shape: [1, b.count], values: b),
            NamedArray(name: "n", shape: [n.count], values: n),
        ])
    }

    @Test("a sound update passes and gives its norm, which counts are not part of")
    func passes() throws {
        let check = UpdateCheck(layout: layout, normMax: 5)

        #expect(try check.check(update([3, 0], [0, 4])) == 5)
        #expect(try check.check(update([3, 0], [0, 4], [16_777_216, -7])) == 5)
    }

    @Test("the norm bound holds at the limit and not above it")
    func normBound() {
        let check = UpdateCheck(layout: layout, normMax: 5)

        #expect(throws: UpdateFault.self) { try check.check(update([3, 0], [0, 4.001])) }
    }

    @Test("NaN and infinity are named with array and index", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(_ value: Float) {
        let check = UpdateCheck(layout: layout, normMax: nil)

        #expect(throws: UpdateFault.notFinite(array: "b", index: 1)) {
            try check.check(update([0, 0], [0, value]))
        }
        #expect(throws: UpdateFault.notFinite(array: "n", index: 0)) {
            try check.check(update([0, 0], [0, 0], [value, 0]))
        }
    }

    @Test(
        "a count that is fractional or huge is named",
        arguments: [0.5, -1.25, 16_777_218, -3e38] as [Float]
    )
    func notWhole(_ value: Float) {
        let check = UpdateCheck(layout: layout, normMax: nil)

        #expect(throws: UpdateFault.notWhole(array: "n", index: 1, value: value)) {
            try check.check(update([0, 0], [0, 0], [1, value]))
        }
        #expect(throws: Never.self) { try check.check(update([value, 0], [0, 0])) }
    }

    @Test("a missing, unexpected or misshapen array is named")
    func layoutFaults() {
        let check = UpdateCheck(layout: layout, normMax: nil)
        let sound = update([0, 0], [0, 0]).arrays

        #expect(throws: UpdateFault.layout(.missing("b"))) {
            try check.check(AdapterWeights([sound[0], sound[2]]))
        }
        #expect(throws: UpdateFault.layout(.unexpected("c"))) {
            try check.check(AdapterWeights(sound + [NamedArray(name: "c", shape: [1], values: [0])]))
        }
        #expect(throws: UpdateFault.layout(.wrongShape("a", expected: [2], found: [3]))) {
            try check.check(update([0, 0, 0], [0, 0]))
        }
    }

    @Test("fault texts give array, value and limit")
    func texts() {
        #expect("\(UpdateFault.normTooLarge(norm: 7, limit: 5))" == "the update's norm is 7.0 > limit 5.0")
        #expect("\(UpdateFault.layout(.missing("b")))" == "adapter: the array 'b' is missing")
        #expect(
            "\(UpdateFault.notWhole(array: "n", index: 1, value: 0.5))"
                == "array 'n' counts 0.5 at value 1, which is not a whole number of magnitude 16777216 or less"
        )
    }
}

extension UpdateCheck {
    /// Checks a delta that is in memory.
    @discardableResult
    fileprivate func check(_ delta: AdapterWeights) throws -> Double {
        try check(delta.layout) { delta.arrays[$0] }
    }
}
