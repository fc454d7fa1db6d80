import Contract
import Tasks
import Testing
import TrainersTestSupport

@testable import Trainers

@Suite("The language judge")
struct JudgeTests {
    private func makeJudge(_ keys: String = #""promptsPerStep": 8"#, steps: Int = 6) throws -> RLVRJudge {
        try RLVRJudge(
            settings: RLVRSettings(json: SharedModel.settings(keys)),
            context: SharedModel.get().coordinator(
                schedule: Schedule(stepsPerRound: steps, localPerPublic: 2)
            )
        )
    }

    private func questions() throws -> [Question] {
        try SmallModel.draw(clients: 2).publicQuestions(seed: 11)
    }

    private func response(_ text: [Int32], to question: Question, index: Int = 0) -> Response {
        Response(itemID: question.id, index: index, payload: TokenPayload.encode(text))
    }

    /// Token ids of the 32 characters: digits start at 3.
    private func tokens(_ answer: String) -> [Int32] { answer.utf8.map { Int32($0) - 48 + 3 } }

    private func score(_ text: [Int32], to question: Question, _ judge: RLVRJudge) throws -> Double {
        let item = PublicItem(id: question.id, topic: question.topic, payload: Array(question.prompt.utf8))
        let batch = PublicBatch(round: 0, step: 2, items: [item], responsesPerItem: 1)
        return try judge.score(response(text, to: question), to: item, in: batch)
    }

    @Test("the whole answer with its end of sequence scores 1, anything else 0")
    func scores() throws {
        let judge = try makeJudge()
        let question = try #require(try questions().first { $0.answer.count == 2 })
        let right = tokens(question.answer)

        #expect(try score(right + [2], to: question, judge) == 1)
        #expect(try score(right, to: question, judge) == 0)
        #expect(try score([right[0], 2], to: question, judge) == 0)
        #expect(try score([right[0], 0, right[1], 2], to: question, judge) == 0)
        #expect(try score([right[0], right[1], 1, 2], to: question, judge) == 0)
        #expect(try score([2], to: question, judge) == 0)
        #expect(judge.acceptedScore == 1)
    }

    @Test("what no honest client sends is refused with its reason")
    func faults() throws {
        let judge = try makeJudge()
        let question = try questions()[0]
        let id = question.id

        #expect(throws: ResponseFault.tooLong(item: id, index: 0, length: 5, limit: 4)) {
            try score([3, 3, 3, 3, 2], to: question, judge)
        }
        #expect(
            throws: ResponseFault.malformed(
                item: id,
                index: 0,
                reason: "it goes on after its end of sequence"
            )
        ) {
            try score([3, 2, 3], to: question, judge)
        }
        #expect(
            throws: ResponseFault.malformed(
                item: id,
                index: 0,
                reason: "token id 32 at position 0 is not in the vocabulary"
            )
        ) {
            try score([32], to: question, judge)
        }
        #expect(throws: ResponseFault.malformed(item: id, index: 0, reason: "it has no token")) {
            try score([], to: question, judge)
        }
    }

    @Test("an epoch of batches asks every public question once, across rounds")
    func batches() throws {
        let judge = try makeJudge()
        let places = [(0, 2), (0, 5), (1, 2), (1, 5)]

        let asked = try places.flatMap { try judge.batch(round: $0.0, step: $0.1).items.map(\.id) }

        #expect(asked.sorted() == (try questions().map(\.id).sorted()))
    }

    @Test("a batch holds prompts and no answers")
    func noAnswers() throws {
        let batch = try makeJudge().batch(round: 0, step: 2)
        let byID = Dictionary(uniqueKeysWithValues: try questions().map { ($0.id, $0) })

        for item in batch.items {
            #expect(String(decoding: item.payload, as: UTF8.self) == byID[item.id]?.prompt)
            #expect(item.id == byID[item.id]?.prompt)
        }
    }

    @Test("expected pass@1 is what many samples come to, for every topic")
    func expectedAgainstSampled() throws {
        let adapter = try makeJudge().initialAdapter()
        let expected = try makeJudge(#""evaluation": {"itemsPerTopic": 8}"#).evaluate(adapter, round: 0)
        let sampled = try makeJudge(
            #""evaluation": {"itemsPerTopic": 8, "method": "sampled", "samples": 200}"#
        ).evaluate(adapter, round: 0)

        for (one, other) in zip(expected.slices, sampled.slices) {
            // 1600 samples: a standard error of at most 0.0125.
            #expect(abs(one.value - other.value) < 0.05)
            #expect(one.metrics == other.metrics)
            #expect(one.items == 8)
        }
        #expect(expected.value > 0.02)
    }

    @Test("an evaluation without greedy answers says so")
    func noGreedy() throws {
        let judge = try makeJudge(#""evaluation": {"greedy": false}"#)

        #expect(try judge.evaluate(judge.initialAdapter(), round: 0).metrics["greedyAccuracy"] == nil)
    }

    @Test("too few public questions for a batch are refused before the first round")
    func tooFew() throws {
        let fault = #expect(throws: SettingsFault.self) {
            try RLVRJudge(
                settings: RLVRSettings(json: Array(#"{"publicPromptsPerStep": 33, "maxTokens": 4}"#.utf8)),
                context: SharedModel.get().coordinator(schedule: SharedModel.schedule)
            )
        }

        #expect(fault?.key == "publicPromptsPerStep")
    }

    @Test("a question outside of the vocabulary or too long is refused by its id")
    func badQuestions() throws {
        let model = try SharedModel.get()
        let settings = try RLVRSettings(json: SharedModel.settings(#""promptsPerStep": 8"#))
        func fault(_ prompt: String) throws -> QuestionFault? {
            let odd = Question(id: "odd", topic: "t", prompt: prompt, answer: "1", kind: .exact)
            let context = try model.client("a", index: 0, questions: [odd])
            return #expect(throws: QuestionFault.self) {
                try RLVRTrainer(settings: settings, context: context)
            }
        }

        #expect(
            try fault("?")?.description
                == "private question 'odd': the model's vocabulary cannot express '?' (U+003F) of the prompt"
        )
        #expect(try fault(String(repeating: "1", count: 64))?.id == "odd")
    }
}
