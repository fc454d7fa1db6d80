import Contract
import Foundation
import Randomness
import Tensors
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("The trainer ret")
struct RETTrainerTests {
    static let settings = """
        {"layers": [1], "groups": 3, "publicTextsPerStep": 8, "updatesPerStep": 2,
         "shape": {"windows": [2], "hidden": [8], "outputs": 4, "predictorHidden": [8]},
         "learning": {"horizon": {"from": 1, "to": 2}, "batchSize": 16}}
        """

    static func model() throws -> SmallModel {
        var model = try SharedModel.get()
        model.adapter = "{}"
        return model
    }

    private func judge(_ json: String = settings) throws -> any PublicJudge {
        let context = try Self.model().coordinator(schedule: SharedModel.schedule)
        return try SharedModel.entry("ret").makeJudge(Array(json.utf8), context)
    }

    @Test("ret keeps every trainer's laws, reading and generating", arguments: ["read", "generate"])
    func conforms(mode: String) throws {
        let model = try Self.model()
        let contexts = try ["a": model.client("a", index: 0), "b": model.client("b", index: 1)]
        var settings = Self.settings
        settings.replace(
            "{\"layers\"",
            with: "{\"mode\": \"\(mode)\", \"maxTokens\": 4, \"layers\"",
            maxReplacements: 1
        )
        // What is generated is short: its last token has no state.
        if mode == "generate" { settings.replace(#""to": 2"#, with: #""to": 1"#) }
        let subject = TrainerConformance(
            entry: try SharedModel.entry("ret"),
            settings: Array(settings.utf8),
            client: { contexts[$0]! },
            coordinator: try model.coordinator(schedule: SharedModel.schedule),
            metrics: ["loss", "cosine", "grad_norm", "effective_rank", "deviation_min"]
        )

        #expect(try subject.check() == [])
    }

    /// What honest clients with some adapters answer to a batch, and what the judge makes of it.
    private func exchange(_ adapters: [AdapterWeights]) throws -> (
        scores: [[[Double]]], pools: [ResponsePool], metrics: [String: Double], batch: PublicBatch
    ) {
        let (judge, model) = (try judge(), try Self.model())
        let batch = try judge.batch(round: 0, step: 2)
        var (scored, answers) = ([(name: String, scores: [[Double]])](), [String: [[Response]]]())
        let merged = try judge.initialAdapter()
        for (index, adapter) in adapters.enumerated() {
            let name = "client-\(index)"
            var trainer = try SharedModel.entry("ret").makeTrainer(
                Array(Self.settings.utf8),
                model.client(name, index: 0)
            )
            try trainer.beginRound(0, adapter: adapter)
            let responses = try trainer.respond(to: batch).map { [$0] }
            let sender = Sender(name, merged: { merged }, adapter: { adapter })
            scored.append((name, try judge.score(responses, to: batch, from: sender)))
            answers[name] = responses
        }
        let step = ScoredStep(
            batch: batch,
            clients: scored,
            merged: { merged },
            responses: { [answers] in answers[$0] ?? [] }
        )
        guard case .pools(let pools, let metrics) = try judge.combine(step) else { fatalError() }
        return (scored.map(\.scores), scored.compactMap { pools[$0.name] }, metrics, batch)
    }

    private func changed(_ adapter: AdapterWeights, _ prefix: String, _ change: (Float) -> Float)
        -> AdapterWeights
    {
        AdapterWeights(
            adapter.arrays.map { array in
                var array = array
                if array.name.hasPrefix(prefix) { array.values = array.values.map(change) }
                return array
            }
        )
    }

    @Test("who foretells a text better is given to those who foretell it worse, and centres to all")
    func targets() throws {
        let initial = try judge().initialAdapter()
        var stream = RandomStream(seed: 1, "noise")
        let other = changed(initial, "encoder.1.weight") { $0 + Float(stream.uniform() - 0.5) }

        let (scores, pools, metrics, batch) = try exchange([initial, other])

        var given = 0
        for item in batch.items.indices {
            for client in 0..<2 {
                let target = pools[client].groups[item].target
                let isWorse = scores[client][item][0] < scores[1 - client][item][0]
                // A target without macrostates is 4 bytes, and 4 · 3 · 4 more where it carries the centres.
                #expect((target.count > 4 + (item == 0 ? 48 : 0)) == isWorse)
                given += isWorse ? 1 : 0
            }
        }
        #expect(given > 0 && metrics["ret/targets"] == Double(given))
        let similarity = try #require(metrics["ret/similarity_min"])
        #expect(similarity > 0.5 && similarity < 0.999)
        #expect(metrics["ret/untrusted_clients"] == 0)
    }

    @Test("macrostates made up to please the predictor teach nobody, however well they are foretold")
    func invention() throws {
        let (judge, model) = (try judge(), try Self.model())
        let merged = try judge.initialAdapter()
        let batch = try judge.batch(round: 0, step: 2)
        var answers: [String: [[Response]]] = [:]
        for name in ["honest", "other"] {
            var trainer = try SharedModel.entry("ret").makeTrainer(
                Array(Self.settings.utf8),
                model.client(name, index: 0)
            )
            try trainer.beginRound(0, adapter: merged)
            answers[name] = try trainer.respond(to: batch).map { [$0] }
        }
        // What the merged predictor makes of its own foretelling, from a start that no text has a part in.
        let net = MacrostateNet(
            shape: MacrostateShape(windows: [2], hidden: [8], outputs: 4, predictorHidden: [8]),
            width: 32
        )
        try net.load(RETAdapter.net(of: merged))
        var stream = RandomStream(seed: 1, "invention")
        answers["liar"] = try (answers["honest"] ?? []).map { group in
            let tokens = (group[0].payload.count - 4) / (2 + 2 * 4)
            var z = (0..<4).map { _ in Float(stream.uniform() - 0.5) }
            for _ in 1..<tokens { z += net.predict(Array(z.suffix(4))).map { 20 * $0 } }
            let answer = MacrostatePayload.Answer(
                error: 0,
                groups: [Int32](repeating: 0, count: tokens),
                z: z
            )
            return [Response(itemID: group[0].itemID, index: 0, payload: answer.bytes)]
        }
        let names = answers.keys.sorted()
        let scored = try names.map { name in
            let sender = Sender(name, merged: { merged }, adapter: { merged })
            return (name: name, scores: try judge.score(answers[name] ?? [], to: batch, from: sender))
        }
        let step = ScoredStep(
            batch: batch,
            clients: scored,
            merged: { merged },
            responses: { [answers] in answers[$0] ?? [] }
        )

        guard case .pools(let pools, let metrics) = try judge.combine(step) else { fatalError() }

        #expect(metrics["ret/untrusted_clients"] == 1)
        // The two honest ones say the same: neither has anything to learn, least of all from the liar.
        for name in ["honest", "other"] {
            #expect(pools[name]?.groups.dropFirst().allSatisfy { $0.target.count == 4 } == true)
        }
    }

    @Test("collapsed macrostates score -1 on every text and count for nothing")
    func collapsed() throws {
        let initial = try judge().initialAdapter()
        let flat = changed(initial, "encoder.1.weight") { _ in 0 }

        let (scores, pools, metrics, batch) = try exchange([initial, flat])

        #expect(scores[1].allSatisfy { $0 == [-1] })
        #expect(scores[0].allSatisfy { $0[0] > -1 })
        #expect(metrics["ret/untrusted_clients"] == 1)
        #expect(pools[0].groups.dropFirst().allSatisfy { $0.target.count == 4 })
        #expect(pools[1].groups.dropFirst().allSatisfy { $0.target.count > 4 })
        #expect(batch.items.count == 8)
    }

    @Test(
        "an update that standardises states in its own way, or leaves the range of half precision, is refused"
    )
    func objections() throws {
        let judge = try judge()
        let initial = try judge.initialAdapter()

        #expect(try judge.objection(to: initial, from: "a") == nil)
        let moved = try judge.objection(to: changed(initial, "states.mean") { $0 + 0.5 }, from: "a")
        #expect(moved?.contains("changes the statistics") == true)
        let huge = try judge.objection(to: changed(initial, "encoder.1.weight") { $0 * 1e7 }, from: "a")
        #expect(huge?.contains("beyond ±65504.0") == true)
        let flat = try judge.objection(to: changed(initial, "encoder.1") { _ in 0 }, from: "a")
        #expect(flat?.contains("have collapsed") == true)
        let negative = try judge.objection(to: changed(initial, "states.deviation") { -$0 }, from: "a")
        #expect(negative?.contains("is not positive") == true)
    }

    @Test("a round that ends with collapsed macrostates is refused with their rank")
    func vetoes() throws {
        let judge = try judge()
        let flat = changed(try judge.initialAdapter(), "encoder.1.weight") { _ in 0 }

        let fault = #expect(throws: CollapseFault.self) { _ = try judge.evaluate(flat, round: 0) }

        #expect(fault?.description.contains("effective rank is 1.0, below 1.5") == true)
    }

    @Test("a client whose macrostates collapse stops with a clear message")
    func clientStops() throws {
        let model = try Self.model()
        var json = Self.settings
        json.replace(
            "{\"layers\"",
            with: "{\"collapse\": {\"effectiveRankMin\": 4, \"graceSteps\": 2}, \"layers\"",
            maxReplacements: 1
        )
        var trainer = try SharedModel.entry("ret").makeTrainer(Array(json.utf8), model.client("a", index: 0))
        try trainer.beginRound(0, adapter: judge().initialAdapter())

        let fault = #expect(throws: CollapseFault.self) {
            _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }
        }

        #expect(fault?.description.contains("round 0, step 0: the macrostates have collapsed") == true)
    }

    @Test(
        "settings that the model or the texts do not bear are refused by name",
        arguments: [
            (#"{"layers": [7]}"#, "'layers'"), (#"{"layers": [1, 1]}"#, "layers"),
            (#"{"learning": {"horizon": {"from": 3, "to": 2}}}"#, "horizon"), (#"{"groups": 1}"#, "groups"),
            (#"{"shape": {"windows": [1]}}"#, "windows"),
            (#"{"skipTokens": 50, "layers": [1]}"#, "skipTokens = 50"),
            (#"{"publicTextsPerStep": 400}"#, "publicTextsPerStep"),
            (#"{"collapse": {"graceSteps": -1}}"#, "collapse"),
        ]
    )
    func badSettings(json: String, word: String) throws {
        let error = #expect(throws: (any Error).self) { _ = try judge(json) }
        #expect("\(try #require(error))".contains(word), "\(String(describing: error))")
    }

    @Test("private texts shorter than the horizon are refused with both numbers")
    func shortTexts() throws {
        let model = try Self.model()
        let json = Self.settings.replacing(#""to": 2"#, with: #""to": 40"#)
        var trainer = try SharedModel.entry("ret").makeTrainer(Array(json.utf8), model.client("a", index: 0))
        try trainer.beginRound(0, adapter: judge(json).initialAdapter())

        let fault = #expect(throws: QuestionFault.self) {
            _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }
        }

        #expect(fault?.description.contains("longest horizon of 40") == true)
    }

    @Test("an adapter and objectives are refused: ret has neither")
    func noAdapter() throws {
        var run = try SharedModel.get().run(clients: ["a"])
        run.settings = try Mapping(json: Array(Self.settings.utf8))

        let error = #expect(throws: ConfigurationError.self) { _ = try SharedModel.entry("ret").check(run) }

        #expect(error?.description.contains("no 'adapter'") == true)
    }

    @Test("a run's adapter is written as a folder of macrostates and read back to the same bits")
    func folder() throws {
        let path = FileManager.default.temporaryDirectory.appending(
            path: "tributary-ret-\(UUID().uuidString)"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var run = try Self.model().run(clients: ["a"])
        run.settings = try Mapping(json: Array(Self.settings.utf8))
        let (entry, adapter) = (try SharedModel.entry("ret"), try judge().initialAdapter())

        #expect(try entry.write(adapter, path, run))

        #expect(try entry.readAdapter(path, run) == adapter)
        var elsewhere = run
        elsewhere.settings = try Mapping(json: Array(Self.settings.replacing("[1]", with: "[0]").utf8))
        let refused = #expect(throws: TrajectoryFault.self) { _ = try entry.readAdapter(path, elsewhere) }
        #expect(refused?.reason.contains("found states of layers [0]") == true)
        let macrostates = try MacrostateFolder.read(from: path)
        #expect(macrostates.source.layers == [1] && macrostates.groups.count == 3)
        var other = macrostates.source
        other.model = "ffff"
        let fault = #expect(throws: TrajectoryFault.self) { try macrostates.require(other, of: "x") }
        #expect(fault?.description.contains("x: found trajectories of") == true)
    }

    @Test("payloads that are cut, too long, out of range or not finite are refused")
    func payloads() throws {
        let answer = MacrostatePayload.Answer(error: 0.5, groups: [0, 2], z: [1, 2, 3, 4])
        func read(_ bytes: [UInt8], groups: Int = 3) throws -> MacrostatePayload.Answer {
            try MacrostatePayload.Answer(bytes, tokens: 2, width: 2, groups: groups)
        }
        #expect(try read(answer.bytes) == answer)
        #expect(throws: MacrostatePayload.Fault.self) { _ = try read(Array(answer.bytes.dropLast())) }
        #expect(throws: MacrostatePayload.Fault.self) { _ = try read(answer.bytes + [0]) }
        #expect(throws: MacrostatePayload.Fault.self) { _ = try read(answer.bytes, groups: 2) }
        var infinite = answer.bytes
        infinite[infinite.count - 1] = 0x7C
        infinite[infinite.count - 2] = 0
        #expect(throws: MacrostatePayload.Fault.self) { _ = try read(infinite) }
        let target = MacrostatePayload.Target(centroids: [1, 2, 3, 4], z: [5, 6, 7, 8])
        #expect(try MacrostatePayload.Target(target.bytes, tokens: 2, width: 2, groups: 2) == target)
        #expect(throws: MacrostatePayload.Fault.self) {
            _ = try MacrostatePayload.Target(target.bytes, tokens: 3, width: 2, groups: 2)
        }
        let item = MacrostatePayload.TextItem(promptCount: 1, tokens: [3, 4])
        #expect(try MacrostatePayload.TextItem(item.bytes, vocabulary: 5, limit: 2) == item)
        #expect(throws: MacrostatePayload.Fault.self) {
            _ = try MacrostatePayload.TextItem(item.bytes, vocabulary: 4, limit: 2)
        }
    }
}
