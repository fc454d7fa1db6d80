/// Watches every merged adapter of a run and reports; it decides nothing.
///
/// A monitor of one's own is one folder and one line of a registry, as a trainer is. It runs at the coordinator,
/// beside the judge's evaluation.
public protocol RoundMonitor: SendableMetatype {
    /// The monitor's settings: the mapping behind its name in `monitors`.
    associatedtype Settings: TrainerSettings

    /// The word that names the monitor in a topology file.
    static var name: String { get }

    /// Prepares to watch.
    ///
    /// - Throws: `ConfigurationError`, `SettingsFault`, or what loading a model or data throws.
    init(settings: Settings, context: CoordinatorContext) throws

    /// Looks at an adapter.
    ///
    /// What this throws, and a report that is not finite, is logged and left out; the run goes on.
    ///
    /// - Parameters:
    ///   - adapter: The adapter that a round ended with, or that round 0 starts from.
    ///   - round: The round that ended with it, from 0; -1 for the one that round 0 starts from.
    func observe(_ adapter: AdapterWeights, round: Int) throws -> MonitorReport
}

/// What a monitor saw.
public struct MonitorReport: Sendable, Equatable, Codable {
    /// Measurements by name.
    public var metrics: [String: Double]
    /// Figures for the report.
    public var figures: [Figure]

    /// Makes a report.
    public init(metrics: [String: Double], figures: [Figure] = []) {
        self.metrics = metrics
        self.figures = figures
    }

    /// What is not finite in it, by name; nil if all is.
    package var notFinite: String? { metrics.notFinite ?? figures.notFinite }
}

/// A merged adapter before it is taken.
public struct RoundCandidate: Sendable {
    /// The round, from 0.
    public var round: Int
    /// The merged adapter, without local parts.
    public var adapter: AdapterWeights
    /// What it achieves.
    public var evaluation: Evaluation
    /// What the adapter achieves that goes on if this one is not taken; nil if it was never evaluated.
    public var previous: Evaluation?
    /// Whose updates are in it, in ascending order.
    public var clients: [String]

    /// Gathers what is known of a round's result.
    public init(
        round: Int,
        adapter: AdapterWeights,
        evaluation: Evaluation,
        previous: Evaluation?,
        clients: [String]
    ) {
        self.round = round
        self.adapter = adapter
        self.evaluation = evaluation
        self.previous = previous
        self.clients = clients
    }
}

/// May refuse to take a round: the previous adapter then goes on, and the members in the round are named.
///
/// A guard of one's own is one folder and one line of a registry. It runs at the coordinator, after the judge's
/// evaluation. Its answer must depend on the candidate alone: after a crash it is asked again.
public protocol RoundGuard: SendableMetatype {
    /// The guard's settings: the mapping behind its name in `guards`.
    associatedtype Settings: TrainerSettings

    /// The word that names the guard in a topology file.
    static var name: String { get }

    /// Prepares to judge rounds.
    ///
    /// - Throws: `ConfigurationError`, `SettingsFault`, or what loading a model or data throws.
    init(settings: Settings, context: CoordinatorContext) throws

    /// Why a round must not be taken; nil if it may.
    func objection(to candidate: RoundCandidate) throws -> String?
}
