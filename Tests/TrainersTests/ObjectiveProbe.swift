import Contract
import Models
import Randomness
import Tensors
import Testing
import TrainersTestSupport

@testable import Trainers

/// A learner whose steps move nothing that float32 could tell, with factors B that are not zero, and two passes to learn
/// from.
struct ObjectiveProbe {
    let learner: LanguageLearner
    let task: LanguageTask
    let groups: [LearningGroup]
    let passes: [LearningPass]

    /// A run of the small model with objectives.
    static func run(_ objectives: [Component]) throws -> RunContext {
        var run = try SharedModel.get().run(clients: ["a", "b"])
        run.objectives = objectives
        return run
    }

    /// - Parameter embedded: Another base than the small model, which has one block.
    init(_ objectives: [Component] = [], tokensPerPass: Int = 12, embedded: String? = nil) throws {
        var run = try Self.run(objectives)
        if let embedded { run.model = try Mapping(json: Array(#"{"embedded": "\#(embedded)"}"#.utf8)) }
        var settings = SupervisedSettings()
        settings.maxTokens = 4
        settings.tokensPerPass = tokensPerPass
        settings.optimiser.learningRate = 1e-30
        settings.optimiser.clipNorm = 0
        let task = try LanguageTask(run, settings: settings)
        learner = try LanguageLearner(task: task, run: run, settings: settings)
        var stream = RandomStream(seed: 5, "factors")
        for parameter in learner.adapter.parameters {
            for index in parameter.values.indices {
                parameter.values[index] = Float(stream.uniform() - 0.5) / 2
            }
        }
        self.task = task
        groups = try ["1+1=", "max 12="].map { text in
            LearningGroup(prompt: try task.prompt(text), responses: [[3, 4, task.eos], [5, task.eos]])
        }
        passes = learner.passes(groups)
    }

    /// The objective's value.
    func loss(_ terms: [any ObjectiveTerm]) throws -> Double {
        try learner.step(passes, temperature: 0.8, terms: terms).loss
    }

    /// The gradient of each factor, in the order of `learner.adapter.parameters`.
    func gradients(_ terms: [any ObjectiveTerm]) throws -> [[Float]] {
        _ = try loss(terms)
        return learner.adapter.parameters.map {
            Array($0.gradient ?? UnsafeMutableBufferPointer(start: nil, count: 0))
        }
    }

    /// Compares the gradients of an objective with differences of its value, at some places of each factor.
    func expectGradients(_ terms: [any ObjectiveTerm] = []) throws {
        let gradients = try gradients(terms)
        #expect(passes.count == 2)
        let largest = gradients.joined().reduce(0) { max($0, abs($1)) }
        #expect(largest > 1e-3)
        for (parameter, gradient) in zip(learner.adapter.parameters, gradients) {
            for index in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 5)) {
                let value = parameter.values[index]
                func difference(_ step: Float) throws -> Double {
                    parameter.values[index] = value + step
                    let (above, up) = (try loss(terms), Double(parameter.values[index]))
                    parameter.values[index] = value - step
                    let (below, down) = (try loss(terms), Double(parameter.values[index]))
                    parameter.values[index] = value
                    return (above - below) / (up - down)
                }
                let numeric = (4 * (try difference(0x1p-7)) - (try difference(0x1p-6))) / 3
                #expect(
                    abs(numeric - Double(gradient[index])) < 3e-3 * Double(largest),
                    "\(numeric), \(gradient[index])"
                )
            }
        }
    }
}
