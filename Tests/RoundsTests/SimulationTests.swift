import Digest
import Foundation
import Randomness
import Testing
import Wire

@testable import Rounds

@Suite("Simulated federations")
struct SimulationTests {
    /// `TRIBUTARY_SIMULATION_SEED` replays one seed, `TRIBUTARY_SIMULATION_RUNS` says how many to run.
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["TRIBUTARY_SIMULATION_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return Array(0..<(environment["TRIBUTARY_SIMULATION_RUNS"].flatMap { UInt64($0) } ?? 150))
    }()

    private static let patient = PhaseDeadlines(
        startMs: 1_000_000_000,
        publicStepMs: 1_000_000_000,
        updateMs: 1_000_000_000
    )

    private func plan(clients: Int, rounds: Int, steps: Int, q: Int, quorum: Int, _ deadlines: PhaseDeadlines)
        -> RunPlan
    {
        RunPlan.test(
            clients: ["alpha", "beta", "gamma", "delta", "epsilon"].prefix(clients).map { $0 },
            rounds: rounds,
            steps: steps,
            localPerPublic: q,
            quorum: quorum,
            deadlines: deadlines,
            heartbeatMs: 1_000,
            idleMs: 5_000,
            lingerMs: 60_000
        )
    }

    /// Crashes and broken connections at random times.
    private func addFaults(_ count: Int, within milliseconds: Int, to simulation: inout Simulation) {
        for _ in 0..<count {
            let when = simulation.delay(milliseconds)
            switch simulation.random.below(5) {
            case 0: simulation.schedule(.crashCoordinator, after: when)
            case 1, 2:
                let index = simulation.random.below(simulation.clients.count)
                simulation.schedule(.crashClient(index), after: when)
            default: simulation.schedule(.cut, after: when)
            }
        }
    }

    private func expectSuccess(_ simulation: Simulation, _ label: String) {
        let vetoed = (0..<simulation.plan.rounds).filter { simulation.isVetoed($0) }
        #expect(simulation.checks.vetoed == vetoed, "\(label)")
        for round in 0..<simulation.plan.rounds {
            let adapters = simulation.coordinator.adapters
            #expect((adapters[round + 1] == adapters[round]) == vetoed.contains(round), "\(label): \(round)")
        }
        #expect(simulation.checks.faults.isEmpty, "\(label): \(simulation.checks.faults.prefix(5))")
        #expect(simulation.coordinator.outcome == .completed, "\(label) at \(simulation.now) ms")
        for client in simulation.clients {
            guard case .completed(let finished) = client.outcome else {
                Issue.record("\(label): \(client.name) ended with \(String(describing: client.outcome))")
                continue
            }
            #expect(finished.rounds == simulation.plan.rounds)
            #expect(finished.adapter == simulation.coordinator.adapters[simulation.plan.rounds])
            #expect(client.result == finished.adapter)
        }
    }

    @Test("whatever crashes and breaks, the run ends with the same adapter", arguments: seeds)
    func sameAdapter(_ seed: UInt64) {
        var shape = RandomStream(seed: seed, "shape")
        let clients = 1 + shape.below(5)
        let plan = plan(
            clients: clients,
            rounds: 1 + shape.below(4),
            steps: 1 + shape.below(7),
            q: shape.below(4),
            quorum: 1 + shape.below(clients),
            Self.patient
        )
        let vetoes = (chance: [0, 30, 60, 100][shape.below(4)], seed: seed)
        var calm = Simulation(plan: plan, seed: 1)
        calm.vetoes = vetoes
        calm.run()
        expectSuccess(calm, "calm, seed \(seed)")

        var rough = Simulation(plan: plan, seed: seed)
        rough.vetoes = vetoes
        rough.crashChance = 5_000
        addFaults(25, within: 40_000, to: &rough)
        rough.run()

        expectSuccess(rough, "seed \(seed)")
        #expect(rough.coordinator.adapters == calm.coordinator.adapters, "seed \(seed)")
        #expect(rough.checks.skippedSteps == 0 && rough.checks.lateUpdates == 0, "seed \(seed)")
    }

    @Test(
        "with stragglers and short deadlines every accepted update counts once and all finish",
        arguments: seeds
    )
    func stragglers(_ seed: UInt64) {
        var shape = RandomStream(seed: seed, "straggler shape")
        let clients = 2 + shape.below(4)
        let deadlines = PhaseDeadlines(
            startMs: 2_000,
            publicStepMs: 300 + Int64(shape.below(2_000)),
            updateMs: 300 + Int64(shape.below(2_000))
        )
        let plan = plan(
            clients: clients,
            rounds: 2 + shape.below(4),
            steps: 2 + shape.below(6),
            q: 1 + shape.below(3),
            quorum: 1 + shape.below(clients - 1),
            deadlines
        )
        let slowness = (0..<clients).map { _ in shape.below(3) == 0 ? 10 : 1 }
        var simulation = Simulation(plan: plan, seed: seed, slowness: slowness)
        simulation.crashChance = 1_000
        simulation.vetoes = (chance: 25, seed: seed)
        addFaults(30, within: 60_000, to: &simulation)

        simulation.run()

        expectSuccess(simulation, "seed \(seed)")
    }

    @Test("stragglers do miss steps and rounds in these simulations")
    func stragglersAreExercised() {
        var skipped = 0
        var late = 0
        for seed in UInt64(0)..<12 {
            let plan = plan(
                clients: 3,
                rounds: 3,
                steps: 6,
                q: 2,
                quorum: 2,
                PhaseDeadlines(startMs: 2_000, publicStepMs: 400, updateMs: 400)
            )
            var simulation = Simulation(plan: plan, seed: seed, slowness: [1, 1, 8])
            simulation.run()
            expectSuccess(simulation, "seed \(seed)")
            skipped += simulation.checks.skippedSteps
            late += simulation.checks.lateUpdates
        }
        #expect(skipped > 10)
        #expect(late > 5)
    }

    @Test("the faults of these simulations do happen")
    func faultsAreExercised() {
        var crashes = 0
        var vetoes = 0
        var cuts = 0
        for seed in UInt64(0)..<12 {
            let plan = plan(clients: 3, rounds: 4, steps: 6, q: 2, quorum: 2, Self.patient)
            var simulation = Simulation(plan: plan, seed: seed)
            simulation.crashChance = 2_000
            simulation.vetoes = (chance: 30, seed: seed)
            addFaults(25, within: 20_000, to: &simulation)
            simulation.run()
            expectSuccess(simulation, "seed \(seed)")
            crashes += simulation.coordinator.epoch + simulation.clients.reduce(0) { $0 + $1.epoch }
            vetoes += simulation.checks.vetoed.count
            cuts += simulation.wires.values.count { $0.isCut }
        }
        #expect(crashes > 60)
        #expect((5...40).contains(vetoes))
        #expect(cuts > 100)
    }

    @Test("the same seed replays the same run")
    func replays() {
        func run() -> Simulation {
            let plan = plan(
                clients: 4,
                rounds: 3,
                steps: 5,
                q: 1,
                quorum: 2,
                PhaseDeadlines(startMs: 2_000, publicStepMs: 500, updateMs: 500)
            )
            var simulation = Simulation(plan: plan, seed: 3, slowness: [1, 5, 1, 1])
            simulation.crashChance = 2_000
            simulation.vetoes = (chance: 50, seed: 3)
            addFaults(20, within: 20_000, to: &simulation)
            simulation.run()
            return simulation
        }

        let first = run()
        let second = run()

        #expect(first.coordinator.facts == second.coordinator.facts)
        #expect(first.now == second.now && first.eventCount == second.eventCount)
    }
}
