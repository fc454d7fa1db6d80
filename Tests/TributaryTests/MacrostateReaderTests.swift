import Models
import Randomness
import Report
import Testing
import Text
import Trainers

@testable import tributary

@Suite("Reading trajectories by macrostates")
struct MacrostateReaderTests {
    private static let source = StateSource(model: "digest", name: "models/toy", layers: [1], width: 4)
    private static let words = ["<eos>", "calm", "sea", "wild", "storm", "."]

    /// Texts that change between two phases, calm and wild, every ten tokens; states tell the phases apart.
    private static func set(_ texts: Int) -> TrajectorySet {
        var states: [UInt16] = []
        var stream = RandomStream(seed: 1, "reader")
        let trajectories = (0..<texts).map { place in
            var tokens: [Int32] = [5, 5]
            for index in 2..<62 {
                let isWild = ((index - 2) / 10 + place) % 2 == 1
                tokens.append(stream.below(5) == 0 ? 5 : (isWild ? 3 : 1) + Int32(stream.below(2)))
            }
            for index in 0..<62 {
                let isWild = index >= 2 && ((index - 2) / 10 + place) % 2 == 1
                for column in 0..<4 {
                    let value = (isWild ? 1.0 : -1.0) * (column < 2 ? 1 : 0) + 0.2 * stream.uniform()
                    states.append(Float16(value).bitPattern)
                }
            }
            return Trajectory(
                id: "text-\(place)",
                topic: "weather",
                tokens: tokens,
                promptCount: 2,
                rows: 0..<62
            )
        }
        return TrajectorySet(source: source, trajectories: trajectories, states: states)
    }

    private static func reader(
        texts: Int = 20,
        names: [String] = ["", ""],
        takesAll: Bool = true
    ) throws -> MacrostateReader {
        let set = set(texts)
        let shape = MacrostateShape(windows: [2], hidden: [8], outputs: 4, predictorHidden: [8])
        let net = MacrostateNet(
            shape: shape,
            statistics: try StateStatistics(of: set.all, skipsPrompt: true),
            seed: 2
        )
        var macrostates = Macrostates(
            source: source,
            shape: shape,
            net: net.weights,
            centroids: Centroids(width: 4, values: [Float](repeating: 0, count: 4))
        )
        try macrostates.fit(set.all, groups: 2, seed: 3)
        for (group, name) in names.enumerated() { macrostates.groups[group].name = name }
        var reader = MacrostateReader(
            macrostates: macrostates,
            set: set,
            tokenizer: try WordTokenizer(tokens: words),
            takesAll: takesAll
        )
        reader.measuresClosure = false
        return reader
    }

    @Test("groups, shares, stays and measures are those of the trajectories")
    func measures() throws {
        let reading = try Self.reader().reading(title: "Toy")

        #expect(reading.model == "toy" && reading.layer == "hidden states after block 1")
        #expect(reading.groups.count == 2 && reading.transitions.count == 2)
        #expect(abs(reading.groups.reduce(0) { $0 + $1.share } - 1) < 1e-12)
        for group in reading.groups {
            #expect(abs(group.share - 0.5) < 0.1 && abs(group.dwell - 10) < 1.5)
            #expect((group.recall ?? 0) > 0.9)
        }
        #expect(reading.trust.consistency > 0.85 && abs(reading.trust.chance - 0.5) < 0.02)
        #expect(reading.trust.withPieces > 0.2 && reading.trust.withPositions < 0.05)
        #expect(reading.choice == nil && reading.closure.isEmpty)
    }

    @Test("a group is called by its own words until a person names it")
    func names() throws {
        let reading = try Self.reader().reading(title: "")
        let proposed = Set(reading.groups.map { Set($0.name.split(separator: ", ").map(String.init)) })
        #expect(proposed == [["calm", "sea"], ["wild", "storm"]])
        #expect(reading.groups.allSatisfy { $0.isNameProposed })

        let named = try Self.reader(names: ["one", "two"]).reading(title: "")
        #expect(named.groups.map(\.name) == ["one", "two"])
        #expect(named.groups.allSatisfy { !$0.isNameProposed })
    }

    @Test("a shown text has all its tokens, in groups, with what was given marked")
    func passages() throws {
        var reader = try Self.reader()
        reader.ids = ["text-3"]
        let reading = try reader.reading(title: "")
        let passage = try #require(reading.passages.first)
        let tokenizer = try WordTokenizer(tokens: Self.words)

        #expect(reading.passages.count == 1 && passage.title == "text-3")
        #expect(passage.pieces.map(\.text).joined() == tokenizer.decode(reader.set.trajectories[3].tokens))
        #expect(passage.pieces.count == 62 && passage.pieces.allSatisfy { $0.group != nil })
        #expect(passage.pieces.map(\.isGiven) == [true, true] + [Bool](repeating: false, count: 60))
        reader.ids = []
        reader.textCount = 3
        let three = try reader.reading(title: "").passages
        #expect(three.map(\.title) == ["text-0", "text-6", "text-13"])
    }

    @Test("an example reads as the text around it does")
    func examples() throws {
        let reader = try Self.reader()
        let tokenizer = try WordTokenizer(tokens: Self.words)
        let texts = reader.set.trajectories.map { tokenizer.decode($0.tokens) }
        let reading = try reader.reading(title: "")
        for group in reading.groups {
            #expect(group.examples.count == reader.examples)
            #expect(Set(group.examples.map { $0.source.prefix { $0 != "," } }).count == reader.examples)
            for example in group.examples {
                let shown = example.before + example.span + example.after
                let plain = shown.replacing("… ", with: "").replacing(" …", with: "")
                #expect(texts.contains { $0.contains(plain) }, "\(plain)")
            }
        }
    }

    @Test("only what learning left out is measured, unless all is asked for")
    func heldOut() throws {
        let reader = try Self.reader(takesAll: false)
        let heldOut = reader.set.split(heldOutOneIn: 5).heldOut
        let names = Set(heldOut.trajectories.map(\.id))
        let reading = try reader.reading(title: "")

        #expect((1..<20).contains(names.count))
        #expect(Set(reading.passages.map(\.title)) == names)
        let sources = reading.groups.flatMap(\.examples).map { String($0.source.prefix { $0 != "," }) }
        #expect(names.isSuperset(of: sources) && !sources.isEmpty)
        #expect(reading.facts.contains { $0 == ("texts", "\(names.count) of 20") })
        #expect(reading.remarks[0].contains("of \(names.count) texts that learning left out"))
    }

    @Test("where texts do not allow closure to be measured the page says why")
    func closure() throws {
        var reader = try Self.reader(texts: 2)
        #expect(reader.set.split(heldOutOneIn: 5).heldOut.indices.isEmpty)
        reader.measuresClosure = true
        let reading = try reader.reading(title: "")

        #expect(reading.closure.isEmpty && reading.remarks.count == 2)
        #expect(reading.remarks.last?.hasPrefix("No closure is shown from 1 tokens on: ") == true)
    }

    @Test("texts that are not there and trajectories of another model or layer are refused")
    func refused() throws {
        var reader = try Self.reader()
        reader.ids = ["text-99"]
        let missing = #expect(throws: TrajectoryFault.self) { try reader.reading(title: "") }
        #expect(
            missing?.description.hasPrefix("found no text 'text-99', expected one such as text-0") == true
        )

        for source in [
            StateSource(model: "other", name: "x", layers: [1], width: 4),
            StateSource(model: "digest", name: "x", layers: [2], width: 4),
        ] {
            var macrostates = reader.macrostates
            macrostates.source = source
            let other = MacrostateReader(
                macrostates: macrostates,
                set: reader.set,
                tokenizer: reader.tokenizer
            )
            #expect(throws: TrajectoryFault.self) { try other.reading(title: "") }
        }
    }
}
