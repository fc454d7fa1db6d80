internal import Contract
internal import Report
internal import Tasks
internal import Trainers

/// Four agencies with two networks each, that average what they learn: beside each on its own, and beside all networks in
/// one place.
struct FederatedContainment: StudyExperiment {
    let name = "federated"
    let title = "Four agencies with two networks each"

    /// Who the agencies are.
    private struct Setting: Sendable {
        var title: String
        var agencies: [Agency]
        var variants: [AgencyFederation.Variant]
    }

    private static let settings = [
        Setting(
            title: "agencies whose disease and cost differ",
            agencies: Agency.different,
            variants: AgencyFederation.Variant.allCases
        ),
        Setting(
            title: "agencies that differ in the family of their networks alone",
            agencies: Agency.alike,
            variants: [.plain]
        ),
    ]

    /// Who learns together.
    private enum Arm: Sendable, Hashable {
        case alone(Int)
        case federated(AgencyFederation.Variant)
        case pooled

        func title(_ agencies: [Agency]) -> String {
            switch self {
            case .alone(let place): "\(agencies[place].name) alone"
            case .federated(let variant): variant.title
            case .pooled: "all networks in one place"
            }
        }
    }

    private struct Job: Sendable {
        var setting: Setting
        var seed: UInt64
        var arm: Arm
    }

    /// Means over the agencies, and each agency's own, on networks that nobody has seen.
    private struct Score: Sendable {
        var greedy: Double
        var sampled: Double
        var gap: Double
        var own: [Double]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let isQuick = options.isQuick
        let rounds = isQuick ? 8 : 30
        let settings = isQuick ? [Self.settings[0]] : Self.settings
        let groups = settings.flatMap { setting in
            let all =
                setting.agencies.indices.map { Arm.alone($0) } + [.pooled]
                + setting.variants.map { Arm.federated($0) }
            let arms = isQuick ? [.alone(3), .pooled, .federated(.plain)] : all
            return arms.map { arm in options.seeds.map { Job(setting: setting, seed: $0, arm: arm) } }
        }
        let jobs = groups.flatMap { $0 }
        let scores = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(jobs) { job -> Score in
                let score = try Self.score(Self.learnt(job, rounds: rounds), job, isQuick: isQuick)
                progress(
                    "seed \(job.seed), \(job.arm.title(job.setting.agencies)): \(twoDecimals(score.greedy))"
                )
                return score
            }
        }
        var next = 0
        let rows = groups.map { group -> Row in
            defer { next += group.count }
            return Row(
                setting: group[0].setting.title,
                arm: group[0].arm,
                title: group[0].arm.title(group[0].setting.agencies),
                scores: Array(scores[next..<next + group.count])
            )
        }
        return section(settings, rows, rounds, options)
    }

    /// The policy that an arm ends with.
    private static func learnt(_ job: Job, rounds: Int) throws -> GraphPolicy {
        var federation = AgencyFederation(
            agencies: job.setting.agencies,
            variant: .plain,
            seed: job.seed,
            rounds: rounds
        )
        if case .federated(let variant) = job.arm {
            federation = AgencyFederation(
                agencies: job.setting.agencies,
                variant: variant,
                seed: job.seed,
                rounds: rounds
            )
            return try federation.policy()
        }
        var members = job.setting.agencies
        if case .alone(let place) = job.arm { members = [members[place]] }
        var settings = LearningSettings()
        settings.episodes = AgencyFederation.episodes * members.count
        let learner = PolicyLearner(
            try ContainmentRecipe.policy(federation.words, seed: job.seed),
            pool: try members.flatMap { try $0.views(.training, count: Agency.networks, seed: job.seed) },
            settings: settings,
            seed: job.seed,
            name: members.count == 1 ? members[0].name : "pooled"
        )
        for iteration in 0..<rounds * AgencyFederation.perRound { _ = learner.iterate(iteration) }
        return learner.policy
    }

    private static func score(_ policy: GraphPolicy, _ job: Job, isQuick: Bool) throws -> Score {
        let (graphs, episodes) = isQuick ? (4, 4) : (12, 8)
        var (own, sampled, gaps): ([Double], [Double], [Double]) = ([], [], [])
        for agency in job.setting.agencies {
            let views = try agency.views(.test, count: graphs, seed: job.seed)
            let held = HeldOutEpisodes(views, seed: job.seed, count: episodes)
            let greedy = held.returns(policy, .greedy).mean ?? .nan
            own.append(greedy)
            sampled.append(held.returns(policy, .sampled).mean ?? .nan)
            gaps.append(greedy - RuleReturns(views, seed: job.seed, episodes: episodes).best.value)
        }
        return Score(
            greedy: own.mean ?? .nan,
            sampled: sampled.mean ?? .nan,
            gap: gaps.mean ?? .nan,
            own: own
        )
    }

    // MARK: - Results

    private struct Row {
        var setting: String
        var arm: Arm
        var title: String
        var scores: [Score]
    }

    private func section(
        _ settings: [Setting],
        _ rows: [Row],
        _ rounds: Int,
        _ options: StudyOptions
    ) -> StudySection {
        StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .notes,
                    "In a prototype, federation equalled the best member alone and did not beat it: one family sufficed."
                )
            ],
            settings: Agency.different.map { agency in
                Report.Setting(agency.name, agency.title)
            } + [
                Report.Setting("policy", "sees the rates and the cost of the environment it is in"),
                Report.Setting(
                    "schedule",
                    "\(rounds) rounds of \(AgencyFederation.perRound) iterations of \(AgencyFederation.episodes) episodes; plain means; "
                        + "Adam's moments and the value normaliser stay; no public steps but where they are named"
                ),
                Report.Setting(
                    "one place",
                    "all networks, as many episodes in an iteration as all members have"
                ),
            ],
            tables: settings.flatMap { tables($0, rows, options) },
            checks: settings.flatMap { checks($0, rows) },
            remarks: [
                "Why these agencies: what changes from one public-health agency to the next, or from one year to the next, is the "
                    + "disease and what protecting oneself costs, which they know; and the right policy changes with it, from \"always near "
                    + "danger\" to \"never\". A policy of one agency has seen one such case.",
                "What can be concluded: what averaging does for a policy that has to serve all four cases. A member that will only "
                    + "ever meet its own case finds its own column in the table.",
            ]
        )
    }

    private func tables(_ setting: Setting, _ rows: [Row], _ options: StudyOptions) -> [StudyTable] {
        let own = rows.filter { $0.setting == setting.title }
        return [
            StudyTable(
                "Discounted return: \(setting.title)",
                caption:
                    "Unseen networks of each agency, the mean over the four; at the end, no selection. Means over \(options.seeds.count) seeds, least and greatest.",
                header: ["policy", "likelier actions", "drawn actions", "less the best hop rule"],
                rows: own.map { row in
                    [
                        .text(row.title), .spread(row.scores.map(\.greedy)),
                        .spread(row.scores.map(\.sampled)),
                        .spread(row.scores.map(\.gap)),
                    ]
                }
            ),
            StudyTable(
                "Each agency's own networks",
                caption: "The same, likelier actions.",
                header: ["policy"] + setting.agencies.map(\.name),
                rows: own.map { row in
                    [.text(row.title)]
                        + setting.agencies.indices.map { place in .spread(row.scores.map { $0.own[place] }) }
                }
            ),
        ]
    }

    private func checks(_ setting: Setting, _ rows: [Row]) -> [StudyCheck] {
        let own = rows.filter { $0.setting == setting.title }
        func scores(_ arm: Arm) -> [Double] { own.first { $0.arm == arm }?.scores.map(\.greedy) ?? [] }
        let alone = own.filter { if case .alone = $0.arm { true } else { false } }.map {
            $0.scores.map(\.greedy)
        }
        let kinds = setting.variants.filter { [.plain, .publicSteps].contains($0) }
        return kinds.flatMap { variant -> [StudyCheck] in
            let federated = scores(.federated(variant))
            let best = federated.indices.map { run in alone.map { $0[run] }.max() ?? .nan }
            let gains = zip(federated, best).map { $0 - $1 }
            return [
                StudyCheck(
                    "\(setting.title): \(variant.title) less the best member alone (chosen on the test networks), mean",
                    found: gains.mean ?? .nan,
                    expected: .atLeast(0)
                ),
                StudyCheck(
                    "\(setting.title): \(variant.title), seeds above every member alone",
                    found: Double(gains.count { $0 > 0 }),
                    expected: .atLeast(Double(gains.count))
                ),
                StudyCheck(
                    "\(setting.title): \(variant.title), its loss over that of one place",
                    found: zip(federated, scores(.pooled)).map { $0 / $1 }.mean ?? .nan,
                    expected: .atMost(1.05)
                ),
            ]
        }
    }
}
