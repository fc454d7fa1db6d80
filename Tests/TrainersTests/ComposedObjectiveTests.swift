import Contract
import Models
import Testing
import TrainersTestSupport

@testable import Trainers

/// A term that sees everything a term can ask for: half the mean square by which the residual stream after the first
/// block has moved from the base's, and the mean difference of log-probabilities.
private struct EverythingTerm: ObjectiveTerm {
    var needs: PassNeeds {
        var needs = PassNeeds()
        needs.layers = [0, 1]
        needs.baseLayers = [1]
        needs.base = true
        return needs
    }

    func evaluate(_ pass: ForwardPass) -> ObjectiveValue {
        guard let base = pass.base, let hidden = pass.hidden[1], let still = base.hidden[1],
            pass.hidden[0]?.count == hidden.count
        else { return .zero(count: pass.logProbs.count) }
        let moved = zip(hidden, still).map { $0 - $1 }
        let count = Float(pass.batchTokens)
        let distance = moved.reduce(0.0) { $0 + Double($1 * $1) } / 2
        let shift = zip(pass.logProbs, base.logProbs).reduce(0.0) { $0 + Double($1.0 - $1.1) }
        var value = ObjectiveValue(
            loss: (distance + shift) / Double(count),
            gradient: pass.logProbs.map { _ in 1 / count }
        )
        value.hidden = [1: moved.map { $0 / count }]
        return value
    }
}

@Suite("Objectives that a topology composes")
struct ComposedObjectiveTests {
    @Test("the divergence from the base has the gradient of its value, through two passes")
    func klToBase() throws {
        let probe = try ObjectiveProbe([
            Component("klToBase", try Mapping(json: Array(#"{"weight": 2}"#.utf8)))
        ])

        try probe.expectGradients()
    }

    @Test("a term that sees hidden states and the base's pass pulls through both")
    func everything() throws {
        try ObjectiveProbe().expectGradients([EverythingTerm()])
    }

    @Test("the divergence holds a supervised learner near its base, and is zero before the first step")
    func holds() throws {
        func drift(_ objectives: [Component]) throws -> (first: StepReport, last: StepReport, norm: Double) {
            let settings = try SupervisedSettings(json: SharedModel.settings(#""examplesPerStep": 8"#))
            var client = try SharedModel.get().client("a", index: 0)
            client.run.objectives = objectives
            let trainer = try SupervisedTrainer(settings: settings, context: client)
            let start = trainer.adapter
            let first = try trainer.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }
            let last = try trainer.adapt(StepPlan(round: 0, steps: 1..<20)) { _ in }
            return (first, last, trainer.adapter.subtracting(start).norm)
        }
        let plain = try drift([])
        let held = try drift([Component("klToBase", try Mapping(json: Array(#"{"weight": 5}"#.utf8)))])

        #expect(plain.first.metrics["objective/klToBase"] == nil)
        #expect(abs(held.first.metrics["objective/klToBase"] ?? 1) < 1e-6)
        #expect((held.last.metrics["objective/klToBase"] ?? 0) > 1e-6)
        #expect(held.norm < plain.norm)
    }

    @Test(
        "an objective that there is not, and one that is set wrongly, are refused",
        arguments: [
            ("kl", "{}", "found the objective 'kl', expected one of "),
            ("klToBase", #"{"weight": 0}"#, "found 0.0"),
        ]
    )
    func refused(name: String, settings: String, says: String) throws {
        let run = try ObjectiveProbe.run([Component(name, try Mapping(json: Array(settings.utf8)))])

        let error = #expect(throws: ConfigurationError.self) { try SharedModel.entry("sft").check(run) }
        #expect(error?.description.contains(says) == true)
    }

    @Test("members with different objectives have different fingerprints")
    func fingerprint() throws {
        let entry = try SharedModel.entry("rlvr")
        let weights = ["0.1", "0.2"].map { #"{"weight": \#($0)}"# }

        let parts = try weights.map { settings in
            try entry.fingerprint(
                ObjectiveProbe.run([Component("klToBase", try Mapping(json: Array(settings.utf8)))])
            )
        }

        #expect(parts[0].map(\.name) == parts[1].map(\.name))
        #expect(zip(parts[0], parts[1]).filter { $0 != $1 }.map(\.0.name) == ["objectives.klToBase"])
    }
}
