import Digest
import Contract
import Ledger
import Rounds
import Testing
import Wire

@testable import Nodes
@testable import Wire

/// What a client can do wrong, and what it hears.
@Suite struct HostileClientTests {
    private static let recipe = Recipe(clients: ["ash", "mallory"], rounds: 1, steps: 3, encoding: "f32")
    private static let plain = Recipe(
        clients: ["ash", "mallory"],
        rounds: 1,
        steps: 3,
        localPerPublic: "none",
        normLimit: "10",
        encoding: "f32"
    )

    // MARK: - Hello

    @Test(
        "a client that does not fit the run is refused for good",
        arguments: [
            ("model", "WRONG_FINGERPRINT: 'base model'"),
            ("settings", "WRONG_FINGERPRINT: 'trainer.settings.learningRate'"),
            ("trainer", "WRONG_TRAINER"),
        ]
    )
    func misfit(what: String, says: String) async throws {
        let recipe = what == "model" ? Recipe.sft : Self.recipe
        let stage = try await Stage(recipe, in: Scratch())
        var other = recipe
        switch what {
        case "model": other.model = RandomModel.otherDirectory
        case "settings": other.settings = "{learningRate: 0.2}"
        default: other.trainer = "action"
        }

        let client = try await stage.client(recipe.clients[1], as: other)

        let error = try await #require(throws: NodeError.self) { try await client.run() }
        #expect(error.kind == .refused)
        #expect(error.description.contains(says))
    }

    @Test("a client that the topology does not list is refused")
    func unknown() async throws {
        let stage = try await Stage(Self.recipe, in: Scratch())
        var other = Self.recipe
        other.clients.append("eve")

        let client = try await stage.client("eve", as: other)

        let error = try await #require(throws: NodeError.self) { try await client.run() }
        #expect(error.description.contains("UNKNOWN_CLIENT"))
    }

    @Test("a client that calls itself by another's name is refused")
    func otherName() async throws {
        let stage = try await Stage(Self.recipe, in: Scratch())
        let raw = try await stage.rawClient("mallory")

        let hello = Hello(
            software: "test",
            federation: "test",
            client: "ash",
            trainer: "vector",
            fingerprint: try stage.job.fingerprint()
        )
        try await raw.send(.hello(hello))

        #expect(try await raw.next()?.code == .nameMismatch)
        #expect(try await raw.next() == nil)
    }

    // MARK: - Updates

    @Test("an update of another shape is refused before its first chunk")
    func wrongShape() async throws {
        let (_, raw) = try await inRound(Self.plain)
        let update = try update([Float](repeating: 0, count: 16))

        #expect(try await raw.offerUpdate(update, round: 0)?.code == .wrongShape)
    }

    @Test("an update with a value that is not finite is refused", arguments: [Float.nan, .infinity])
    func notFinite(value: Float) async throws {
        let (_, raw) = try await inRound(Self.plain)
        let bits = ([value] + [Float](repeating: 0, count: 11)).map(\.bitPattern)

        let answer = try await raw.offerUpdate(blob(BytePlanes.split(bits), shape: [12]), round: 0)

        #expect(answer?.code == .notFinite)
    }

    @Test("an update that is larger than the norm limit is refused, one at the limit is not")
    func norm() async throws {
        let (stage, raw) = try await inRound(Self.plain)

        let large = try await raw.offerUpdate(update([10.1] + [Float](repeating: 0, count: 11)), round: 0)
        let other = try await stage.rawClient("ash")
        _ = try await other.hello()
        let fitting = try await other.offerUpdate(update([10] + [Float](repeating: 0, count: 11)), round: 0)

        #expect(large?.code == .normTooLarge)
        guard case .accepted = fitting else {
            Issue.record("\(String(describing: fitting))")
            return
        }
    }

    @Test("an update in another encoding than the run's is refused")
    func wrongEncoding() async throws {
        let (_, raw) = try await inRound(Self.plain)
        let zeros = NamedArray(name: "vector", shape: [12], values: [Float](repeating: 0, count: 12))
        let update = try BlobEncoder.encode(AdapterWeights([zeros]), as: .update, encoding: .int8)

        #expect(try await raw.offerUpdate(update, round: 0)?.code == .wrongEncoding)
    }

    @Test("bytes that do not have the digest of their manifest are refused")
    func wrongDigest() async throws {
        let (_, raw) = try await inRound(Self.plain)
        let honest = try update([Float](repeating: 0.5, count: 12))
        var bytes = try honest.bytes
        bytes[0] ^= 1

        let answer = try await raw.offerUpdate(EncodedBlob(trusted: honest.manifest, bytes: bytes), round: 0)

        #expect(answer?.code == .digestMismatch)
    }

    @Test("a second update of a round is a conflict, the same one again is accepted again")
    func conflict() async throws {
        let (_, raw) = try await inRound(Self.plain)
        let first = try update([Float](repeating: 0.5, count: 12))

        let answers = [
            try await raw.offerUpdate(first, round: 0), try await raw.offerUpdate(first, round: 0),
            try await raw.offerUpdate(update([Float](repeating: 0.25, count: 12)), round: 0),
        ]

        #expect(answers[0] == .accepted(Accepted(transfer: first.manifest.digest)))
        #expect(answers[1] == answers[0])
        #expect(answers[2]?.code == .conflict)
    }

    @Test("after three refused contributions a client is shut out, and the others finish")
    func quarantine() async throws {
        var recipe = Self.recipe
        recipe.rounds = 2
        recipe.quorum = 1
        let (stage, raw) = try await inRound(recipe)
        let garbage = try BlobEncoder.encode([Response(itemID: "block-0", index: 0, payload: [1])])
        let misshapen = try update([Float](repeating: 0, count: 4))

        async let outcome = stage.finish(with: [stage.client("ash")])
        let first = try await raw.offerResponses(garbage, round: 0, step: 2)
        let second = try await raw.offerUpdate(misshapen, round: 0)
        _ = try await raw.fetchRound(after: 0)
        let third = try await raw.offerUpdate(misshapen, round: 1)
        let farewell = try await raw.next()

        #expect([first, second, third].map { $0?.code } == [.badResponse, .wrongShape, .wrongShape])
        #expect(farewell?.code == .quarantined)
        #expect(try await outcome == .completed)
        #expect(try stage.facts().contains("quarantined mallory WRONG_SHAPE"))
    }

    @Test("an update refused in a federation whose quorum is all of it leaves the round to the others")
    func refusedBelowQuorum() async throws {
        var recipe = Self.plain
        recipe.quorum = 2
        let (stage, raw) = try await inRound(recipe)

        async let outcome = stage.finish(with: [stage.client("ash")])
        let nan = ([Float.nan] + [Float](repeating: 0, count: 11)).map(\.bitPattern)
        let answer = try await raw.offerUpdate(blob(BytePlanes.split(nan), shape: [12]), round: 0)
        _ = try await raw.hearTheEnd(after: 0)

        #expect(answer?.code == .notFinite)
        #expect(try await outcome == .completed)
        #expect(try stage.facts().contains("roundClosed 0 ash"))
    }

    @Test("updates that cannot be merged leave the round with the adapter it began with")
    func unmergeable() async throws {
        var recipe = Self.plain
        recipe.weights = "examples"
        let (stage, raw) = try await inRound(recipe)

        let other = try await stage.rawClient("ash")
        _ = try await other.hello()

        async let outcome = stage.finish(with: [])
        for client in [raw, other] {
            _ = try await client.offerUpdate(
                update([Float](repeating: 0.5, count: 12)),
                round: 0,
                examples: 0
            )
        }
        _ = try await raw.hearTheEnd(after: 0)
        _ = try await other.hearTheEnd(after: 0)

        #expect(try await outcome == .completed)
        let facts = try stage.facts()
        #expect(facts.contains { $0.hasPrefix("vetoed 0 ") })
    }

    @Test("a huge but finite update without a norm limit cannot end the run")
    func hugeUpdate() async throws {
        var recipe = Recipe.rlvr
        recipe.localPerPublic = "none"
        recipe.encoding = "f32"
        recipe.rounds = 1
        recipe.quorum = 1
        let (stage, raw) = try await inRound(recipe, as: "birch")
        let before = try BlobDecoder.adapter(from: await raw.adapter.value)
        let huge = AdapterWeights(
            before.arrays.map {
                NamedArray(name: $0.name, shape: $0.shape, values: $0.values.map { _ in 3e38 })
            }
        )

        let refused = try await raw.offerUpdate(
            BlobEncoder.encode(huge, as: .update, encoding: .f32),
            round: 0
        )

        #expect(refused?.code == .normTooLarge)
        async let outcome = stage.finish(with: [stage.client("ash")])
        _ = try await raw.hearTheEnd(after: 0)
        #expect(try await outcome == .completed)
    }

    @Test(
        "an update whose macrostates have collapsed is refused with the judge's words, and the others finish"
    )
    func collapsedUpdate() async throws {
        var recipe = Recipe.ret
        recipe.localPerPublic = "none"
        recipe.encoding = "f32"
        recipe.rounds = 1
        recipe.quorum = 1
        let (stage, raw) = try await inRound(recipe, as: "birch")
        let before = try BlobDecoder.adapter(from: await raw.adapter.value)
        let flat = AdapterWeights(
            before.arrays.map { array in
                let falls = array.name == "encoder.1.weight"
                return NamedArray(
                    name: array.name,
                    shape: array.shape,
                    values: array.values.map { falls ? -$0 : 0 }
                )
            }
        )

        let refused = try await raw.offerUpdate(
            BlobEncoder.encode(flat, as: .update, encoding: .f32),
            round: 0
        )

        guard case .rejected(let rejected) = refused else {
            Issue.record("the update was not refused")
            return
        }
        #expect(rejected.code == .unusableUpdate)
        #expect(rejected.message.contains("the macrostates have collapsed: their effective rank is"))
        async let outcome = stage.finish(with: [stage.client("ash")])
        _ = try await raw.hearTheEnd(after: 0)
        #expect(try await outcome == .completed)
    }

    // MARK: - Responses

    @Test("responses that are malformed, too many, missing or doubled are refused", arguments: 0..<4)
    func badResponses(kind: Int) async throws {
        let (_, raw) = try await inRound(Self.recipe)
        let batch = try BlobDecoder.batch(from: await raw.fetchBatch(round: 0, step: 2))
        var responses = batch.items.flatMap { item in
            (0..<batch.responsesPerItem).map {
                Response(itemID: item.id, index: $0, payload: [UInt8](repeating: 0, count: 16))
            }
        }
        switch kind {
        case 0: responses[0].payload = [1, 2, 3]
        case 1:
            responses.append(Response(itemID: batch.items[0].id, index: batch.responsesPerItem, payload: []))
        case 2: responses.removeLast()
        default: responses[1] = responses[0]
        }

        let answer = try await raw.offerResponses(BlobEncoder.encode(responses), round: 0, step: 2)

        #expect(answer?.code == .badResponse)
    }

    @Test("wrong answers do not reach another client, whatever the liar does")
    func liar() async throws {
        let (stage, raw) = try await inRound(Self.recipe)
        let batch = try BlobDecoder.batch(from: await raw.fetchBatch(round: 0, step: 2))
        // Every float is 2, which is farther from any target than a correct answer may be.
        let lie = [UInt8]((0..<16).map { $0 % 4 == 3 ? 0x40 : 0 })
        let lies = batch.items.flatMap { item in
            (0..<batch.responsesPerItem).map { Response(itemID: item.id, index: $0, payload: lie) }
        }

        async let outcome = stage.finish(with: [stage.client("ash")])
        let answer = try await raw.offerResponses(BlobEncoder.encode(lies), round: 0, step: 2)
        _ = try await raw.offerUpdate(update([Float](repeating: 0, count: 12)), round: 0)
        _ = try await raw.hearTheEnd(after: 0)
        #expect(try await outcome == .completed)

        #expect(answer?.type == .accepted)
        let ledger = try Ledger.inspect(stage.layout.coordinatorState)
        let pools = try ledger.pools(round: 0, step: 2)
        #expect(pools.map(\.client) == ["ash", "mallory"])
        for record in pools {
            let pool = try BlobDecoder.pool(from: ledger.blob(record.blob))
            for replacement in pool.groups.flatMap(\.replacements) {
                #expect(replacement.payload != lie)
                #expect(replacement.score >= 0.5)
            }
            if record.client == "mallory" { #expect(pool.groups.flatMap(\.scores).allSatisfy { $0 < 0.5 }) }
        }
    }

    // MARK: - Order

    @Test("a message out of order ends the connection and not the run")
    func outOfOrder() async throws {
        let (stage, raw) = try await inRound(Self.recipe)

        try await raw.send(.fetchPool(FetchPool(round: 0, step: 2)))

        #expect(try await raw.next()?.code == .unexpectedMessage)
        #expect(try await raw.next() == nil)
        let outcome = try await stage.finish(with: [stage.client("ash"), stage.client("mallory")])
        #expect(outcome == .completed)
    }

    @Test("chunks that nobody asked for are harmless")
    func strayChunks() async throws {
        let (stage, raw) = try await inRound(Self.recipe)
        let stray = Chunk(transfer: SHA256Digest(of: [1]), index: 0, bytes: [1])

        for _ in 0..<50 { try await raw.send(.chunk(stray)) }
        try await raw.send(.bye(Bye(reason: "enough")))

        let outcome = try await stage.finish(with: [stage.client("ash"), stage.client("mallory")])
        #expect(outcome == .completed)
    }

    // MARK: - Helpers

    /// A stage whose hostile client is admitted and has the first round's adapter, with everyone else there.
    private func inRound(_ recipe: Recipe, as name: String = "mallory") async throws -> (Stage, RawClient) {
        let stage = try await Stage(recipe, in: Scratch())
        let raw = try await stage.rawClient(name)
        _ = try await raw.hello()
        // The round begins once all are there.
        let other = try await stage.rawClient("ash")
        _ = try await other.hello()
        let (round, adapter) = try await raw.fetchRound(after: -1)
        #expect(round == 0)
        await raw.adapter.set(adapter)
        await other.leave()
        return (stage, raw)
    }

    private func update(_ values: [Float]) throws -> EncodedBlob {
        let array = NamedArray(name: "vector", shape: [values.count], values: values)
        return try BlobEncoder.encode(AdapterWeights([array]), as: .update, encoding: .f32)
    }

    private func blob(_ bytes: [UInt8], shape: [Int]) throws -> EncodedBlob {
        let entry = ManifestEntry(
            name: "vector",
            elementType: .f32,
            compression: .stored,
            shape: shape,
            rawBytes: bytes.count,
            encodedBytes: bytes.count
        )
        let manifest = try Manifest(kind: .update, entries: [entry], digest: SHA256Digest(of: bytes))
        return EncodedBlob(trusted: manifest, bytes: bytes)
    }
}
