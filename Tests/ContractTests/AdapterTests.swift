import Contract
import Testing

@Suite("Adapters and their parts")
struct AdapterTests {
    private let adapter = AdapterWeights([
        NamedArray(name: "critic", shape: [1], values: [9], part: .local),
        NamedArray(name: "head", shape: [2], values: [3, 4]),
        NamedArray(name: "m.a", shape: [1, 2], values: [1, 1], part: .lowRank(.a, module: "m")),
        NamedArray(name: "m.b", shape: [3, 1], values: [1, 1, 1], part: .lowRank(.b, module: "m")),
        NamedArray(name: "seen", shape: [1], values: [5], part: .summed),
    ])

    @Test("what travels is everything but local parts, and those come back from one's own")
    func travelling() {
        let sent = adapter.travelling

        #expect(sent.arrays.map(\.name) == ["head", "m.a", "m.b", "seen"])
        #expect(sent.adding(localPartsOf: adapter) == adapter)
        #expect(sent.adding(localPartsOf: sent) == sent)
    }

    @Test("a layout fits an adapter of the same names and shapes, and says what another lacks")
    func layout() throws {
        let layout = adapter.layout
        try layout.check(adapter.layout)
        #expect(layout.travelling.entries.count == 4)

        func fault(_ change: (inout [NamedArray]) -> Void) -> AdapterFault? {
            var arrays = adapter.arrays
            change(&arrays)
            do {
                try layout.check(AdapterWeights(arrays).layout)
                return nil
            } catch {
                return error
            }
        }
        #expect(fault { $0.removeLast() } == .missing("seen"))
        #expect(fault { $0.append(NamedArray(name: "z", shape: [1], values: [0])) } == .unexpected("z"))
        #expect(
            fault { $0[1] = NamedArray(name: "head", shape: [1, 2], values: [0, 0]) }
                == .wrongShape("head", expected: [2], found: [1, 2])
        )
    }

    @Test("arrays that travelled without parts get them back from the layout")
    func apply() throws {
        let bare = AdapterWeights(
            adapter.arrays.map { NamedArray(name: $0.name, shape: $0.shape, values: $0.values) }
        )

        #expect(try adapter.layout.apply(to: bare) == adapter)
    }

    @Test("the pairs of a layout are its modules' factors, and half a pair is refused")
    func pairs() throws {
        let pairs = try adapter.layout.pairs()
        #expect(pairs.map { [$0.a, $0.b, $0.rank, $0.input, $0.output] } == [[2, 3, 1, 2, 3]])

        let half = AdapterWeights(adapter.arrays.filter { $0.name != "m.b" })
        #expect(throws: AdapterFault.self) { try half.layout.pairs() }
    }
}
