import Models
import Tasks
import Tensors
import Testing

@testable import Trainers

@Suite("Learning a policy")
struct PolicyLearnerTests {
    private func learner(threads: Int, sees: Bool = false) throws -> PolicyLearner {
        var dynamics = EpidemicDynamics(transmission: 0.5, recovery: 0.2, efficacy: 1, ramp: 2, cost: 0.06)
        dynamics.horizon = 8
        var words = GraphPolicySettings()
        (words.model.width, words.model.heads, words.model.inner) = (8, 2, 8)
        words.model.seesCircumstances = sees
        let dear = try dynamics.under(Circumstances(["cost": 0.3]))
        var settings = LearningSettings()
        (settings.episodes, settings.warmUp) = (6, 0)
        return PolicyLearner(
            try GraphPolicy(words, coding: StateCoding(dynamics, words.model), seed: 5),
            pool: try (0..<3).map {
                try NetworkView(
                    try NetworkFamily.erdosRenyi(meanDegree: 4).network(nodes: 70, seed: 1, index: $0),
                    $0 == 2 ? dear : dynamics
                )
            },
            settings: settings,
            seed: 5,
            name: "test",
            threads: threads
        )
    }

    @Test("what is learnt does not depend on the number of threads")
    func threads() throws {
        let (one, three) = (try learner(threads: 1), try learner(threads: 3))

        for iteration in 0..<2 {
            #expect(one.iterate(iteration) == three.iterate(iteration))
        }

        #expect(one.policy.snapshot == three.policy.snapshot)
        #expect(one.optimiserStates == three.optimiserStates)
    }

    @Test(
        "a policy tells circumstances apart where it sees them, and nowhere else",
        arguments: [false, true]
    )
    func sees(sees: Bool) throws {
        let learner = try learner(threads: 1, sees: sees)
        _ = learner.iterate(0)
        let (usual, network) = (learner.pool[0].dynamics, learner.pool[0].network)
        func logits(_ dynamics: any NetworkDynamics) throws -> [Float] {
            let view = try NetworkView(network, dynamics)
            return learner.policy.logits([CodedState(view: view, state: NodeStates(nodes: 70), time: 0)])
        }

        let differs = try logits(usual) != logits(usual.under(Circumstances(["cost": 0.3])))

        #expect(differs == sees)
    }
}
