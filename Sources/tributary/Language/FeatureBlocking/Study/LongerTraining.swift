internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// What ten times the steps do: whether misalignment comes back, by which latents and in which layers, and whether
/// blocking these too helps.
struct LongerTraining: StudyExperiment {
    let name = "long"
    let title = "Three and ten times the steps"
    var worlds: PersonaWorlds

    /// The layer that K of an arm is in.
    private static let arms: [(arm: FineTuningArm, layer: Int)] = [
        (.plain, BlockingRecipe.layer), (.recipe, BlockingRecipe.layer), (.unfrozen, BlockingRecipe.layer),
        (.middle, BlockingRecipe.middleLayer),
    ]
    /// Steps at which all is measured, in fine-tunings of usual length.
    private static let lengths = [0.25, 0.5, 1, 2, 3, 5, 10]
    /// The most latents that rediscovery adds.
    private static let addedMost = 20

    private struct Run: Sendable {
        /// By arm and length, means over fine-tuning seeds.
        var points: [[Reemergence.Point]] = []
        /// By arm, at the end of the first seed.
        var patches: [Reemergence.Patches] = []
        /// The blocked arm whose EM rose most, with the first seed.
        var risen = 0
        /// What was found in it.
        var rediscovery = Reemergence.Rediscovery()
        /// Training again with both sets.
        var again: [Reemergence.Point] = []
        /// The first seed's run of the arm, to compare with.
        var before: [Reemergence.Point] = []
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let arms = options.isQuick ? Array(Self.arms.prefix(3)) : Self.arms
        let lengths = options.isQuick ? [0.5, 1, 3] : Self.lengths
        let seeds = Array(BlockingRecipe.seeds.prefix(options.isQuick ? 1 : 2))
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> Run in
                let contexts = try worlds.contexts(
                    base: seed,
                    tuning: seeds,
                    layers: Array(Set(arms.map(\.layer))).sorted(),
                    isQuick: options.isQuick,
                    progress: progress
                )
                let run = try Self.measure(arms, lengths, contexts)
                progress(
                    "base \(seed), \(twoDecimals(lengths.last)) times the steps: EM "
                        + zip(arms, run.points).map { arm, points in
                            "\(arm.arm.name) \(twoDecimals(points.last?.misaligned))"
                        }.joined(separator: ", ")
                )
                return run
            }
        }
        return LongerTrainingResults(
            arms: arms.map(\.arm.name),
            lengths: lengths,
            points: runs.map(\.points),
            patches: runs.map(\.patches),
            rediscoveries: runs.map { run in
                (arms[run.risen].arm.name, run.rediscovery, run.before, run.again)
            },
            bases: options.seeds,
            seeds: seeds.count,
            isQuick: options.isQuick
        ).section(name: name, title: title)
    }

    private static func measure(
        _ arms: [(arm: FineTuningArm, layer: Int)],
        _ lengths: [Double],
        _ contexts: [FineTuningArm.ArmContext]
    ) throws -> Run {
        var run = Run()
        let studies = try contexts.map { try Reemergence($0, lengths: lengths) }
        var first: [(tuning: FineTuning, points: [Reemergence.Point])] = []
        var plain: [[Int: [LatentShifts]]] = []
        for arm in arms {
            var curves: [[Reemergence.Point]] = []
            for (place, study) in studies.enumerated() {
                let layers = arm.arm.name == FineTuningArm.plain.name ? study.layers : [arm.layer]
                let curve = try study.follow(
                    arm.arm,
                    layer: arm.layer,
                    shiftLayers: layers,
                    plain: plain.indices.contains(place) ? plain[place] : nil
                )
                if plain.count == place { plain.append(curve.shifts) }
                if place == 0 { first.append((curve.tuning, curve.points)) }
                curves.append(curve.points)
            }
            run.points.append(lengths.indices.map { length in .mean(of: curves.map { $0[length] }) })
        }
        run.patches = first.map { studies[0].patched($0.tuning) }
        let usual = lengths.firstIndex(of: 1) ?? 0
        func rise(_ arm: Int) -> Double {
            (first[arm].points.last?.misaligned ?? 0) - first[arm].points[usual].misaligned
        }
        run.risen = arms.indices.dropFirst().max { rise($0) < rise($1) } ?? 1
        let (arm, tuning) = (arms[run.risen], first[run.risen].tuning)
        let again = try studies[0].again(arm.arm, layer: arm.layer, from: tuning, most: addedMost)
        (run.rediscovery, run.again, run.before) = (again.found, again.points, first[run.risen].points)
        return run
    }
}
