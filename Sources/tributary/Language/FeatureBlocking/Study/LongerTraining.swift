internal import Contract
internal import Models
internal import Report
internal import Tasks
internal import Trainers

/// What ten times the steps do: whether misalignment comes back, by which latents and in which layers, and
/// whether
/// blocking these too helps.
struct LongerTraining: StudyExperiment {
    let name = "long"
    let title = "Three and ten times the steps"
    var worlds: PersonaWorlds

    /// How training is done, and what is held: for arms that hold nothing, what they are measured by.
    struct Way: Sendable {
        /// How it is done.
        var arm: FineTuningArm
        /// K by layer.
        var held = Dictionary(
            uniqueKeysWithValues: BlockingRecipe.layers.map { ($0, BlockingRecipe.latents) }
        )
        /// Whether the arm holds them.
        var isBlocking = true
    }

    private static let ways: [Way] = [
        Way(arm: .plain, isBlocking: false), Way(arm: .recipe), Way(arm: .unfrozen),
        Way(
            arm: .blocked(
                "block, layer \(BlockingRecipe.layer) alone, K 50",
                layers: [BlockingRecipe.layer],
                50
            ),
            held: [BlockingRecipe.layer: 50]
        ),
        Way(arm: .publicKL(1), isBlocking: false),
    ]
    /// Steps at which all is measured, in fine-tunings of usual length.
    private static let lengths = [0.25, 0.5, 1, 2, 3, 5, 10]
    /// The most latents that rediscovery adds.
    private static let addedMost = 20

    private struct Run: Sendable {
        /// By way and length.
        var points: [[Reemergence.Point]] = []
        /// By way, at the end.
        var patches: [Reemergence.Patches] = []
        /// The blocked way whose EM rose most.
        var risen = 0
        /// What was found in it; nil where nobody looked.
        var rediscovery: Reemergence.Rediscovery?
        /// Training again with both sets.
        var again: [Reemergence.Point] = []
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let worlds = worlds
        let ways = options.isQuick ? [Self.ways[0], Self.ways[1]] : Self.ways
        let lengths = options.isQuick ? [0.5, 1, 3] : Self.lengths
        let runs = try await withoutActuallyEscaping(progress) { progress in
            try await inPairs(options.seeds) { seed -> Run in
                let context = try worlds.contexts(
                    base: seed,
                    tuning: [BlockingRecipe.seeds[0]],
                    isQuick: options.isQuick,
                    progress: progress
                )[0]
                let run = try Self.measure(ways, lengths, context, isQuick: options.isQuick)
                progress(
                    "base \(seed), \(twoDecimals(lengths.last)) times the steps: EM "
                        + zip(ways, run.points).map { way, points in
                            "\(way.arm.name) \(twoDecimals(points.last?.misaligned))"
                        }.joined(separator: ", ")
                )
                return run
            }
        }
        return LongerTrainingResults(
            ways: ways,
            lengths: lengths,
            points: runs.map(\.points),
            patches: runs.map(\.patches),
            searches: zip(options.seeds, runs).compactMap { base, run in
                run.rediscovery.map { (base, ways[run.risen].arm.name, $0, run.points[run.risen], run.again) }
            },
            isQuick: options.isQuick
        ).section(name: name, title: title)
    }

    private static func measure(
        _ ways: [Way],
        _ lengths: [Double],
        _ context: FineTuningArm.ArmContext,
        isQuick: Bool
    ) throws -> Run {
        var run = Run()
        let study = try Reemergence(context, lengths: lengths)
        var tunings: [FineTuning] = []
        var plain: [LatentShifts] = []
        for way in ways {
            let found = try study.follow(way.arm, held: study.held(way.held), plain: plain)
            if plain.isEmpty { plain = found.shifts }
            run.points.append(found.points)
            run.patches.append(try study.patched(found.tuning))
            tunings.append(found.tuning)
        }
        let usual = lengths.firstIndex(of: 1) ?? 0
        func rise(_ way: Int) -> Double {
            (run.points[way].last?.misaligned ?? 0) - run.points[way][usual].misaligned
        }
        run.risen = ways.indices.filter { ways[$0].isBlocking }.max { rise($0) < rise($1) } ?? 1
        guard !isQuick else { return run }
        let way = ways[run.risen]
        let again = try study.again(
            way.arm,
            held: study.held(way.held),
            from: tunings[run.risen],
            most: addedMost
        )
        (run.rediscovery, run.again) = (again.found, again.points)
        return run
    }
}
