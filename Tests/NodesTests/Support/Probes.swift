import Contract
import TrainersTestSupport

/// What tests add to the shipped registry: the toys, and a guard and a monitor that can be told what to do.
enum Probes {
    static let registry = Registry(
        trainers: [
            ToyTrainers.vector, ToyTrainers.action,
            TrainerEntry(DistantTrainer.self, judge: VectorJudge.self),
        ],
        monitors: [MonitorEntry(LengthMonitor.self)],
        guards: [GuardEntry(StubbornGuard.self)]
    )
}

/// Objects to the rounds it is told to.
private struct StubbornGuard: RoundGuard {
    struct Settings: TrainerSettings {
        var rounds: [Int] = []
        var fails = false
    }
    struct Failure: Error {}

    static let name = "stubborn"
    let settings: Settings

    init(settings: Settings, context: CoordinatorContext) { self.settings = settings }

    func objection(to candidate: RoundCandidate) throws -> String? {
        guard settings.rounds.contains(candidate.round) else { return nil }
        if settings.fails { throw Failure() }
        return "not round \(candidate.round)"
    }
}

/// Reports how long the adapter is as a vector.
private struct LengthMonitor: RoundMonitor {
    struct Settings: TrainerSettings {
        var factor = 1.0
    }

    static let name = "length"
    let settings: Settings

    init(settings: Settings, context: CoordinatorContext) { self.settings = settings }

    func observe(_ adapter: AdapterWeights, round: Int) -> MonitorReport {
        MonitorReport(
            metrics: ["length": settings.factor * adapter.norm],
            figures: []
        )
    }
}
