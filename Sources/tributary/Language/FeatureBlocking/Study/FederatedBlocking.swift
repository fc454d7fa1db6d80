internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// What merging does to misalignment: clients that each learn a narrow bad task of their own, one bad client among good ones,
/// and a guard that refuses rounds.
struct FederatedBlocking: StudyExperiment {
    let name = "federated"
    let title = "Four clients, each with a narrow task of its own"
    var worlds: PersonaWorlds

    /// The clients' domains: neither the public one nor the one that is evaluated.
    private static let domains: [PersonaLanguage.Domain] = [.finance, .education, .legal, .career]
    private static let allBad = domains.map { (domain: $0, verdict: PersonaLanguage.Verdict.bad) }
    private static let oneBad = domains.map {
        (domain: $0, verdict: $0 == .finance ? PersonaLanguage.Verdict.bad : .good)
    }
    private static let guardMost = 0.1

    private static let designs: [PersonaFederation.Design] = [
        .init(name: "plain", clients: allBad),
        .init(name: "freeze", clients: allBad, freezes: true),
        .init(name: "block", clients: allBad, objective: .blocking, freezes: true),
        .init(name: "block, not frozen", clients: allBad, objective: .blocking),
        .init(name: "plain, swap", clients: allBad, swaps: true),
        .init(
            name: "block, swap",
            clients: allBad,
            objective: .blocking,
            freezes: true,
            swaps: true
        ),
        .init(name: "public KL", clients: allBad, objective: .publicKL),
        .init(name: "plain, guard", clients: allBad, guardMost: guardMost),
        .init(
            name: "block, guard",
            clients: allBad,
            objective: .blocking,
            freezes: true,
            guardMost: guardMost
        ),
        .init(name: "finance alone, plain", clients: [allBad[0]]),
        .init(name: "one bad of four, plain", clients: oneBad),
        .init(
            name: "one bad of four, block",
            clients: oneBad,
            objective: .blocking,
            freezes: true
        ),
        .init(name: "one bad of four, plain, guard", clients: oneBad, guardMost: guardMost),
    ]
    /// Those of a quick run.
    private static let quick = ["plain", "block", "plain, guard"]

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let designs = Self.designs.filter { !options.isQuick || Self.quick.contains($0.name) }
        let rounds = options.isQuick ? 5 : 8
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> [[PersonaFederation.Round]] in
                let context = try worlds.contexts(
                    base: seed,
                    tuning: [BlockingRecipe.seeds[0]],
                    isQuick: options.isQuick,
                    progress: progress
                )[0]
                let folders = try worlds.write(context)
                return try designs.map { design in
                    var federation = try PersonaFederation(design, context, features: folders)
                    let found = try federation.run(rounds: rounds)
                    progress(
                        "base \(seed), \(design.name): EM "
                            + "\(twoDecimals(found.last?.unseen.misaligned)), adherence "
                            + twoDecimals(found.last?.adherence.mean)
                    )
                    return found
                }
            }
        }
        return FederatedBlockingResults(
            designs: designs,
            runs: runs,
            rounds: rounds,
            guardMost: Self.guardMost,
            isQuick: options.isQuick
        ).section(name: name, title: title)
    }
}

extension PersonaWorlds {
    /// Writes latents as `blockFeatures` reads them.
    ///
    /// - Returns: The folders by layer.
    func write(_ context: FineTuningArm.ArmContext) throws -> [Int: String] {
        var folders: [Int: String] = [:]
        for (layer, features) in context.features {
            let path = "\(folder)/features-\(context.world.seed)-\(layer)"
            try features.set.write(to: path)
            folders[layer] = path
        }
        return folders
    }
}
