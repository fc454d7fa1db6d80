package import Contract
internal import Digest
internal import Models
internal import Tasks
internal import Tensors

/// The `ret` trainer: macrostates of a frozen language model, learnt on each member's own texts.
///
/// A local step is some Adam steps of RET's objective on the states that the model has while it reads the private texts, or
/// generates from them. On a public step the client sends what its macrostates make of public texts: groups, macrostates
/// and how well it foretells them; where others foretell a text better it learns their macrostates. Private texts and hidden
/// states stay in this object. Our design: RET is not a federated method (see README.md).
package final class RETTrainer: LocalTrainer {
    /// `ret`.
    package static let name = "ret"
    private let settings: RETSettings
    private let context: ClientContext
    private let texts: RETTexts
    private let questions: [Question]
    private let net: MacrostateNet
    private var centroids: Centroids
    private var optimiser = AdamW.State()
    private var round = 0
    private var pending: PublicBatch?
    /// The private trajectories with their learner, made when they are first needed.
    private var learnerOfPrivate: MacrostateLearner?

    /// Checks `model`; there is no other adapter than the networks, and no further objective.
    package static func check(_ settings: RETSettings, _ run: RunContext) throws {
        if !run.adapter.isEmpty {
            throw run.adapter.error("", "the trainer 'ret' has no 'adapter'; expected no such section")
        }
        if let term = run.objectives.first {
            throw term.settings.error("", "the trainer 'ret' takes no further objectives")
        }
        let words = try LanguageWords(run)
        do {
            let shape = try BaseModel.configuration(of: words.model)
            try SettingsFault.require(
                settings.layers.allSatisfy { $0 <= shape.layerCount },
                "layers",
                "found \(settings.layers), expected layer boundaries of 0 … \(shape.layerCount)"
            )
        } catch CheckpointError.inaccessible {
            // A path of another host: whoever loads the model will say so.
        }
    }

    /// Which states of the run's model are read.
    private static func source(_ settings: RETSettings, _ run: RunContext) throws -> StateSource {
        let base = try LanguageWords(run).base(run)
        return StateSource(
            model: base.identity.description,
            name: base.source.description,
            layers: settings.layers(of: base.configuration),
            width: base.configuration.hiddenSize
        )
    }

    /// The base model.
    package static func fingerprint(_ settings: RETSettings, _ run: RunContext) throws -> [FingerprintPart] {
        try LanguageWords.fingerprint(of: LanguageWords(run).base(run))
    }

    /// Loads the model, checks the private texts, and counts them.
    package static func examine(_ settings: RETSettings, _ client: ClientContext) throws -> String {
        let texts = try RETTexts(client.run, settings: settings)
        let questions = try LanguageData.questions(of: client)
        guard !questions.isEmpty else {
            throw client.data.error("", "found no private texts, expected at least one")
        }
        _ = try texts.prompts(of: questions, set: "private")
        return "\(questions.count) texts"
    }

    /// Writes a folder of macrostates.
    package static func write(
        _ adapter: AdapterWeights,
        to folder: String,
        _ settings: RETSettings,
        _ run: RunContext
    ) throws -> Bool {
        try MacrostateFolder.write(
            Macrostates(
                source: source(settings, run),
                shape: settings.shape,
                net: RETAdapter.net(of: adapter),
                centroids: RETAdapter.centroids(of: adapter, settings)
            ),
            to: folder
        )
        return true
    }

    /// Reads a folder of macrostates.
    package static func readAdapter(
        from folder: String,
        _ settings: RETSettings,
        _ run: RunContext
    ) throws -> AdapterWeights? {
        let macrostates = try MacrostateFolder.read(from: folder)
        guard macrostates.shape == settings.shape, macrostates.groups.count == settings.groups else {
            throw SettingsFault(key: "shape", reason: "is not that of the macrostates in \(folder)")
        }
        try macrostates.require(source(settings, run), of: folder)
        return RETAdapter.weights(macrostates.net, macrostates.centroids)
    }

    /// Loads the model and the private texts; states are recorded when they are first needed.
    package init(settings: RETSettings, context: ClientContext) throws {
        self.settings = settings
        self.context = context
        texts = try RETTexts(context.run, settings: settings)
        questions = try LanguageData.questions(of: context)
        net = MacrostateNet(shape: settings.shape, width: texts.source.stateWidth)
        centroids = Centroids(
            width: settings.shape.outputs,
            values: [Float](repeating: 0, count: settings.groups * settings.shape.outputs)
        )
    }

    /// Encoder, predictor, target, the statistics of the states and the groups' centres, all averaged.
    package var adapter: AdapterWeights { RETAdapter.weights(net.weights, centroids) }

    /// Takes over the merged networks; Adam starts anew.
    package func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try take(adapter)
        optimiser = AdamW.State()
        self.round = round
        pending = nil
    }

    private func take(_ adapter: AdapterWeights) throws(AdapterFault) {
        try self.adapter.layout.check(adapter.layout)
        try net.load(RETAdapter.net(of: adapter))
        centroids = RETAdapter.centroids(of: adapter, settings)
    }

    /// Adam steps on pairs of private states.
    package func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        guard !plan.steps.isEmpty else { return .mean(of: [], for: plan) }
        var learner = try privateLearner()
        var reports: [StepReport] = []
        for step in plan.steps {
            let first = self.step(plan.round, step) * settings.updatesPerStep
            var measured: [MacrostateLearner.Step] = []
            for update in 0..<settings.updatesPerStep { measured.append(try learner.step(first + update)) }
            optimiser = learner.optimiserState
            let spread = try self.spread(learner)
            if first + settings.updatesPerStep >= settings.collapse.graceSteps,
                let objection = settings.collapse.objection(to: spread)
            {
                throw CollapseFault("round \(plan.round), step \(step): \(objection)")
            }
            func mean(_ value: (MacrostateLearner.Step) -> Double) -> Double {
                measured.reduce(0) { $0 + value($1) } / Double(measured.count)
            }
            let report = StepReport(
                round: plan.round,
                steps: step..<step + 1,
                examples: settings.updatesPerStep * settings.learning.batchSize,
                metrics: [
                    "loss": mean { $0.loss }, "cosine": mean { $0.cosine },
                    "grad_norm": mean { $0.gradientNorm },
                    "effective_rank": spread.effectiveRank, "deviation_min": spread.deviationMin,
                ]
            )
            reports.append(report)
            try progress(report)
        }
        return .mean(of: reports, for: plan)
    }

    private func step(_ round: Int, _ step: Int) -> Int { round * context.run.schedule.stepsPerRound + step }

    private func privateLearner() throws -> MacrostateLearner {
        var learner: MacrostateLearner
        if let made = learnerOfPrivate {
            learner = made
        } else {
            let set = try texts.record(questions, set: "private", owner: context.name)
            do throws(TrajectoryFault) {
                learner = try MacrostateLearner(
                    net: net,
                    learning: settings.learning,
                    subset: set.all,
                    seed: context.run.seed,
                    path: context.name
                )
            } catch {
                throw QuestionFault(set: "private", id: nil, reason: error.reason)
            }
            learnerOfPrivate = learner
        }
        learner.optimiserState = optimiser
        return learner
    }

    /// The spread of the macrostates of some private states.
    private func spread(_ learner: MacrostateLearner) throws -> Spread {
        Spread(of: try learner.probe(), width: settings.shape.outputs)
    }

    /// What the macrostates make of public texts.
    package func respond(to batch: PublicBatch) throws -> [Response] {
        guard batch.responsesPerItem == 1 else {
            throw PoolFault.unreadable("the batch asks for \(batch.responsesPerItem) responses, expected 1")
        }
        let set = try texts.read(batch.items)
        let z = try set.trajectories.map { try net.encode($0, of: set) }
        let width = settings.shape.outputs
        let learnable = zip(set.trajectories, z).map { trajectory, z in
            Array(z[(trajectory.learnableRows.lowerBound - trajectory.rows.lowerBound) * width..<z.count])
        }
        let cosines = NextState.cosines(net, of: learnable, horizon: settings.learning.horizon.middle)
        pending = batch
        return batch.items.indices.map { index in
            let answer = MacrostatePayload.Answer(
                error: Float(1 - cosines[index]),
                groups: centroids.assign(z[index]),
                z: z[index]
            )
            return Response(itemID: batch.items[index].id, index: 0, payload: answer.bytes)
        }
    }

    /// Takes over the merged centres, and learns the macrostates of those who foretell a text better.
    package func absorb(_ pool: ResponsePool) throws -> StepReport {
        guard let batch = pending else { throw PoolFault.nothingPending }
        try pool.check(against: batch)
        let set = try texts.read(batch.items)
        let width = settings.shape.outputs
        var lessons: [(trajectory: Int, z: [Float])] = []
        var merged: [Float] = []
        for (index, group) in pool.groups.enumerated() where !group.target.isEmpty {
            let target: MacrostatePayload.Target
            do throws(MacrostatePayload.Fault) {
                target = try MacrostatePayload.Target(
                    group.target,
                    tokens: set.trajectories[index].tokens.count,
                    width: width,
                    groups: settings.groups
                )
            } catch {
                throw PoolFault.unreadable("the target of '\(group.itemID)' \(error.reason)")
            }
            if !target.z.isEmpty { lessons.append((index, target.z)) }
            if !target.centroids.isEmpty { merged = target.centroids }
        }
        var metrics = ["lessons": Double(lessons.count)]
        if !lessons.isEmpty {
            var learner = try privateLearner()
            let first = step(pool.round, pool.step) * settings.updatesPerStep
            var losses: [Double] = []
            for update in 0..<settings.updatesPerStep {
                if let step = try learner.step(towards: lessons, of: set, first + update) {
                    losses.append(step.loss)
                }
            }
            optimiser = learner.optimiserState
            if !losses.isEmpty { metrics["loss"] = losses.reduce(0, +) / Double(losses.count) }
        }
        if !merged.isEmpty { centroids.values = merged }
        let own = pool.groups.flatMap(\.scores)
        metrics["reward"] = own.reduce(0, +) / Double(max(own.count, 1))
        pending = nil
        return StepReport(round: pool.round, steps: pool.step..<pool.step + 1, examples: 0, metrics: metrics)
    }

    /// Networks, centres, Adam's moments, and a batch in flight; never a state of a private text.
    package func snapshot() throws -> [UInt8] {
        var writer = SnapshotWriter(trainer: Self.name, version: 1)
        writer.write(round)
        writer.write(adapter)
        writer.write(optimiser.stepCount)
        writer.write(optimiser.moments)
        writer.write(pending == nil ? 0 : 1)
        if let pending { writer.write(pending) }
        return writer.bytes
    }

    /// Continues from a snapshot.
    package func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: Self.name, version: 1)
        let round = try reader.int()
        let weights = try reader.adapter()
        let state = AdamW.State(stepCount: try reader.int(), moments: try reader.floats())
        let pending = try reader.int() == 1 ? try reader.batch() : nil
        try reader.finish()
        let count = 2 * net.parameters.reduce(0) { $0 + $1.count }
        guard round >= 0, state.stepCount >= 0, [0, count].contains(state.moments.count) else {
            throw SnapshotFault(
                "snapshot: round \(round), \(state.moments.count) moments for \(count / 2) parameters"
            )
        }
        do {
            try take(weights)
        } catch {
            throw SnapshotFault("snapshot: \(error)")
        }
        (self.round, optimiser, self.pending) = (round, state, pending)
    }
}

/// The `ret` trainer's adapter: the networks' arrays and the groups' centres.
enum RETAdapter {
    static let centroids = MacrostateFolder.centroidsName

    static func weights(_ net: AdapterWeights, _ centroids: Centroids) -> AdapterWeights {
        let array = NamedArray(
            name: Self.centroids,
            shape: [centroids.count, centroids.width],
            values: centroids.values
        )
        return AdapterWeights(net.arrays + [array])
    }

    static func centroids(of adapter: AdapterWeights, _ settings: RETSettings) -> Centroids {
        let count = settings.groups * settings.shape.outputs
        let values = adapter[Self.centroids]?.values ?? [Float](repeating: 0, count: count)
        return Centroids(width: settings.shape.outputs, values: values)
    }

    static func net(of adapter: AdapterWeights) -> AdapterWeights {
        AdapterWeights(adapter.arrays.filter { $0.name != Self.centroids })
    }
}
