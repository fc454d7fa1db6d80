internal import FoundationEssentials
package import Contract

/// The laws that every trainer keeps. A new trainer's tests call `check` and expect no failure.
package struct TrainerConformance {
    /// The trainer.
    package var entry: TrainerEntry
    /// Settings that make it learn something in a few steps.
    package var settings: [UInt8]
    /// The context of a client by name; its settings are replaced.
    package var client: (String) -> ClientContext
    /// The judge's context; its settings are replaced.
    package var coordinator: CoordinatorContext
    /// Metrics that a local step must report.
    package var metrics: [String]

    /// Describes what is to be checked.
    package init(
        entry: TrainerEntry,
        settings: [UInt8],
        client: @escaping (String) -> ClientContext,
        coordinator: CoordinatorContext,
        metrics: [String] = []
    ) {
        self.entry = entry
        self.settings = settings
        self.client = client
        self.coordinator = coordinator
        self.metrics = metrics
    }

    /// Checks every law.
    ///
    /// - Returns: A sentence for each law that is broken.
    package func check() throws -> [String] {
        var broken: [String] = []
        func law(_ sentence: String, _ holds: () throws -> Bool) throws {
            if !(try holds()) { broken.append("\(entry.name): \(sentence)") }
        }
        try law("settings that are complete stay as they are", settingsRoundTrip)
        try law("an unknown setting is refused by its name", refusesUnknownKey)
        try law("the judge's first adapter has the trainer's layout", sameLayout)
        try law("zero steps change nothing and report nothing", zeroSteps)
        try law("local steps change the adapter and not its layout", stepsLearn)
        try law("the same seed gives the same bytes", sameSeedSameBytes)
        try law("another client's name gives other bytes", otherNameOtherBytes)
        try law("a batch is the same however often it is asked", batchIsStable)
        try law("there are K responses to each item, in order", respondsInOrder)
        try law("the judge accepts every response of an honest client", judgeScores)
        try law("the judge refuses a response without end", judgeRefusesLong)
        try law("a pool without replacements can be absorbed, and only once", absorbsOnce)
        try law("a pool of another step is refused", refusesOtherStep)
        try law("a restart after any call goes on to the same bytes", restartsAnywhere)
        try law("damaged snapshots are refused and change nothing", refusesDamagedSnapshots)
        try law("beginRound takes over the adapter as it is", beginRoundReplaces)
        try law("beginRound refuses another layout", beginRoundRefuses)
        try law("progress is told of each step, and can end the call", progressIsTold)
        try law("a local step reports the metrics promised", reportsMetrics)
        try law("an evaluation is finite and survives the way through JSON", evaluatesFinitely)
        try law("local parts stay what they were when a round begins", localPartsStay)
        try law("summed parts hold whole numbers", countersCount)
        return broken
    }
}

// MARK: - Settings and layout

extension TrainerConformance {
    private func check(_ json: [UInt8]) throws -> [UInt8] {
        var run = coordinator.run
        run.settings = try Mapping(json: json)
        return try entry.check(run)
    }

    private func settingsRoundTrip() throws -> Bool {
        let complete = try check(settings)
        return try check(complete) == complete
    }

    private func refusesUnknownKey() throws -> Bool {
        do {
            var run = coordinator.run
            run.settings = try Mapping(json: settings).setting("learningRat", to: .integer(1))
            _ = try entry.check(run)
            return false
        } catch let error as ConfigurationError {
            return error.problems.map(\.key) == ["learningRat"] && error.description.contains("learningRat")
        }
    }

    private func sameLayout() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        return try judge.initialAdapter().travelling.layout == makeTrainer("a").adapter.travelling.layout
    }
}

// MARK: - Steps

extension TrainerConformance {
    private func makeTrainer(_ name: String) throws -> any LocalTrainer {
        try entry.makeTrainer(settings, client(name))
    }

    private func started(_ name: String) throws -> any LocalTrainer {
        var trainer = try makeTrainer(name)
        let initial = try entry.makeJudge(settings, coordinator).initialAdapter().travelling
        try trainer.beginRound(0, adapter: initial.adding(localPartsOf: trainer.adapter))
        return trainer
    }

    private func zeroSteps() throws -> Bool {
        var trainer = try started("a")
        let before = trainer.adapter
        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<0)) { _ in }
        return trainer.adapter == before && report.examples == 0
    }

    private func stepsLearn() throws -> Bool {
        var trainer = try started("a")
        let before = trainer.adapter
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        return trainer.adapter != before && trainer.adapter.hasSameLayout(as: before)
            && trainer.adapter.arrays.allSatisfy { $0.values.allSatisfy(\.isFinite) }
    }

    private func sameSeedSameBytes() throws -> Bool {
        func run() throws -> [UInt8] {
            var run = try Run(self, name: "a")
            while try run.advance() {}
            return try run.trainer.snapshot()
        }
        return try run() == run()
    }

    private func otherNameOtherBytes() throws -> Bool {
        var first = try started("a")
        var second = try started("b")
        _ = try first.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        _ = try second.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        return first.adapter != second.adapter
    }

    private func beginRoundReplaces() throws -> Bool {
        var trainer = try started("a")
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<1)) { _ in }
        let other = AdapterWeights(
            trainer.adapter.arrays.map {
                NamedArray(
                    name: $0.name,
                    shape: $0.shape,
                    values: $0.values.map { $0 * 0.5 + 0.25 },
                    part: $0.part
                )
            }
        )
        try trainer.beginRound(1, adapter: other)
        return trainer.adapter == other
    }

    private func beginRoundRefuses() throws -> Bool {
        var trainer = try started("a")
        let before = trainer.adapter
        var arrays = before.arrays
        arrays[0].name += "x"
        do {
            try trainer.beginRound(1, adapter: AdapterWeights(arrays))
            return false
        } catch is AdapterFault {
            return trainer.adapter == before
        }
    }

    private func progressIsTold() throws -> Bool {
        struct Enough: Error {}
        var trainer = try started("a")
        var seen: [Int] = []
        do {
            _ = try trainer.adapt(StepPlan(round: 0, steps: 3..<6)) { report in
                seen.append(report.steps.lowerBound)
                if seen.count == 2 { throw Enough() }
            }
            return false
        } catch is Enough {
            return seen == [3, 4]
        }
    }

    private func reportsMetrics() throws -> Bool {
        var trainer = try started("a")
        let report = try trainer.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        return metrics.allSatisfy { report.metrics[$0]?.isFinite == true }
    }
}

// MARK: - The public exchange

extension TrainerConformance {
    private func batchIsStable() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        let first = try judge.batch(round: 0, step: 2)
        _ = try judge.batch(round: 1, step: 5)
        return try judge.batch(round: 0, step: 2) == first
            && entry.makeJudge(settings, coordinator).batch(round: 0, step: 2) == first
            && Set(first.items.map(\.id)).count == first.items.count
    }

    private func respondsInOrder() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        let responses = try trainer.respond(to: batch)
        let expected = batch.items.flatMap { item in (0..<batch.responsesPerItem).map { (item.id, $0) } }
        return responses.map(\.itemID) == expected.map(\.0) && responses.map(\.index) == expected.map(\.1)
            && !responses.contains { $0.payload.isEmpty && $0.itemID.isEmpty }
    }

    private func judgeScores() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        let scores = try judge.score(flat: trainer.respond(to: batch), to: batch)
        return scores.count == batch.items.count
            && scores.allSatisfy { $0.count == batch.responsesPerItem && $0.allSatisfy(\.isFinite) }
    }

    private func judgeRefusesLong() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        var responses = try trainer.respond(to: batch)
        responses[0].payload = Array(repeating: 0, count: 1 << 22)
        do {
            _ = try judge.score(flat: responses, to: batch)
            return false
        } catch let fault as ResponseFault {
            if case .tooLong = fault { return true }
            return false
        }
    }

    private func evaluatesFinitely() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        let evaluation = try judge.evaluate(started("a").adapter.travelling, round: 0)
        let copy = try JSONDecoder().decode(Evaluation.self, from: JSONEncoder().encode(evaluation))
        return evaluation.notFinite == nil && copy == evaluation && !evaluation.measure.key.isEmpty
    }

    private func localPartsStay() throws -> Bool {
        var trainer = try started("a")
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        let own = trainer.adapter
        let other = try entry.makeJudge(settings, coordinator).initialAdapter().travelling
        try trainer.beginRound(1, adapter: other.adding(localPartsOf: own))
        let local = { (adapter: AdapterWeights) in adapter.arrays.filter { $0.part == .local } }
        return local(trainer.adapter) == local(own)
    }

    private func countersCount() throws -> Bool {
        var trainer = try started("a")
        _ = try trainer.adapt(StepPlan(round: 0, steps: 0..<2)) { _ in }
        return trainer.adapter.arrays.filter { $0.part == .summed }.allSatisfy { array in
            array.values.allSatisfy { $0 == $0.rounded() && abs($0) <= 16_777_216 }
        }
    }

    private func absorbsOnce() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        let pool = try Run.pool(batch, try trainer.respond(to: batch), judge)
        _ = try trainer.absorb(pool)
        do {
            _ = try trainer.absorb(pool)
            return false
        } catch let fault as PoolFault {
            return fault == .nothingPending
        }
    }

    private func refusesOtherStep() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        var pool = try Run.pool(batch, try trainer.respond(to: batch), judge)
        pool.step += 1
        do {
            _ = try trainer.absorb(pool)
            return false
        } catch let fault as PoolFault {
            if case .wrongStep = fault { return true }
            return false
        }
    }
}

// MARK: - Restarts

extension TrainerConformance {
    private func restartsAnywhere() throws -> Bool {
        var straight = try Run(self, name: "a")
        while try straight.advance() {}
        let expected = try straight.trainer.snapshot()
        for interruption in 0...Run.calls {
            var run = try Run(self, name: "a")
            for _ in 0..<interruption { _ = try run.advance() }
            let snapshot = try run.trainer.snapshot()
            // A new process: nothing survives but the snapshot and the messages.
            run.trainer = try makeTrainer("a")
            try run.trainer.restore(snapshot)
            while try run.advance() {}
            guard try run.trainer.snapshot() == expected, run.trainer.adapter == straight.trainer.adapter
            else {
                return false
            }
        }
        return true
    }

    private func refusesDamagedSnapshots() throws -> Bool {
        var run = try Run(self, name: "a")
        for _ in 0..<2 { _ = try run.advance() }
        let good = try run.trainer.snapshot()
        var other = good
        other[9] &+= 1
        for damaged in [[], Array(good.dropLast()), good + [0], other, Array(good.prefix(good.count / 2))] {
            do {
                try run.trainer.restore(damaged)
                return false
            } catch is SnapshotFault {
                guard try run.trainer.snapshot() == good else { return false }
            }
        }
        return true
    }

    /// Two short rounds, one call at a time.
    private struct Run {
        static let calls = 10
        var trainer: any LocalTrainer
        private let judge: any PublicJudge
        private let initial: AdapterWeights
        private var call = 0
        private var responses: [Response] = []

        init(_ subject: TrainerConformance, name: String) throws {
            trainer = try subject.makeTrainer(name)
            judge = try subject.entry.makeJudge(subject.settings, subject.coordinator)
            initial = try judge.initialAdapter().travelling
        }

        /// Makes the next call; false when there is none left.
        mutating func advance() throws -> Bool {
            guard call < Run.calls else { return false }
            defer { call += 1 }
            let (round, phase) = (call / 5, call % 5)
            let batch = try judge.batch(round: round, step: 2)
            switch phase {
            case 0:
                let start = round == 0 ? initial : trainer.adapter.travelling
                try trainer.beginRound(round, adapter: start.adding(localPartsOf: trainer.adapter))
            case 1: _ = try trainer.adapt(StepPlan(round: round, steps: 0..<2)) { _ in }
            case 2: responses = try trainer.respond(to: batch)
            case 3: _ = try trainer.absorb(Run.pool(batch, responses, judge))
            default: _ = try trainer.adapt(StepPlan(round: round, steps: 3..<4)) { _ in }
            }
            return true
        }

        /// What a client alone gets back: its own scores, or what the judge makes of its responses.
        static func pool(
            _ batch: PublicBatch,
            _ responses: [Response],
            _ judge: any PublicJudge
        ) throws -> ResponsePool {
            let scores = try judge.score(flat: responses, to: batch)
            let count = batch.responsesPerItem
            let step = ScoredStep(
                batch: batch,
                clients: [("a", scores)],
                merged: { try judge.initialAdapter() },
                responses: { _ in
                    batch.items.indices.map { Array(responses[$0 * count..<($0 + 1) * count]) }
                }
            )
            if case .pools(let pools, _) = try judge.combine(step), let pool = pools["a"] { return pool }
            return ResponsePool(
                round: batch.round,
                step: batch.step,
                groups: zip(batch.items, scores).map { PooledGroup(itemID: $0.id, scores: $1) }
            )
        }
    }
}
