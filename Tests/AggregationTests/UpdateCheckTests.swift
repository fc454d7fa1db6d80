import Exchange
import Testing

@testable import Aggregation

@Suite("What an update must be")
struct UpdateCheckTests {
    let broadcast = AdapterWeights([
        NamedArray(name: "a", shape: [2], values: [0, 0]),
        NamedArray(name: "b", shape: [1, 2], values: [0, 0]),
    ])

    private func update(_ a: [Float], _ b: [Float]) -> AdapterWeights {
        AdapterWeights([
            NamedArray(name: "a", shape: [a.count], values: a),
            NamedArray(name: "b", shape: [1, b.count], values: b),
        ])
    }

    @Test("a sound update passes and gives its norm")
    func passes() throws {
        let check = UpdateCheck(layout: broadcast, normMax: 5)

        #expect(try check.check(update([3, 0], [0, 4])) == 5)
    }

    @Test("the norm bound holds at the limit and not above it")
    func normBound() {
        let check = UpdateCheck(layout: broadcast, normMax: 5)

        #expect(throws: UpdateFault.self) { try check.check(update([3, 0], [0, 4.001])) }
    }

    @Test("NaN and infinity are named with array and index", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(_ value: Float) {
        let check = UpdateCheck(layout: broadcast, normMax: nil)

        #expect(throws: UpdateFault.notFinite(array: "b", index: 1)) {
            try check.check(update([0, 0], [0, value]))
        }
    }

    @Test("a missing, unexpected, repeated or misshapen array is named")
    func layout() {
        let check = UpdateCheck(layout: broadcast, normMax: nil)

        #expect(throws: UpdateFault.missingArray("b")) {
            try check.checkLayout(names: ["a"], shapes: [[2]])
        }
        #expect(throws: UpdateFault.unexpectedArray("c")) {
            try check.checkLayout(names: ["a", "c"], shapes: [[2], [1]])
        }
        #expect(throws: UpdateFault.repeatedArray("a")) {
            try check.checkLayout(names: ["a", "a"], shapes: [[2], [2]])
        }
        #expect(throws: UpdateFault.wrongShape(array: "b", expected: [1, 2], found: [2, 1])) {
            try check.checkLayout(names: ["a", "b"], shapes: [[2], [2, 1]])
        }
        #expect(throws: UpdateFault.wrongShape(array: "a", expected: [2], found: [3])) {
            try check.check(update([0, 0, 0], [0, 0]))
        }
    }

    @Test("fault texts give value and limit")
    func texts() {
        #expect("\(UpdateFault.normTooLarge(norm: 7, limit: 5))" == "the update's norm is 7.0 > limit 5.0")
        #expect("\(UpdateFault.missingArray("b"))" == "array 'b' is missing")
    }
}
