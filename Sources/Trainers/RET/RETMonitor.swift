package import Contract
internal import Glibc
internal import Models
internal import Randomness
internal import Tasks
internal import Tensors

/// How far the macrostates of a merged model's public responses have moved from the base model's: macrostates are learnt on
/// what the base model says to public prompts; after each round the merged model answers the same prompts with the same random
/// numbers, and the groups that its states fall into, and how they follow each other, are compared with the base's by the
/// Jensen-Shannon distance. A watch on any trainer that adapts a language model; our extension of RET (see README.md).
package struct RETMonitor: RoundMonitor {
    /// `ret`.
    package static let name = "ret"

    /// The settings behind `ret`.
    package struct Settings: TrainerSettings {
        /// The layer boundaries that are read; none means one, at three fifths of the depth.
        package var layers: [Int] = []
        /// The most public prompts, spread evenly over all of them.
        package var prompts = 48
        /// How many responses there are to each.
        package var samples = 4
        /// The most tokens of a response; 0 takes the trainer's `maxTokens`.
        package var maxTokens = 0
        /// The temperature of the responses.
        package var temperature = 1.0
        /// G.
        package var groups = 8
        /// The Adam steps on the base model's states.
        package var steps = 1000
        /// The shape of the networks.
        package var shape = MacrostateShape(windows: [4], hidden: [64], outputs: 16, predictorHidden: [64])
        /// How they are learnt.
        package var learning = MacrostateLearning(horizon: .init(from: 1, to: 2))
        /// How many times base and merged responses are exchanged by chance, for the distance that means nothing.
        package var permutations = 200

        /// The defaults, for responses of a few tokens.
        package init() {}

        /// Checks the ranges.
        package func validate() throws(SettingsFault) {
            var settings = RETSettings()
            settings.layers = layers
            settings.groups = groups
            settings.temperature = temperature
            settings.shape = shape
            settings.learning = learning
            try settings.validate()
            for (key, value, range) in [
                ("prompts", prompts, 2...65_536), ("samples", samples, 1...1024),
                ("steps", steps, 1...1_000_000),
                ("maxTokens", maxTokens, 0...(1 << 20)), ("permutations", permutations, 1...100_000),
            ] {
                try SettingsFault.require(
                    range.contains(value),
                    key,
                    "found \(value), expected \(range.lowerBound) … \(range.upperBound)"
                )
            }
        }
    }

    private let settings: Settings
    private let seed: UInt64
    private let task: LanguageTask
    private let adapter: Adapter
    private let recorder: TrajectoryRecorder
    private let prompts: [TrajectoryRecorder.Given]
    private let net: MacrostateNet
    private let centroids: Centroids
    /// What the base model's responses are like, by prompt.
    private let base: [GroupDynamics]

    /// Loads the model, has the base model answer, and learns macrostates of it.
    ///
    /// - Throws: `SettingsFault` for a trainer without a language model, a layer that it does not have, or responses too short
    ///   to learn from.
    package init(settings: Settings, context: CoordinatorContext) throws {
        self.settings = settings
        seed = context.run.seed
        task = try LanguageTask(watching: context.run, maxTokens: settings.maxTokens, usual: 128)
        let all = try LanguageData.publicQuestions(context)
        let count = min(settings.prompts, all.count)
        let questions = (0..<count).map { all[$0 * all.count / count] }
        prompts = zip(questions, try task.prompts(of: questions, set: "public")).flatMap { question, tokens in
            (0..<settings.samples).map {
                TrajectoryRecorder.Given(id: "\(question.id) #\($0)", topic: question.topic, tokens: tokens)
            }
        }
        adapter = try Adapter(for: task.base, task.adapter, seed: context.run.seed)
        let configuration = task.base.configuration
        let layers =
            settings.layers.isEmpty
            ? StateSource.usualLayers(depth: configuration.layerCount) : settings.layers
        do throws(TrajectoryFault) {
            recorder = try TrajectoryRecorder(
                LanguageDecoder(task.base, adapter: adapter),
                of: task.base,
                layers: layers
            )
        } catch {
            throw SettingsFault(key: "layers", reason: error.reason)
        }
        let set = RETMonitor.record(prompts, recorder, task, settings, seed: seed, withAdapter: false)
        do throws(TrajectoryFault) {
            let learnt = try RETMonitor.learn(set, settings, seed: seed)
            (net, centroids) = (learnt.net, learnt.centroids)
        } catch {
            throw SettingsFault(key: "", reason: "the base model's responses will not do: \(error.reason)")
        }
        base = try RETMonitor.dynamics(set, net, centroids, samples: settings.samples)
    }

    /// The distances of occupancy and transitions, what they would be by chance, and how likely that chance is.
    package func observe(_ weights: AdapterWeights, round: Int) throws -> MonitorReport {
        try adapter.load(weights)
        let set = RETMonitor.record(prompts, recorder, task, settings, seed: seed, withAdapter: true)
        let merged = try RETMonitor.dynamics(set, net, centroids, samples: settings.samples)
        let found = Drift(base, merged, groups: settings.groups)
        // Under the null base and merged responses to a prompt are alike: exchange them by prompt.
        var stream = RandomStream(seed: seed, "ret-monitor-null")
        var null: [Drift] = []
        for _ in 0..<settings.permutations {
            let swaps = base.indices.map { _ in stream.below(2) == 1 }
            let left = base.indices.map { swaps[$0] ? merged[$0] : base[$0] }
            let right = base.indices.map { swaps[$0] ? base[$0] : merged[$0] }
            null.append(Drift(left, right, groups: settings.groups))
        }
        func p(_ value: (Drift) -> Double) -> Double {
            let atLeast = null.count { value($0) >= value(found) }
            return Double(atLeast + 1) / Double(null.count + 1)
        }
        func middle(_ value: (Drift) -> Double) -> Double { null.map(value).sorted()[null.count / 2] }
        return MonitorReport(
            metrics: [
                "ret/occupancy_distance": found.occupancy,
                "ret/occupancy_distance_by_chance": middle { $0.occupancy },
                "ret/occupancy_p": p { $0.occupancy },
                "ret/transition_distance": found.transitions,
                "ret/transition_distance_by_chance": middle { $0.transitions },
                "ret/transition_p": p { $0.transitions },
            ],
            figures: [figure(merged, found, p: p { $0.occupancy })]
        )
    }

    private func figure(_ merged: [GroupDynamics], _ drift: Drift, p: Double) -> Figure {
        func shares(_ parts: [GroupDynamics]) -> [Double] {
            parts.reduce(into: GroupDynamics(groups: settings.groups)) { $0 += $1 }.shares
        }
        let after = (drift.occupancy * 1000).rounded() / 1000
        return Figure(
            "Macrostates of public responses",
            caption:
                "The share of each group of the base model's macrostates, in its own responses and in the merged model's. "
                + "Jensen-Shannon distance \(after) of 0 … 1, p = \((p * 1000).rounded() / 1000) by \(settings.permutations) permutations.",
            .bars(
                Figure.Bars(
                    xName: "group",
                    yName: "share",
                    groups: (0..<settings.groups).map { "\($0)" },
                    series: [.init("base", values: shares(base)), .init("merged", values: shares(merged))]
                )
            )
        )
    }

    private static func record(
        _ prompts: [TrajectoryRecorder.Given],
        _ recorder: TrajectoryRecorder,
        _ task: LanguageTask,
        _ settings: Settings,
        seed: UInt64,
        withAdapter: Bool
    ) -> TrajectorySet {
        let sampling = SamplingSettings(
            maxTokens: task.maxTokens,
            temperature: Float(settings.temperature),
            stop: task.eos
        )
        var recordings: [TrajectoryRecorder.Recording] = []
        for first in stride(from: 0, to: prompts.count, by: 32) {
            let part = Array(prompts[first..<min(first + 32, prompts.count)])
            recordings += recorder.generate(part, settings: sampling, withAdapter: withAdapter) { index in
                RandomStream(seed: seed, "ret-monitor", first + index)
            }
        }
        // The state of a prompt's last token is the first that belongs to the response: it is what that begins with.
        return TrajectorySet(
            source: recorder.source,
            recordings: recordings.map { recording in
                var recording = recording
                recording.trajectory.promptCount = max(0, recording.trajectory.promptCount - 1)
                return recording
            }
        )
    }

    private static func learn(
        _ set: TrajectorySet,
        _ settings: Settings,
        seed: UInt64
    ) throws(TrajectoryFault) -> (net: MacrostateNet, centroids: Centroids) {
        let statistics = try StateStatistics(of: set.all, skipsPrompt: true)
        let net = MacrostateNet(shape: settings.shape, statistics: statistics, seed: seed)
        var learner = try MacrostateLearner(
            net: net,
            learning: settings.learning,
            subset: set.all,
            seed: seed,
            path: "ret-monitor"
        )
        do {
            for step in 0..<settings.steps { _ = try learner.step(step) }
        } catch {
            throw TrajectoryFault("", "\(error)")
        }
        let z = try net.encode(set.all) { $0.learnableRows }
        let width = settings.shape.outputs
        if let objection = CollapseLimits().objection(to: Spread(of: z, width: width)) {
            throw TrajectoryFault("", objection)
        }
        guard z.count >= 10 * settings.groups * width else {
            throw TrajectoryFault(
                "",
                "they have \(z.count / width) states, too few for \(settings.groups) groups"
            )
        }
        var stream = RandomStream(seed: seed, "ret-monitor-groups")
        let points = Points.thinned(z, width: width, to: 12_000)
        return (net, KMeans.fit(points, width: width, groups: settings.groups, stream: &stream))
    }

    /// The groups' dynamics over all responses to each prompt.
    private static func dynamics(
        _ set: TrajectorySet,
        _ net: MacrostateNet,
        _ centroids: Centroids,
        samples: Int
    ) throws -> [GroupDynamics] {
        var result: [GroupDynamics] = []
        for (index, trajectory) in set.trajectories.enumerated() {
            if index % samples == 0 { result.append(GroupDynamics(groups: centroids.count)) }
            let z = try net.encode(rows: trajectory.learnableRows, start: trajectory.rows.lowerBound, of: set)
            result[result.count - 1].add(centroids.assign(z))
        }
        return result
    }
}

/// Jensen-Shannon distances between two sets of responses.
struct Drift {
    /// Of the shares of the groups.
    let occupancy: Double
    /// Of the shares of pairs of groups that follow each other, staying included.
    let transitions: Double

    init(_ left: [GroupDynamics], _ right: [GroupDynamics], groups: Int) {
        func sum(_ parts: [GroupDynamics]) -> GroupDynamics {
            parts.reduce(into: GroupDynamics(groups: groups)) { $0 += $1 }
        }
        let (a, b) = (sum(left), sum(right))
        occupancy = Drift.distance(a.occupancy, b.occupancy)
        transitions = Drift.distance(a.counts, b.counts)
    }

    /// √JSD with logarithms to base 2, between two distributions given as counts: 0 for the same, 1 for disjoint ones; 0 where one
    /// is empty.
    static func distance(_ left: [Int], _ right: [Int]) -> Double {
        let (a, b) = (Double(left.reduce(0, +)), Double(right.reduce(0, +)))
        guard a > 0, b > 0 else { return 0 }
        var divergence = 0.0
        for (l, r) in zip(left, right) {
            let (p, q) = (Double(l) / a, Double(r) / b)
            let m = (p + q) / 2
            if p > 0 { divergence += p * log2(p / m) / 2 }
            if q > 0 { divergence += q * log2(q / m) / 2 }
        }
        return max(0, divergence).squareRoot()
    }
}
