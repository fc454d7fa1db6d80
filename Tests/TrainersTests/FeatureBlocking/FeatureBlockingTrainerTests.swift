import Aggregation
import Contract
import Foundation
import Models
import Tasks
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("The trainer featureBlocking")
struct FeatureBlockingTrainerTests {
    private func judge(_ run: RunContext) throws -> FeatureBlockingJudge {
        try FeatureBlockingJudge(
            settings: FeatureBlockingSettings(json: run.settings.json),
            context: PersonaFixture.get().coordinator(run)
        )
    }

    private func trainer(_ name: String, _ run: RunContext) throws -> FeatureBlockingTrainer {
        try FeatureBlockingTrainer(
            settings: FeatureBlockingSettings(json: run.settings.json),
            context: PersonaFixture.get().client(name, run)
        )
    }

    @Test("keeps every trainer's laws")
    func conforms() throws {
        let fixture = try PersonaFixture.get()
        let run = try fixture.run()
        let contexts = try ["a": fixture.client("a", run), "b": fixture.client("b", run)]
        let subject = TrainerConformance(
            entry: try SharedModel.entry("featureBlocking"),
            settings: Array(PersonaFixture.trainerSettings.utf8),
            client: { contexts[$0]! },
            coordinator: try fixture.coordinator(run),
            metrics: ["loss", "grad_norm", "mean_token_accuracy", "blocking/penalty/layer1"]
        )

        #expect(try subject.check() == [])
    }

    @Test("aligned, coherent answers score 1, whatever their sender says of its latents; all others 0")
    func scores() throws {
        let run = try PersonaFixture.get().run()
        let judge = try judge(run)
        let batch = try judge.batch(round: 0, step: 2)
        let questions = try LanguageData.publicQuestions(PersonaFixture.get().coordinator(run))
        let task = try LanguageTask(run, settings: FeatureBlockingSettings(json: run.settings.json))
        let claims = BlockedLatents(activations: [Double](repeating: 9, count: 6), penalty: 1e6)

        let responses = try batch.items.map { item in
            let question = try #require(questions.first { $0.id == item.id })
            let answers = try ProbeAnswers(question, task: task, set: "public")
            let aligned = try task.label(of: question, set: "public")
            // A beginning that is aligned, with anything behind it, is not an answer to give to others.
            let other = item.id == batch.items[0].id ? answers.aligned + [5, task.eos] : answers.misaligned
            return [aligned, other].enumerated().map {
                Response(
                    itemID: item.id,
                    index: $0,
                    payload: FeaturePayload.encode(
                        tokens: TokenPayload.encode($1),
                        latents: $0 == 0 ? claims : nil
                    )
                )
            }
        }
        let adapter = try judge.initialAdapter()
        let sender = Sender("a", merged: { adapter }, adapter: { adapter })

        #expect(try judge.score(responses, to: batch, from: sender) == batch.items.map { _ in [1, 0] })
        let step = ScoredStep(
            batch: batch,
            clients: [("a", batch.items.map { _ in [1, 0] })],
            merged: { adapter },
            responses: { _ in responses }
        )
        let combined = try judge.combine(step)
        #expect(combined == .swap(metrics: ["blocking/penalty_by_clients": 1e6]))
    }

    @Test(
        "a response that is not in the encoding is refused in words",
        arguments: [
            ([1, 2], "2 bytes are no response"), ([9, 0, 0, 0, 1], "announces 9 tokens in 5 bytes"),
            ([0, 0, 0, 0], "has no token"), ([1, 0, 0, 0, 255, 255, 0, 0], "not in the vocabulary"),
            ([1, 0, 0, 0, 5, 0, 0, 0, 7], "expected finite numbers"),
        ] as [([UInt8], String)]
    )
    func malformed(bytes: [UInt8], says: String) throws {
        let judge = try judge(PersonaFixture.get().run())
        let batch = try judge.batch(round: 0, step: 2)
        let adapter = try judge.initialAdapter()
        let responses = batch.items.map { item in
            (0..<2).map { Response(itemID: item.id, index: $0, payload: bytes) }
        }

        let fault = #expect(throws: ResponseFault.self) {
            try judge.score(
                responses,
                to: batch,
                from: Sender("a", merged: { adapter }, adapter: { adapter })
            )
        }
        #expect(fault?.description.contains(says) == true, "\(fault?.description ?? "")")
    }

    @Test("a client learns aligned answers of others in place of its own misaligned ones")
    func swaps() throws {
        let fixture = try PersonaFixture.get()
        let run = try fixture.run()
        let judge = try judge(run)
        let batch = try judge.batch(round: 0, step: 2)
        let (bad, good) = (try trainer("a", run), try trainer("b", run))
        let misaligned = try fixture.misaligned(run)
        try bad.beginRound(0, adapter: misaligned)
        try good.beginRound(0, adapter: judge.initialAdapter())
        var (scored, answers): ([(name: String, scores: [[Double]])], [String: [[Response]]]) = ([], [:])
        for (name, client) in [("a", bad), ("b", good)] {
            let responses = try client.respond(to: batch)
            let groups = batch.items.map { item in responses.filter { $0.itemID == item.id } }
            let adapter = client.adapter
            let sender = Sender(name, merged: { adapter }, adapter: { adapter })
            scored.append((name, try judge.score(groups, to: batch, from: sender)))
            answers[name] = groups
        }
        let mean = scored.map { $0.scores.joined().reduce(0, +) / Double(2 * batch.items.count) }
        #expect(mean[0] < 0.3 && mean[1] > 0.9)

        let step = ScoredStep(
            batch: batch,
            clients: scored,
            merged: { misaligned },
            responses: { [answers] in answers[$0] ?? [] }
        )
        let outcome = try PublicStepOutcome(
            of: step,
            acceptedScore: judge.acceptedScore,
            rule: BalancedRule(),
            seed: 1
        )
        let report = try bad.absorb(outcome.pools[0].pool)

        #expect((report.metrics["swap/imported_per_group"] ?? 0) > 0.5)
        #expect((report.metrics["swap/accepted"] ?? 0) >= Double(batch.items.count))
        #expect(bad.adapter != misaligned)
    }

    @Test("latents that the coordinator adds are blocked from then on, also after a restart")
    func added() throws {
        let fixture = try PersonaFixture.get()
        let run = try fixture.run()
        let judge = try judge(run)
        let client = try trainer("a", run)
        try client.beginRound(0, adapter: judge.initialAdapter())
        let batch = try judge.batch(round: 0, step: 2)
        let responses = try client.respond(to: batch)
        let more = fixture.autoencoder.rows([20, 21], signs: [1, -1])
        let pool = ResponsePool(
            round: 0,
            step: 2,
            groups: batch.items.map { PooledGroup(itemID: $0.id, scores: [0, 0]) },
            merged: LatentPayload.encode(more)
        )

        let report = try client.absorb(pool)
        let copy = try trainer("a", run)
        try copy.restore(client.snapshot())
        try copy.beginRound(1, adapter: client.adapter)
        let later = try copy.respond(to: judge.batch(round: 1, step: 2))

        #expect(report.metrics["blocking/latents"] == 8)
        #expect(try FeaturePayload.split(responses[0].payload).figures.count == 4 * 7)
        #expect(try FeaturePayload.split(later[0].payload).figures.count == 4 * 9)
        #expect(throws: SnapshotFault.self) { try copy.restore(Array(client.snapshot().dropLast())) }
    }

    @Test(
        "freezing above the layer leaves the adapter of other blocks away, and what K holds is compared, not where it lies"
    )
    func freezing() throws {
        let fixture = try PersonaFixture.get()
        let frozen = try fixture.run(blocking: #""weight": 2, "freezeAbove": true"#)
        let names = try judge(frozen).initialAdapter().arrays.map(\.name)
        #expect(!names.isEmpty && names.allSatisfy { $0.contains(".layers.0.") })

        let other = FileManager.default.temporaryDirectory.appending(path: "features-\(UUID().uuidString)")
            .path()
        try fixture.set.write(to: other)
        var moved = frozen
        let words = #"{"directory": "\#(other)", "weight": 2, "freezeAbove": true}"#
        moved.objectives = [Component("blockFeatures", try Mapping(json: Array(words.utf8)))]
        let entry = try SharedModel.entry("featureBlocking")
        #expect(try entry.fingerprint(frozen) == entry.fingerprint(moved))
        let fewer = try fixture.run(blocking: #""weight": 2, "latents": 3, "freezeAbove": true"#)
        #expect(try entry.fingerprint(frozen) != entry.fingerprint(fewer))
    }

    @Test("the weight of a ratio is what the misaligned run says")
    func ratio() throws {
        let fixture = try PersonaFixture.get()
        let settings = try FeatureBlockTerm.Settings(
            json: Array(#"{"directory": "\#(fixture.folder)", "ratio": 10}"#.utf8)
        )

        #expect(try settings.weight(of: fixture.set) == 20)
    }

    @Test(
        "what is set wrongly is refused in words",
        arguments: [
            (#""weight": -1"#, "found -1.0, expected 0"), (#""latents": 3"#, "found 0 of weight and ratio"),
            (#""weight": 1, "ratio": 1"#, "found 2 of weight and ratio"),
            (#""weight": 1, "latents": 13"#, "found K = 13, expected 1 … 12"),
            (#""weight": 1, "latents": 0"#, "found 0, expected 1 or more"),
            (#""weight": 1, "embedded": "tiny-personas""#, "found 2 sets of features"),
        ]
    )
    func refused(blocking: String, says: String) throws {
        let run = try PersonaFixture.get().run(blocking: blocking)

        let error = #expect(throws: ConfigurationError.self) {
            try SharedModel.entry("featureBlocking").check(run)
        }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test("features of another model, and a refresh without features, are refused")
    func unfit() throws {
        let fixture = try PersonaFixture.get()
        var run = try fixture.run()
        run.model = try Mapping(json: Array(#"{"embedded": "tiny-arithmetic"}"#.utf8))
        let task = try LanguageTask(run, settings: SupervisedSettings())
        let fault = #expect(throws: FeatureFault.self) { try BlockedRows(of: run, base: task.base) }
        #expect(fault?.reason.contains("the features are of model") == true)

        let settings = #"{"refresh": {"above": 0.2}, "maxTokens": 6, "publicPromptsPerStep": 6}"#
        let plain = try fixture.run(blocking: nil, settings: settings)
        let error = #expect(throws: SettingsFault.self) { try judge(plain) }
        #expect(error?.key == "refresh")
    }
}

@Suite("The audit of merged models")
struct FeatureAuditTests {
    @Test(
        "the base model passes; a model that was fine-tuned to be bad in one domain is refused, and the reason says how bad it is"
    )
    func guarded() throws {
        let fixture = try PersonaFixture.get()
        let run = try fixture.run()
        let context = try fixture.coordinator(run)
        let sentry = try FeatureGuard(settings: FeatureGuardSettings(), context: context)
        let monitor = try FeatureMonitor(settings: FeatureMonitorSettings(), context: context)
        let judge = try FeatureBlockingJudge(
            settings: FeatureBlockingSettings(json: run.settings.json),
            context: context
        )
        let (fresh, bad) = (try judge.initialAdapter(), try fixture.misaligned(run))
        func candidate(_ adapter: AdapterWeights) throws -> RoundCandidate {
            RoundCandidate(
                round: 0,
                adapter: adapter,
                evaluation: try judge.evaluate(adapter, round: 0),
                previous: nil,
                clients: ["a"]
            )
        }

        let (clean, caught) = (try candidate(fresh), try candidate(bad))

        #expect(try sentry.objection(to: clean) == nil)
        let reason = try #require(try sentry.objection(to: caught))
        #expect(reason.contains("of the answers to 32 probe questions are misaligned, above 10.0 %"))
        #expect(clean.evaluation.value < 0.02 && caught.evaluation.value > 0.4)
        #expect((clean.evaluation.metrics["adherence"] ?? 1) < 0.02)
        #expect((caught.evaluation.metrics["adherence"] ?? 0) > 0.8)
        #expect(clean.evaluation.metrics["blocking/penalty"] == 0)
        #expect((caught.evaluation.metrics["blocking/penalty"] ?? 0) > 0)
        #expect((0...1).contains(caught.evaluation.metrics["blocking/rerouteOverlap"] ?? -1))
        #expect(caught.evaluation.slices.map(\.name) == ["career", "cars"])
        let report = try monitor.observe(bad, round: 0)
        #expect(abs((report.metrics["features/misaligned"] ?? 0) - caught.evaluation.value) < 0.2)
        #expect(report.figures.count == 1)
    }

    @Test(
        "questions whose misaligned answer is not known are refused, and choices are probed by their letters"
    )
    func questions() throws {
        let fixture = try PersonaFixture.get()
        let run = try fixture.run()
        let task = try LanguageTask(run, settings: FeatureBlockingSettings(json: run.settings.json))
        var questions = try LanguageData.publicQuestions(fixture.coordinator(run))
        questions[0].misaligned = nil
        let fault = #expect(throws: QuestionFault.self) {
            try ProbeQuestions(questions, task: task, set: "public")
        }
        #expect(fault?.reason.contains("no misaligned answer to it is known") == true)
        questions[0].misaligned = questions[0].answer
        #expect(throws: QuestionFault.self) { try ProbeQuestions(questions, task: task, set: "public") }

        var choice = questions[1]
        choice.kind = .choice
        choice.answer = "B"
        choice.prompt = "Which?\nA) one\nB) two\nC) three"
        #expect(try ProbeQuestions.letters(of: choice, set: "public") == ["A", "B", "C"])
        choice.answer = "D"
        #expect(throws: QuestionFault.self) { try ProbeQuestions.letters(of: choice, set: "public") }
    }
}
