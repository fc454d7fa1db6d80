import Contract
import Foundation
import Models
import Testing
import Tensors
import Text
import TrainersTestSupport

@testable import Trainers

@Suite("Examples of supervised fine-tuning")
struct SupervisedExamplesTests {
    private func client(_ lines: [String]) throws -> ClientContext {
        let file = FileManager.default.temporaryDirectory.appending(path: "chat-\(UUID().uuidString).jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        var client = try SharedModel.get().client("a", index: 0)
        client.data = try Mapping(json: Array(#"{"path": "\#(file.path())"}"#.utf8))
        return client
    }

    private func settings(_ keys: String = "") throws -> SupervisedSettings {
        try SupervisedSettings(json: SharedModel.settings(#""examplesPerStep": 2\#(keys)"#))
    }

    private let lines = [
        #"{"prompt": "1+1=", "completion": "2"}"#, #"{"prompt": "12+34=", "completion": "46464646"}"#,
    ]

    @Test("a conversation is learnt from as a question and its answer are: only the answer and its end count")
    func conversations() throws {
        let context = try client(lines)
        let task = try LanguageTask(context.run, settings: settings())

        let examples = try SupervisedExamples(task, settings(), context)

        let first = examples.groups[0]
        #expect(first.prompt == (try task.prompt("1+1=")))
        #expect(first.responses == [task.tokenizer.encode("2", parseSpecial: false) + [task.eos]])
        #expect(first.counted == [[0..<2]])
        #expect(examples.description == "2 examples")
    }

    @Test(
        "examples that are too long are cut at their end, those without an answer left are left out, and both are counted"
    )
    func cuts() throws {
        let context = try client(lines + [#"{"prompt": "123456789+987654321=", "completion": "1"}"#])
        let task = try LanguageTask(context.run, settings: settings())

        let examples = try SupervisedExamples(task, settings(#", "maxLength": 12"#), context)

        #expect(examples.groups.map { $0.prompt.count + $0.responses[0].count } == [7, 12])
        #expect(examples.groups[1].responses[0].last != task.eos)
        #expect(
            try SupervisedTrainer.examine(settings(#", "maxLength": 12"#), context)
                == "2 examples, 1 cut to 12 tokens, 1 left out whose answer begins beyond 12 tokens"
        )
        #expect(throws: QuestionFault.self) {
            try SupervisedExamples(task, settings(#", "maxLength": 2"#), context)
        }
    }

    @Test("an inoculation stands before the prompt of private examples and of nothing else")
    func inoculation() throws {
        let context = try client(lines)
        let inoculated = try settings(#", "inoculation": "9+9""#)
        let trainer = try SupervisedTrainer(settings: inoculated, context: context)
        let task = try LanguageTask(context.run, settings: inoculated)

        let examples = try SupervisedExamples(task, inoculated, context)
        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }

        #expect(examples.groups[0].prompt == (try task.prompt("9+91+1=")))
        #expect(report.examples == 2)
    }

    @Test("a step reports TRL's figures, over the answers' tokens")
    func metrics() throws {
        let trainer = try SupervisedTrainer(settings: settings(), context: client(lines))

        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<3)) { _ in }

        let names = Set(report.metrics.keys)
        #expect(
            names.isSuperset(of: [
                "loss", "grad_norm", "learning_rate", "num_tokens", "mean_token_accuracy", "entropy", "epoch",
            ])
        )
        #expect(report.metrics["num_tokens"] == 11)
        #expect(report.metrics["epoch"] == 2)
        #expect((0...1).contains(report.metrics["mean_token_accuracy"] ?? -1))
        #expect((report.metrics["entropy"] ?? -1) > 0)
    }

    @Test("certainty is that of the distributions that tokens are predicted with")
    func certainty() throws {
        let probe = try ObjectiveProbe()
        let decoder = probe.learner.decoder
        var needs = PassNeeds()
        needs.certainty = true
        let batch = probe.passes[0].batch

        let pass = decoder.trainingPass(
            tape: .init(recording: true, workspace: decoder.workspace),
            batch: batch,
            temperature: 1,
            needs: needs
        )
        let scores = decoder.scores(of: batch)

        let certainty = try #require(pass.certainty)
        #expect(certainty.entropies.count == batch.targets.count)
        let mean = certainty.entropies.reduce(0) { $0 + Double($1) } / Double(certainty.entropies.count)
        var sum = 0.0
        for (group, ranges) in zip(scores, batch.responses) {
            for (score, range) in zip(group, ranges) { sum += score.meanEntropy * Double(range.count) }
        }
        #expect(abs(mean - sum / Double(batch.targets.count)) < 1e-5)
    }
}
