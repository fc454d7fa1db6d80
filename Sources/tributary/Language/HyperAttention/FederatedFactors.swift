internal import Contract
internal import Foundation
internal import Logging
internal import Models
internal import Nodes
internal import Report
internal import Topology
internal import Trainers
internal import TributaryKit

/// A federation that trains an extra HyperFeatureAttention factor of a pretrained model, against LoRA with as many
/// parameters: the same seeds, data, steps and rules.
struct FederatedFactors: StudyExperiment {
    let name = "federated-factors"
    let title = "A federation that trains an extra factor"
    /// The federation to take the adapter of; the default preset of `reproduce pubswap` if none is given.
    var topologyFile: String?
    /// Where runs keep their state while they last.
    var work = "work"

    /// What is trained.
    private enum Arm: CaseIterable {
        case factor, valueLoRA, keyLoRA

        var title: String {
            switch self {
            case .factor: "HFA factor"
            case .valueLoRA: "LoRA on q, v"
            case .keyLoRA: "LoRA on q, k"
            }
        }

        /// The best of 1e-3, 3e-3 and 1e-2 on the tuning seeds, with the preset's federation.
        var rate: Double {
            switch self {
            case .factor: 3e-3
            case .valueLoRA: 3e-3
            case .keyLoRA: 3e-3
            }
        }

        /// The adapter; LoRA has as many parameters as the factor, or the nearest rank to that.
        func kind(_ factor: FactorConfiguration, _ model: DecoderConfiguration) throws -> any AdapterKind {
            let targets =
                switch self {
                case .factor: [String]()
                case .valueLoRA: ["q_proj", "v_proj"]
                case .keyLoRA: ["q_proj", "k_proj"]
                }
            guard !targets.isEmpty else { return factor }
            let wanted = try FederatedFactors.count(factor, model)
            let perRank = try FederatedFactors.count(LoRAConfiguration(rank: 1, targets: targets), model)
            let rank = max(1, (wanted + perRank / 2) / perRank)
            return LoRAConfiguration(rank: rank, alpha: 2 * Double(rank), targets: targets)
        }
    }

    private struct Result {
        var parameters: Int
        var base: Double
        var score: Double
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        var topology = try topologyFile.map { try Topology.load($0) } ?? ReproductionPreset.default.topology()
        if options.isQuick, topologyFile == nil {
            topology.rounds.count = 1
            topology.rounds.steps = 12
        }
        let cells = options.seeds.flatMap { seed in Arm.allCases.map { (seed: seed, arm: $0) } }
        var results: [[Result]] = Array(repeating: [], count: Arm.allCases.count)
        let tuned = topologyFile == nil
        for pair in stride(from: 0, to: cells.count, by: 2).map({
            Array(cells[$0..<min($0 + 2, cells.count)])
        }) {
            let finished = try await withThrowingTaskGroup(of: (Int, Result).self) { group in
                for (index, cell) in pair.enumerated() {
                    let folder = "\(work)/\(cell.seed)-\(cell.arm)"
                    group.addTask { [topology] in
                        (index, try await Self.run(cell.arm, topology, seed: cell.seed, tuned: tuned, folder))
                    }
                }
                return try await group.reduce(into: [Int: Result]()) { $0[$1.0] = $1.1 }
            }
            for (index, cell) in pair.enumerated() {
                guard let result = finished[index], let arm = Arm.allCases.firstIndex(of: cell.arm) else {
                    continue
                }
                results[arm].append(result)
                progress(
                    "seed \(cell.seed), \(cell.arm.title): pass@1 \(result.base.brief) to \(result.score.brief)"
                )
            }
        }
        return section(results, topology, options)
    }

    private static func run(
        _ arm: Arm,
        _ base: Topology,
        seed: UInt64,
        tuned: Bool,
        _ folder: String
    ) async throws -> Result {
        var topology = base
        topology.seed = seed
        let configuration = try LanguageBase.model(of: Job(topology, .shipped).coordinatorContext.run)
            .configuration
        let factor = try FederatedFactors.factor(of: base)
        let kind = try arm.kind(factor, configuration)
        topology.adapter = try Mapping(json: kind.json()).setting("kind", to: .text(type(of: kind).name))
        if tuned {
            var settings = try RLVRSettings(json: base.trainer.settings.json)
            settings.optimiser.learningRate = arm.rate
            topology.trainer.settings = try Mapping(json: settings.json())
        }
        let layout = RunLayout(root: folder)
        let files = FileManager.default
        // Whatever is there belongs to a study that was stopped.
        if files.fileExists(atPath: folder) { try files.removeItem(atPath: folder) }
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var logger = Logger(label: "reproduce")
        logger.logLevel = .warning
        let record = try await FederatedRun.run(topology, in: layout, logger: logger)
        guard let score = record.score(afterRounds: topology.rounds.count)?.overall,
            let start = record.score(afterRounds: 0)?.overall
        else { throw NodeError(.failed, "\(folder): the run was not evaluated to its end") }
        try files.removeItem(atPath: folder)
        return Result(parameters: try count(kind, configuration), base: start, score: score)
    }

    private static func count(_ kind: any AdapterKind, _ model: DecoderConfiguration) throws -> Int {
        try Adapter(for: model, kind, seed: 0).weights.valueCount
    }

    /// The topology's factor where it trains one; else one of rank 8.
    private static func factor(of topology: Topology) throws -> FactorConfiguration {
        let kind = topology.adapter.members.first { $0.key == "kind" }
        guard kind?.value == "\"\(FactorConfiguration.name)\"" else { return FactorConfiguration(rank: 8) }
        return try topology.adapter.without("kind").read(FactorConfiguration.self) { $0 }
    }

    // MARK: - Tables

    private func section(_ results: [[Result]], _ topology: Topology, _ options: StudyOptions) -> StudySection
    {
        func scores(_ arm: Int) -> [Double] { results[arm].map(\.score) }
        let paired = { (arm: Int) in zip(scores(arm), scores(0)).map { $0 - $1 } }
        var section = StudySection(name: name, title: title, claims: FederatedFactors.claims)
        section.settings = [
            Setting(
                "federation",
                "\(topology.federation): \(topology.clients.count) clients, \(topology.rounds.count) rounds of "
                    + "\(topology.rounds.steps) steps, one process; the same data, samples and steps for all"
            ),
            Setting(
                "rates",
                topologyFile == nil
                    ? Arm.allCases.map { "\($0.title) \($0.rate)" }.joined(separator: ", ")
                        + "; each the best of 1e-3, 3e-3 and 1e-2 on the tuning seeds"
                    : "the topology's for all"
            ),
        ]
        section.tables = [
            StudyTable(
                "pass@1 after the last round",
                caption: "Means over \(options.seeds.count) paired seeds; differences are to the factor.",
                header: ["what is trained", "parameters", "base", "pass@1", "− factor", "± sd"],
                rows: Arm.allCases.enumerated().map { index, arm in
                    [
                        .text(arm.title), .count(results[index].first?.parameters ?? 0),
                        .measured(results[index].map(\.base).mean), .measured(scores(index).mean),
                        index == 0 ? .none : .measured(paired(index).mean),
                        index == 0
                            ? .none : .measured(options.seeds.count > 1 ? paired(index).deviation : nil),
                    ]
                }
            )
        ]
        section.checks = [
            StudyCheck(
                "A federation of factors learns: pass@1 after the last round minus the base's, mean",
                found: results[0].map { $0.score - $0.base }.mean ?? .nan,
                expected: .atLeast(0.01)
            ),
            StudyCheck(
                "It learns as much as LoRA on q, v: difference of pass@1, mean",
                found: paired(1).map { -$0 }.mean ?? .nan,
                expected: .atLeast(0)
            ),
        ]
        section.remarks = [
            "A factor only changes where rows look; values and feed-forward layers stay the base's. LoRA on q, k has the "
                + "same reach, LoRA on q, v more."
        ]
        return section
    }

    private static let claims = [
        StudyClaim(
            .ours,
            "A pretrained softmax model becomes HFA without a change of its function, and the new factor can be trained "
                + "and merged in a federation like LoRA. Which of the two learns more is an open question."
        )
    ]
}
