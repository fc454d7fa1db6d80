import Contract
import Testing

@testable import Aggregation

@Suite("Transforms of an update")
struct TransformTests {
    let place = UpdatePlace(seed: 7, round: 3, client: "a")

    private func update(_ values: [Float], _ counts: [Float] = []) -> AdapterWeights {
        AdapterWeights([
            NamedArray(name: "n", shape: [counts.count], values: counts, part: .summed),
            NamedArray(name: "w", shape: [values.count], values: values),
        ])
    }

    private func clip(_ norm: String) throws -> Component {
        Component(
            "clip",
            Mapping(
                file: "federation.yaml",
                key: "update[0].clip",
                value: try Mapping(json: Array("{\"norm\": \(norm)}".utf8)).value,
                lines: ["update[0].clip": 4, "update[0].clip.norm": 5]
            )
        )
    }

    @Test("clip halves an update of norm 2 to norm 1 and leaves counts alone")
    func halves() throws {
        let chain = try TransformChain([clip("1")])

        let (clipped, metrics) = try chain.apply(update([1, 1, -1, 1], [900]), at: place)

        #expect(clipped == update([0.5, 0.5, -0.5, 0.5], [900]))
        #expect(metrics == ["update/clip/norm": 2, "update/clip/scale": 0.5])
    }

    @Test("clip leaves a short update bit for bit, and one that is not finite for the check to name")
    func leaves() throws {
        let chain = try TransformChain([clip("1")])

        for values: [Float] in [[0.5, -0.75], [0.1, -0], [1, 0], [0x1p-149, 0]] {
            let (same, metrics) = try chain.apply(update(values, [5]), at: place)
            #expect(same.arrays[1].values.map(\.bitPattern) == values.map(\.bitPattern))
            #expect(metrics["update/clip/scale"] == 1)
        }
        let (infinite, _) = try chain.apply(update([.infinity, 3]), at: place)
        #expect(infinite.arrays[1].values == [.infinity, 3])
    }

    @Test("whatever rounding does, the norm is never above the limit and hardly below")
    func neverAbove() throws {
        let fixture = AdapterFixture()
        for limit in ["0.1", "0.3", "0.7", "1e-3", "3"] {
            let chain = try TransformChain([clip(limit)])
            let bound = try #require(Double(limit))
            for seed in 0..<UInt64(50) {
                let (clipped, _) = try chain.apply(fixture.adapter(seed, "update"), at: place)
                #expect(clipped.norm <= bound)
                #expect(clipped.norm > bound * (1 - 1e-6))
            }
        }
    }

    @Test("the transforms of a chain apply in order; those of one name are numbered")
    func order() throws {
        let narrowing = try TransformChain([clip("2"), clip("1")])
        let widening = try TransformChain([clip("1"), clip("2")])

        let first = try narrowing.apply(update([4, 0]), at: place)
        let second = try widening.apply(update([4, 0]), at: place)

        #expect(first.update == update([1, 0]))
        #expect(second.update == first.update)
        #expect(
            first.metrics == [
                "update/clip/norm": 4, "update/clip/scale": 0.5,
                "update/clip.2/norm": 2, "update/clip.2/scale": 0.5,
            ]
        )
        #expect(
            second.metrics == [
                "update/clip/norm": 4, "update/clip/scale": 0.25,
                "update/clip.2/norm": 1, "update/clip.2/scale": 1,
            ]
        )
    }

    @Test("an empty chain does nothing")
    func empty() throws {
        let chain = try TransformChain([])

        #expect(chain.isEmpty)
        #expect(try !TransformChain([clip("1")]).isEmpty)
        #expect(try chain.apply(update([4, 0]), at: place).update == update([4, 0]))
        #expect(try chain.apply(update([4, 0]), at: place).metrics.isEmpty)
    }

    @Test("an unknown name and a bad setting are named with their lines")
    func refused() throws {
        var unknown = try clip("1")
        unknown.name = "clop"
        #expect(UpdateTransforms.names == ["clip"])
        #expect(UpdateTransforms.all.allSatisfy { !$0.summary.isEmpty })
        let error = try #require(throws: ConfigurationError.self) { try TransformChain([unknown]) }
        #expect(
            error.description
                == "federation.yaml:4: key 'update[0].clip': found 'clop', expected an update transform: one of clip"
        )
        for norm in ["0", "-1", "1e-60", "1e60"] {
            let error = try #require(throws: ConfigurationError.self) { try TransformChain([clip(norm)]) }
            #expect(error.problems.map(\.line) == [5])
            #expect(error.problems.map(\.key) == ["update[0].clip.norm"])
            #expect(error.description.contains("expected 1e-12 … 1e12"))
        }
        var infinite = ClipTransform.Settings()
        infinite.norm = .infinity
        #expect(throws: SettingsFault.self) { try infinite.validate() }
    }
}
