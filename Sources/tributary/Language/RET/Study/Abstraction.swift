internal import Contract
internal import Models
internal import Randomness
internal import Report
internal import Tasks
internal import Trainers

/// Whether macrostates keep what a step is and leave out how it is put: distances between a clause and the
/// same clause written anew.
struct Abstraction: StudyExperiment {
    let name = "abstraction"
    let title = "Abstraction: how a step is put, and what it is"
    var worlds: PhaseWorlds

    private static let clauses = 200
    private static let kinds = PhaseText.Rewriting.allCases
    private static let representations = ["RET", "causal mean 8", "h"]

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed in
                let world = try worlds.world(seed: seed, isQuick: options.isQuick, progress: progress)
                let macrostates = try worlds.macrostates(world, seed: seed)
                return try Self.distances(world, macrostates, seed: seed)
            }
        }
        /// A distance over that to a clause of another phase, by seed.
        func ratios(_ representation: Int, _ kind: Int) -> [Double] {
            runs.map { $0[representation][kind] / ($0[representation].last ?? .nan) }
        }
        let names = [
            "other synonyms, another cue word", "other variables and digits", "another template of the phase",
        ]
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .paper,
                    "Macrostates capture semantics and leave out low-level detail (abstract; the "
                        + "measure is ours)."
                )
            ],
            settings: [
                Setting(
                    "measure",
                    "distance between a clause's tokens and those of the same place written anew, one "
                        + "by one from the clause's end, over the distance to a clause of another phase in "
                        + "the same place; \(Self.clauses) clauses of fresh texts, which the model reads up "
                        + "to there"
                ),
                Setting("where", "standard language, layer \(RETRecipe.layer)"),
            ],
            tables: [
                StudyTable(
                    "Distance over the distance to another phase",
                    caption:
                        "Mean over seeds, worst and best. Below 1: nearer than a clause of another phase is.",
                    header: ["written anew with"] + Self.representations,
                    rows: names.indices.map { kind in
                        [.text(names[kind])]
                            + Self.representations.indices.map { .spread(ratios($0, kind)) }
                    }
                )
            ],
            checks: [0, 1].map { kind in
                StudyCheck(
                    "RET, \(names[kind]): distance over that to another phase, mean of seeds",
                    found: ratios(0, kind).mean ?? .nan,
                    expected: .atMost(0.5)
                )
            } + [
                StudyCheck(
                    "\(names[2]): RET's ratio over that of h, mean of seeds",
                    found: (ratios(0, 2).mean ?? .nan) / (ratios(2, 2).mean ?? .nan),
                    expected: .atMost(0.8)
                )
            ],
            remarks: [
                "What can be concluded: how much of the wording each representation leaves out, beside "
                    + "what it keeps of the phase. Where the ratio of h is as small, leaving out is the "
                    + "model's doing and not RET's."
            ]
        )
    }

    /// By representation and kind of rewriting, the mean distance from the clause as it was.
    private static func distances(
        _ world: PhaseWorld,
        _ macrostates: LearnedMacrostates,
        seed: UInt64
    ) throws -> [[Double]] {
        var stream = RandomStream(seed: seed, "study", "abstraction")
        var texts: [(prompt: [Int32], completion: [Int32])] = []
        /// How many tokens the clause at the end of each text has.
        var lengths: [Int] = []
        func add(_ tokens: [Int32], from start: Int) {
            lengths.append(tokens.count - start)
            texts.append(
                (
                    Array(tokens[..<PhaseLanguage.promptTokens]),
                    Array(tokens[PhaseLanguage.promptTokens...])
                )
            )
        }
        for _ in 0..<clauses {
            let text = world.language.text(from: &stream)
            // Not the first clauses: a window is full by then.
            let clause = 3 + stream.below(text.clauses.count - 3)
            let range = text.clauses[clause].range
            add(Array(text.tokens[..<range.upperBound]), from: range.lowerBound)
            for kind in kinds {
                add(text.prefix(throughClause: clause, kind, from: &stream), from: range.lowerBound)
            }
        }
        let sample = PhaseSample(LanguageDecoder(world.model), world.model, texts)
        let every = Array(sample.rows.indices)
        let net = try macrostates.makeNet()
        let subset = sample.subset(RETRecipe.layer, every)
        let z = Rows(width: net.shape.outputs, values: try net.encode(subset))
        var h = try subset.set.states(0..<subset.set.rowCount)
        let (mean, deviation) = (macrostates.statistics.mean, macrostates.statistics.deviation)
        for index in h.indices {
            h[index] = (h[index] - mean[index % mean.count]) / deviation[index % mean.count]
        }
        let states = Rows(width: mean.count, values: h)
        return [z, Baselines.causalMean(states, 8, sample.rows), states].map { points in
            func point(_ row: Int) -> ArraySlice<Float> {
                points.values[row * points.width..<(row + 1) * points.width]
            }
            return kinds.indices.map { kind in
                (0..<clauses).map { clause in
                    let (old, new) = (clause * (kinds.count + 1), clause * (kinds.count + 1) + 1 + kind)
                    let count = min(lengths[old], lengths[new])
                    return (1...count).map { back in
                        let pair = zip(
                            point(sample.rows[old].upperBound - back),
                            point(sample.rows[new].upperBound - back)
                        )
                        return pair.reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
                    }.mean ?? .nan
                }.mean ?? .nan
            }
        }
    }
}
