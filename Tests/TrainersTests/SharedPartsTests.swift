import Contract
import Testing

@testable import Trainers

@Suite("Schedule and walks")
struct ScheduleTests {
    @Test("with q = 2 every third step is public")
    func publicSteps() {
        let schedule = Schedule(stepsPerRound: 7, localPerPublic: 2)

        #expect((0..<7).filter(schedule.isPublic) == [2, 5])
        #expect(schedule.publicStepsPerRound == 2)
        #expect(schedule.publicStepsBefore(round: 1, step: 5) == 3)
    }

    @Test("q = 0 makes every step public, and no q none")
    func extremes() {
        #expect((0..<3).allSatisfy(Schedule(stepsPerRound: 3, localPerPublic: 0).isPublic))
        #expect(!(0..<3).contains { Schedule(stepsPerRound: 3, localPerPublic: nil).isPublic($0) })
        #expect(Schedule(stepsPerRound: 3, localPerPublic: nil).publicStepsPerRound == 0)
    }

    @Test("a walk sees every element once in each epoch, in another order")
    func epochs() {
        var walk = ShuffledEpochs(count: 10, seed: 1, path: "walk")

        let first = walk.elements(from: 0, length: 10)
        let second = walk.elements(from: 10, length: 10)

        #expect(first.sorted() == Array(0..<10))
        #expect(second.sorted() == Array(0..<10))
        #expect(first != second)
    }

    @Test("a walk depends on the position alone, not on how it got there")
    func positions() {
        var one = ShuffledEpochs(count: 7, seed: 1, path: "walk")
        var other = ShuffledEpochs(count: 7, seed: 1, path: "walk")
        _ = other.elements(from: 100, length: 3)

        let pieces = one.elements(from: 0, length: 4) + one.elements(from: 4, length: 8)

        #expect(other.elements(from: 0, length: 12) == pieces)
    }

    @Test("whole batches hold no element twice and leave an epoch's rest out")
    func wholeBatches() {
        var walk = ShuffledEpochs(count: 10, seed: 1, path: "walk")

        let batches = (0..<6).map { walk.wholeBatch($0, length: 4) }

        #expect(batches.allSatisfy { Set($0).count == 4 })
        #expect(Set(batches[0] + batches[1]).count == 8)
        #expect(batches[2] != batches[0])
    }
}

@Suite("Token payloads")
struct TokenPayloadTests {
    @Test("tokens survive the way through bytes, little-endian")
    func roundTrip() throws {
        #expect(TokenPayload.encode([1, 258]) == [1, 0, 0, 0, 2, 1, 0, 0])
        #expect(try TokenPayload.decode([1, 0, 0, 0, 2, 1, 0, 0], vocabulary: 300, limit: 2) == [1, 258])
    }

    @Test("faulty payloads are refused with what is wrong")
    func faults() {
        #expect(throws: TokenPayload.Fault.empty) { try TokenPayload.decode([], vocabulary: 9, limit: 2) }
        #expect(throws: TokenPayload.Fault.partialToken(bytes: 5)) {
            try TokenPayload.decode([1, 0, 0, 0, 1], vocabulary: 9, limit: 2)
        }
        #expect(throws: TokenPayload.Fault.tooLong(tokens: 3)) {
            try TokenPayload.decode(TokenPayload.encode([1, 2, 3]), vocabulary: 9, limit: 2)
        }
        #expect(throws: TokenPayload.Fault.badToken(9, position: 1)) {
            try TokenPayload.decode(TokenPayload.encode([1, 9]), vocabulary: 9, limit: 2)
        }
        #expect(throws: TokenPayload.Fault.badToken(-1, position: 0)) {
            try TokenPayload.decode(TokenPayload.encode([-1]), vocabulary: 9, limit: 2)
        }
    }
}

@Suite("Applying a pool's orders")
struct MixedGroupTests {
    private let batch = PublicBatch(
        round: 1,
        step: 2,
        items: [PublicItem(id: "x", topic: "t", payload: [])],
        responsesPerItem: 4
    )
    private let own: [[[Int32]]] = [[[3, 2], [4, 2], [5, 2], [6, 2]]]

    private func pool(_ replacements: [Replacement], scores: [Double] = [1, 0, 0, 0]) -> ResponsePool {
        ResponsePool(
            round: 1,
            step: 2,
            groups: [PooledGroup(itemID: "x", scores: scores, replacements: replacements)]
        )
    }

    private func apply(_ pool: ResponsePool) throws(PoolFault) -> [MixedGroup] {
        try MixedGroup.apply(pool, to: batch, own: own, vocabulary: 32, limit: 5)
    }

    @Test("a pool without orders leaves the group as it is")
    func unchanged() throws {
        let mixed = try apply(pool([]))

        #expect(mixed == [MixedGroup(responses: own[0], scores: [1, 0, 0, 0], imported: [])])
    }

    @Test("an order replaces the response and its score, and the size stays K")
    func replaces() throws {
        let mixed = try apply(pool([Replacement(index: 2, score: 1, payload: TokenPayload.encode([9, 2]))]))

        #expect(mixed[0].responses == [[3, 2], [4, 2], [9, 2], [6, 2]])
        #expect(mixed[0].scores == [1, 0, 1, 0])
        #expect(mixed[0].imported == [2])
    }

    @Test("advantages are those of the mixed group")
    func recomputedAdvantages() throws {
        let mixed = try apply(pool([Replacement(index: 2, score: 1, payload: TokenPayload.encode([9, 2]))]))

        let advantages = GroupAdvantage.evaluate(rewards: mixed[0].scores, normalise: true).advantages

        #expect(zip(advantages, [1, -1, 1, -1]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test("pools that do not fit are refused")
    func refusals() {
        let good = Replacement(index: 2, score: 1, payload: TokenPayload.encode([9, 2]))
        var wrongStep = pool([])
        wrongStep.step = 3
        var wrongItem = pool([])
        wrongItem.groups[0].itemID = "y"

        #expect(throws: PoolFault.wrongStep(round: 1, step: 3, expectedRound: 1, expectedStep: 2)) {
            try apply(wrongStep)
        }
        #expect(throws: PoolFault.wrongItems(expected: 1, found: 1)) { try apply(wrongItem) }
        #expect(throws: PoolFault.wrongScores(item: "x", expected: 4, found: 3)) {
            try apply(pool([], scores: [1, 0, 0]))
        }
        #expect(throws: PoolFault.wrongScores(item: "x", expected: 4, found: 4)) {
            try apply(pool([], scores: [1, 0, .nan, 0]))
        }
        #expect(throws: PoolFault.wrongIndex(item: "x", index: 2)) { try apply(pool([good, good])) }
        #expect(throws: PoolFault.wrongIndex(item: "x", index: 4)) {
            try apply(pool([Replacement(index: 4, score: 1, payload: good.payload)]))
        }
        #expect(throws: PoolFault.malformed(item: "x", index: 2, reason: "it has no token")) {
            try apply(pool([Replacement(index: 2, score: 1, payload: [])]))
        }
    }
}

@Suite("Snapshot bytes")
struct SnapshotTests {
    @Test("every field comes back as it was, and nothing follows")
    func roundTrip() throws {
        let adapter = AdapterWeights([NamedArray(name: "a", shape: [2, 1], values: [1.5, -0.0])])
        let batch = PublicBatch(
            round: 1,
            step: 2,
            items: [PublicItem(id: "x", topic: "t", payload: [7])],
            responsesPerItem: 4
        )
        var writer = SnapshotWriter(trainer: "toy", version: 3)
        writer.write(-5)
        writer.write(0.1)
        writer.write("é")
        writer.write([UInt8]([1, 2]))
        writer.write([Float.pi])
        writer.write(adapter)
        writer.write(batch)

        var reader = try SnapshotReader(writer.bytes, trainer: "toy", version: 3)
        #expect(try reader.int() == -5)
        #expect(try reader.double() == 0.1)
        #expect(try reader.string() == "é")
        #expect(try reader.data() == [1, 2])
        #expect(try reader.floats() == [Float.pi])
        #expect(try reader.adapter() == adapter)
        #expect(try reader.batch() == batch)
        try reader.finish()
    }

    @Test("another trainer, another version, or an absurd count is refused")
    func refusals() throws {
        var writer = SnapshotWriter(trainer: "toy", version: 3)
        writer.write(Int.max)

        #expect(throws: SnapshotFault.self) { try SnapshotReader(writer.bytes, trainer: "other", version: 3) }
        #expect(throws: SnapshotFault.self) { try SnapshotReader(writer.bytes, trainer: "toy", version: 4) }
        #expect(throws: SnapshotFault.self) {
            var reader = try SnapshotReader(writer.bytes, trainer: "toy", version: 3)
            _ = try reader.floats()
        }
        #expect(throws: SnapshotFault.self) {
            try SnapshotReader(writer.bytes, trainer: "toy", version: 3).finish()
        }
    }
}
