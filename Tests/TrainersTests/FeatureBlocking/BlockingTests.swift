import Contract
import Models
import Randomness
import Tensors
import Testing
import TrainersTestSupport

@testable import Trainers

/// Latents that no autoencoder found: random rows with biases that leave about half of them on.
func someLatents(layer: Int = 1, width: Int, count: Int = 6) -> LatentRows {
    var stream = RandomStream(seed: 8, "latents")
    func numbers(_ count: Int, _ size: Double) -> [Float] {
        (0..<count).map { _ in Float((stream.uniform() - 0.5) * size) }
    }
    return LatentRows(
        layer: layer,
        width: width,
        indices: Array(0..<count),
        signs: (0..<count).map { $0 % 2 == 0 ? 1 : -1 },
        encoder: numbers(count * width, 1),
        bias: numbers(count, 0.2),
        decoder: numbers(count * width, 1)
    )
}

@Suite("The blocking penalty")
struct BlockingTests {
    private func latents(_ probe: ObjectiveProbe, layer: Int = 1) -> LatentRows {
        someLatents(layer: layer, width: probe.task.base.configuration.hiddenSize)
    }

    @Test(
        "has the gradient of its value, read before and after the ReLU, one-sided and two-sided",
        arguments: [(LatentReading.preActivation, false), (.activation, false), (.preActivation, true)]
    )
    func gradients(reading: LatentReading, isTwoSided: Bool) throws {
        let probe = try ObjectiveProbe()

        try probe.expectGradients([
            FeatureBlockTerm(latents(probe), weight: 0.7, reading: reading, isTwoSided: isTwoSided)
        ])
    }

    @Test("is zero for a fresh adapter, whose factor B is zero")
    func startsAtZero() throws {
        let run = try ObjectiveProbe.run([])
        let task = try LanguageTask(run, settings: SupervisedSettings())
        let tuning = try FineTuning(task.base, adapter: task.adapter, optimiser: OptimiserSettings(), seed: 1)
        let rows = someLatents(width: task.base.configuration.hiddenSize)
        tuning.terms = [FeatureBlockTerm(rows, weight: 10, reading: .preActivation)]

        let group = LearningGroup(prompt: try task.prompt("1+1="), responses: [[5, task.eos]])
        let first = try tuning.train(on: [group], batch: 1, steps: 0..<1)

        #expect(first["blocking/penalty/layer1"] == 0)
        #expect(first["loss"] == first["loss/answers"])
    }

    @Test(
        "costs nothing in the safe direction: the penalties of a set and of its flipped set add up to the two-sided one"
    )
    func safeDirection() throws {
        let probe = try ObjectiveProbe()
        let rows = latents(probe)
        func value(_ rows: LatentRows, isTwoSided: Bool = false) throws -> Double {
            try probe.loss([
                FeatureBlockTerm(rows, weight: 1, reading: .preActivation, isTwoSided: isTwoSided)
            ])
        }

        let (own, other) = (try value(rows), try value(rows.flipped))

        #expect(own > 0 && other > 0 && own != other)
        #expect(abs(own + other - (try value(rows, isTwoSided: true))) < 1e-6 * (own + other))
        let one = rows.picking([0])
        let up = try value(one)
        #expect(abs(up + (try value(one.flipped)) - (try value(one, isTwoSided: true))) < 1e-6)
    }

    @Test("is the same however the batch is cut into passes")
    func microBatches() throws {
        let (cut, whole) = (try ObjectiveProbe(), try ObjectiveProbe(tokensPerPass: 1000))
        #expect(cut.passes.count == 2 && whole.passes.count == 1)
        let term = FeatureBlockTerm(latents(cut), weight: 0.7, reading: .activation)

        let (first, second) = (try cut.loss([term]), try whole.loss([term]))
        #expect(abs(first - second) < 1e-6 * first)
        for (one, other) in zip(try cut.gradients([term]), try whole.gradients([term])) {
            for (a, b) in zip(one, other) { #expect(abs(a - b) < 1e-6) }
        }
    }

    @Test("pulls at no factor above its layer, so that the gradient there is the task's alone, to the bit")
    func nothingAbove() throws {
        let probe = try ObjectiveProbe(embedded: "tiny-arithmetic")
        #expect(probe.task.base.configuration.layerCount == 2)
        let term = FeatureBlockTerm(latents(probe), weight: 3, reading: .preActivation)

        let penalty = try probe.gradients([term])
        let task = try probe.gradients([SupervisedTerm()])
        let both = try probe.gradients([SupervisedTerm(), term])

        for (index, array) in probe.learner.adapter.weights.arrays.enumerated() {
            if array.name.contains(".layers.0.") {
                #expect(penalty[index].contains { $0 != 0 })
                #expect(task[index] != both[index])
            } else {
                #expect(penalty[index].allSatisfy { $0 == 0 }, "\(array.name)")
                #expect(task[index] == both[index], "\(array.name)")
            }
        }
    }

    @Test("reads the base's states with the adapter off, from a pass that ends at its layer")
    func baseStates() throws {
        let probe = try ObjectiveProbe()
        var needs = PassNeeds()
        needs.baseLayers = [1]
        let batch = probe.passes[0].batch

        let early = probe.learner.decoder.basePass(batch: batch, temperature: 1, needs: needs)
        needs.base = true
        let whole = probe.learner.decoder.basePass(batch: batch, temperature: 1, needs: needs)
        let bare = LanguageDecoder(probe.task.base).states(of: batch, layer: 1)

        #expect(early.logProbs.isEmpty && !whole.logProbs.isEmpty)
        #expect(early.hidden[1] == bare)
        #expect(whole.hidden[1] == bare)
    }

    @Test("holds latents while the task is learnt: less penalty, and the answers still come")
    func holds() throws {
        let run = try ObjectiveProbe.run([])
        let task = try LanguageTask(run, settings: SupervisedSettings())
        var optimiser = OptimiserSettings()
        optimiser.learningRate = 3e-3
        let rows = someLatents(width: task.base.configuration.hiddenSize)
        let groups = try ["1+1=", "2+2=", "3+1="].map {
            LearningGroup(prompt: try task.prompt($0), responses: [[9, task.eos]])
        }
        func penalty(_ weight: Double) throws -> (penalty: Double, loss: Double) {
            let tuning = try FineTuning(task.base, adapter: task.adapter, optimiser: optimiser, seed: 1)
            tuning.terms = [FeatureBlockTerm(rows, weight: weight, reading: .preActivation)]
            _ = try tuning.train(on: groups, batch: 3, steps: 0..<120)
            let last = try tuning.train(on: groups, batch: 3, steps: 120..<121)
            return (last["blocking/penalty/layer1"] ?? -1, last["loss/answers"] ?? -1)
        }

        let (free, held) = (try penalty(0), try penalty(30))
        #expect(free.penalty > 0)

        #expect(free.loss < 0.5 && held.loss < 0.5)
        #expect(held.penalty < 0.5 * free.penalty)
    }
}

@Suite("Rivals of blocking")
struct RivalTests {
    @Test("the divergence on prompts of its own has the gradient of its value, beside the task's")
    func klOnPrompts() throws {
        let probe = try ObjectiveProbe()
        let prompts = try ["2+3=", "min 45="].map { try probe.task.prompt($0) }
        let groups = KLOnPromptsTerm.answers(
            to: prompts,
            of: probe.task.base,
            maxTokens: 3,
            eos: probe.task.eos
        )
        #expect(groups.count == 2)

        try probe.expectGradients([
            SupervisedTerm(), KLOnPromptsTerm(groups, weight: 2, promptsPerStep: 2, seed: 1),
        ])
    }

    @Test("steering and projection while training have the gradients of what they make of the task")
    func edits() throws {
        let probe = try ObjectiveProbe()
        let rows = someLatents(width: probe.task.base.configuration.hiddenSize)

        try probe.expectGradients([SupervisedTerm(), TrainingEditTerm(steeringAlong: rows, length: 3)])
        try probe.expectGradients([SupervisedTerm(), TrainingEditTerm(projectingOut: rows)])
    }

    @Test("a projected state has no part along the directions, and keeps the rest")
    func projection() throws {
        let directions: [Float] = [3, 0, 0, 0, 1, 1, 0, 0, 4, 1, 0, 0]
        let basis = Boundaries.orthonormal(directions, width: 4)
        #expect(basis.rows == 2)
        let tape = Tape(recording: false)
        let state = Tensor(shape: [1, 4], values: [5, 6, 7, 8])

        let projected = Boundaries.projectingOut(basis, at: 2)(tape, 2, state).toArray()
        let elsewhere = Boundaries.projectingOut(basis, at: 2)(tape, 1, state).toArray()

        for (found, expected) in zip(projected, [0, 0, 7, 8] as [Float]) {
            #expect(abs(found - expected) < 1e-5)
        }
        #expect(elsewhere == [5, 6, 7, 8])
    }

    @Test("only the parts of a response that count are learnt from")
    func counted() throws {
        let probe = try ObjectiveProbe()
        let prompt = try probe.task.prompt("1+1=")
        let eos = probe.task.eos
        let parts = LearningGroup(prompt: prompt, responses: [[4, 5, 6, eos]], counted: [[0..<1, 3..<4]])
        let whole = LearningGroup(prompt: prompt, responses: [[4, 5, 6, eos]])

        let some = probe.learner.passes([parts])
        let all = probe.learner.passes([whole])
        let (few, many) = (
            probe.learner.logProbs(some, temperature: 1), probe.learner.logProbs(all, temperature: 1)
        )

        #expect(some[0].batch.targets == [4, eos] && some[0].lengths == [2])
        #expect(few == [many[0], many[3]])
    }
}
