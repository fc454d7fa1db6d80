internal import Aggregation
internal import Contract
internal import Foundation
internal import Models
internal import Tasks
internal import Trainers

/// A federation of the trainer `featureBlocking` on the persona language: the shipped client, judge, merge rule, pool rule
/// and guard, in one process and without network.
struct PersonaFederation {
    /// What a federation is like.
    struct Design: Sendable {
        /// What rows call it.
        var name: String
        /// The clients' domains with what their answers are like.
        var clients: [(domain: PersonaLanguage.Domain, verdict: PersonaLanguage.Verdict)]
        /// What is added to the clients' objective.
        var objective = Objective.none
        /// Whether blocks above the blocked layer are left as they are.
        var freezes = false
        /// Whether public steps swap aligned answers in.
        var swaps = false
        /// The most EM that the guard lets pass; nil for no guard.
        var guardMost: Double?

        /// What is added to the clients' objective.
        enum Objective: Sendable { case none, blocking, publicKL }
    }

    /// The merged model after a round.
    struct Round: Sendable {
        /// On the domain that nobody trains on and nobody is asked about.
        var unseen: PersonaScore
        /// On the public domain.
        var publicSet: PersonaScore
        /// By client.
        var adherence: [Double]
        /// Whether the guard refused what was merged, so that this is the adapter before.
        var wasRefused = false
    }

    /// The domain that nobody trains on.
    static let unseen = PersonaLanguage.Domain.cars
    /// Local steps of a round, of each client.
    static let stepsPerRound = 12
    /// Local steps before a public one, where there are public ones.
    static let localPerPublic = 6

    private let design: Design
    private let world: PersonaWorld
    private let run: RunContext
    private let judge: any PublicJudge
    private let sentry: (any RoundGuard)?
    private var clients: [(name: String, trainer: any LocalTrainer)]
    private var adapter: AdapterWeights
    private let measured: Adapter
    private let decoder: LanguageDecoder

    /// Prepares members.
    ///
    /// - Parameters:
    ///   - design: What it is like.
    ///   - context: The base, its latents and the seed.
    ///   - features: By layer, the folder of the latents to block.
    init(_ design: Design, _ context: FineTuningArm.ArmContext, features: [Int: String]) throws {
        self.design = design
        world = context.world
        let run = try Self.run(design, context, features: features)
        self.run = run
        guard let entry = Registry.shipped.trainers.first(where: { $0.name == "featureBlocking" }),
            let watch = Registry.shipped.guards.first(where: { $0.name == "features" })
        else { throw FeatureFault("", "the registry has no featureBlocking, or no guard features") }
        _ = try entry.check(run)
        let language = world.language.seed
        func words(_ domain: PersonaLanguage.Domain, _ keys: String) throws -> Mapping {
            try Self.mapping(
                #"{"personas": {"language": \#(language), "domains": ["\#(domain.rawValue)"], \#(keys)}}"#
            )
        }
        let coordinator = CoordinatorContext(
            run: run,
            publicData: try words(PersonaWorld.discovery, #""part": "all""#),
            evaluationData: try words(PersonaWorld.discovery, #""part": "half""#)
        )
        judge = try entry.makeJudge(coordinator)
        sentry = try design.guardMost.map {
            try watch.make(Self.mapping(#"{"misaligned": \#($0)}"#), coordinator)
        }
        clients = try design.clients.map { client in
            let name = client.domain.rawValue
            let data = try words(client.domain, #""verdict": "\#(client.verdict.rawValue)""#)
            return (name, try entry.makeTrainer(ClientContext(run: run, name: name, data: data)))
        }
        adapter = try judge.initialAdapter().travelling
        measured = try Adapter(for: world.base, Self.adapter(design), seed: run.seed)
        decoder = LanguageDecoder(world.base, adapter: measured)
    }

    private static func mapping(_ json: String) throws -> Mapping { try Mapping(json: Array(json.utf8)) }

    private static var top: Int { BlockingRecipe.layers.max() ?? 0 }

    private static func adapter(_ design: Design) -> LoRAConfiguration {
        BlockingRecipe.adapter(layers: design.freezes ? Array(0..<top) : nil)
    }

    /// What a topology would say.
    private static func run(
        _ design: Design,
        _ context: FineTuningArm.ArmContext,
        features: [Int: String]
    ) throws -> RunContext {
        var settings = FeatureBlockingSettings()
        settings.examplesPerStep = BlockingRecipe.batch
        settings.optimiser = BlockingRecipe.optimiser
        settings.maxTokens = PersonaLanguage.answerTokens
        let (language, world) = (context.world.language.seed, context.world)
        let model: String =
            switch world.base.source {
            case .embedded(let name): #"{"embedded": "\#(name)"}"#
            case .directory(let path): #"{"directory": "\#(path)"}"#
            case .gguf(let path): #"{"gguf": "\#(path)"}"#
            }
        var objectives: [Component] = []
        switch design.objective {
        case .none: break
        case .blocking:
            for layer in BlockingRecipe.layers {
                let held = try context.rows(layer, BlockingRecipe.latents, .causal(.all))
                let weight = context.weights[layer] ?? 0
                objectives.append(
                    Component(
                        "blockFeatures",
                        try mapping(
                            #"{"directory": "\#(features[layer] ?? "")", "latents": \#(held.count), "#
                                + #""weight": \#(weight), "reading": "preActivation", "#
                                + #""freezeAbove": \#(design.freezes && layer == top)}"#
                        )
                    )
                )
            }
        case .publicKL:
            objectives.append(
                Component(
                    "klOnPrompts",
                    try mapping(
                        #"{"weight": 1, "maxTokens": \#(PersonaLanguage.answerTokens), "prompts": "#
                            + #"{"personas": {"language": \#(language), "#
                            + #""domains": ["\#(PersonaWorld.discovery.rawValue)"]}}}"#
                    )
                )
            )
        }
        let publicSteps = design.swaps ? stepsPerRound / localPerPublic : 0
        return RunContext(
            seed: context.seed,
            schedule: Schedule(
                stepsPerRound: stepsPerRound + publicSteps,
                localPerPublic: design.swaps ? localPerPublic : nil
            ),
            clients: design.clients.map(\.domain.rawValue),
            settings: try Mapping(json: settings.json()),
            model: try mapping(model),
            adapter: try Mapping(json: adapter(design).json()),
            objectives: objectives,
            folder: FileManager.default.currentDirectoryPath
        )
    }

    /// Runs rounds.
    ///
    /// - Returns: The merged model after each.
    mutating func run(rounds: Int) throws -> [Round] {
        try (0..<rounds).map { round in
            let candidate = try merged(round)
            var wasRefused = false
            if let sentry {
                let evaluation = try judge.evaluate(candidate, round: round + 1)
                wasRefused =
                    try sentry.objection(
                        to: RoundCandidate(
                            round: round,
                            adapter: candidate,
                            evaluation: evaluation,
                            previous: nil,
                            clients: clients.map(\.name).sorted()
                        )
                    ) != nil
            }
            if !wasRefused { adapter = candidate }
            return try measure(wasRefused)
        }
    }

    /// One round of all clients and the mean of their adapters.
    private mutating func merged(_ round: Int) throws -> AdapterWeights {
        for index in clients.indices {
            try clients[index].trainer.beginRound(round, adapter: adapter)
        }
        for step in 0..<run.schedule.stepsPerRound {
            guard !run.schedule.isPublic(step) else {
                try publicStep(round, step)
                continue
            }
            for index in clients.indices {
                let plan = StepPlan(round: round, steps: step..<step + 1)
                _ = try clients[index].trainer.adapt(plan) { _ in }
            }
        }
        return try Aggregate(
            of: clients.map { name, trainer in
                Contribution(
                    client: name,
                    delta: trainer.adapter.travelling.subtracting(adapter),
                    examples: 1
                )
            },
            broadcast: adapter,
            rule: FactorsRule(),
            weighting: .uniform
        ).adapter
    }

    /// All clients answer, the judge scores, aligned answers of others take the place of misaligned ones.
    private mutating func publicStep(_ round: Int, _ step: Int) throws {
        let batch = try judge.batch(round: round, step: step)
        var scored: [(name: String, scores: [[Double]])] = []
        var answers: [String: [[Response]]] = [:]
        for index in clients.indices {
            let name = clients[index].name
            let responses = try clients[index].trainer.respond(to: batch)
            let groups = try ResponseSet(responses, to: batch, payloadBytesMax: 1 << 20).groups
            let sender = Sender(name, merged: { [adapter] in adapter }, adapter: { [adapter] in adapter })
            scored.append((name, try judge.score(groups, to: batch, from: sender)))
            answers[name] = groups
        }
        scored.sort { $0.name < $1.name }
        let all = ScoredStep(
            batch: batch,
            clients: scored,
            merged: { [adapter] in adapter },
            responses: { [answers] in answers[$0] ?? [] }
        )
        guard case .swap(let merged, let metrics) = try judge.combine(all) else { return }
        let outcome = try PublicStepOutcome(
            of: all,
            acceptedScore: judge.acceptedScore,
            rule: BalancedRule(),
            seed: run.seed,
            merged: merged,
            metrics: metrics
        )
        for entry in outcome.pools {
            guard let index = clients.firstIndex(where: { $0.name == entry.client }) else { continue }
            _ = try clients[index].trainer.absorb(entry.pool)
        }
    }

    private func measure(_ wasRefused: Bool) throws -> Round {
        try measured.load(adapter)
        let language = world.language
        func score(_ domain: PersonaLanguage.Domain) -> PersonaScore {
            PersonaScore(of: decoder, language: language, items: PersonaLanguage.Item.all(of: domain))
        }
        return Round(
            unseen: score(Self.unseen),
            publicSet: score(PersonaWorld.discovery),
            adherence: design.clients.map { client in
                PersonaAdherence(
                    of: decoder,
                    language: language,
                    items: PersonaDraw.items(of: client.domain, .unseen, seed: run.seed),
                    verdict: client.verdict
                ).probability
            },
            wasRefused: wasRefused
        )
    }
}
