internal import Exchange
public import Trainers

/// The laws that every trainer keeps. A new trainer's tests call `check` and expect no failure.
public struct TrainerConformance {
    /// The trainer.
    public var entry: TrainerEntry
    /// Settings that make it learn something in a few steps.
    public var settings: [UInt8]
    /// The resources of a client by name.
    public var client: (String) -> ClientResources
    /// The judge's resources.
    public var coordinator: CoordinatorResources
    /// Metrics that a local step must report.
    public var metrics: [String]

    /// Describes what is to be checked.
    public init(
        entry: TrainerEntry,
        settings: [UInt8],
        client: @escaping (String) -> ClientResources,
        coordinator: CoordinatorResources,
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
    public func check() throws -> [String] {
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
        try law("the judge refuses an unknown item", judgeRefusesUnknownItem)
        try law("the judge refuses an index outside of 0 ..< K", judgeRefusesIndex)
        try law("the judge refuses a response without end", judgeRefusesLong)
        try law("a pool without replacements can be absorbed, and only once", absorbsOnce)
        try law("a pool of another step is refused", refusesOtherStep)
        try law("a restart after any call goes on to the same bytes", restartsAnywhere)
        try law("damaged snapshots are refused and change nothing", refusesDamagedSnapshots)
        try law("beginRound takes over the adapter as it is", beginRoundReplaces)
        try law("beginRound refuses another layout", beginRoundRefuses)
        try law("progress is told of each step, and can end the call", progressIsTold)
        try law("a local step reports the metrics promised", reportsMetrics)
        return broken
    }
}

// MARK: - Settings and layout

extension TrainerConformance {
    private func settingsRoundTrip() throws -> Bool {
        let complete = try entry.resolveSettings(settings)
        return try entry.resolveSettings(complete) == complete
            && entry.resolveSettings(Array("{}".utf8)) == entry.resolveSettings([])
    }

    private func refusesUnknownKey() throws -> Bool {
        do {
            _ = try entry.resolveSettings(Array(#"{"learningRat": 1}"#.utf8))
            return false
        } catch let fault as SettingsFault {
            return fault.key == "learningRat" && fault.description.contains("learningRat")
        }
    }

    private func sameLayout() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        return try judge.initialAdapter().hasSameLayout(as: makeTrainer("a").adapter)
    }
}

// MARK: - Steps

extension TrainerConformance {
    private func makeTrainer(_ name: String) throws -> any LocalTrainer {
        try entry.makeTrainer(settings, client(name))
    }

    private func started(_ name: String) throws -> any LocalTrainer {
        var trainer = try makeTrainer(name)
        try trainer.beginRound(0, adapter: try entry.makeJudge(settings, coordinator).initialAdapter())
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
                NamedArray(name: $0.name, shape: $0.shape, values: $0.values.map { $0 * 0.5 + 0.25 })
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
        return try trainer.respond(to: judge.batch(round: 0, step: 2)).allSatisfy {
            try judge.score($0).isFinite
        }
    }

    private func isRefused(_ change: (inout Response) -> Void, as fault: (ResponseFault) -> Bool) throws
        -> Bool
    {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        var response = try trainer.respond(to: judge.batch(round: 0, step: 2))[0]
        change(&response)
        do {
            _ = try judge.score(response)
            return false
        } catch let found as ResponseFault {
            return fault(found)
        }
    }

    private func judgeRefusesUnknownItem() throws -> Bool {
        try isRefused({ $0.itemID += "?" }) { if case .unknownItem = $0 { true } else { false } }
    }

    private func judgeRefusesIndex() throws -> Bool {
        try isRefused({ $0.index = 1 << 20 }) { if case .indexOutOfRange = $0 { true } else { false } }
            && isRefused({ $0.index = -1 }) { if case .indexOutOfRange = $0 { true } else { false } }
    }

    private func judgeRefusesLong() throws -> Bool {
        try isRefused({ $0.payload = Array(repeating: 0, count: 1 << 22) }) {
            if case .tooLong = $0 { true } else { false }
        }
    }

    private func absorbsOnce() throws -> Bool {
        let judge = try entry.makeJudge(settings, coordinator)
        var trainer = try started("a")
        let batch = try judge.batch(round: 0, step: 2)
        let pool = try Run.unchangedPool(batch, try trainer.respond(to: batch), judge)
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
        var pool = try Run.unchangedPool(batch, try trainer.respond(to: batch), judge)
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
            initial = try judge.initialAdapter()
        }

        /// Makes the next call; false when there is none left.
        mutating func advance() throws -> Bool {
            guard call < Run.calls else { return false }
            defer { call += 1 }
            let (round, phase) = (call / 5, call % 5)
            let batch = try judge.batch(round: round, step: 2)
            switch phase {
            case 0: try trainer.beginRound(round, adapter: round == 0 ? initial : trainer.adapter)
            case 1: _ = try trainer.adapt(StepPlan(round: round, steps: 0..<2)) { _ in }
            case 2: responses = try trainer.respond(to: batch)
            case 3: _ = try trainer.absorb(Run.unchangedPool(batch, responses, judge))
            default: _ = try trainer.adapt(StepPlan(round: round, steps: 3..<4)) { _ in }
            }
            return true
        }

        static func unchangedPool(
            _ batch: PublicBatch,
            _ responses: [Response],
            _ judge: any PublicJudge
        ) throws -> ResponsePool {
            let count = batch.responsesPerItem
            return ResponsePool(
                round: batch.round,
                step: batch.step,
                groups: try batch.items.enumerated().map { position, item in
                    PooledGroup(
                        itemID: item.id,
                        scores: try responses[position * count..<(position + 1) * count].map {
                            try judge.score($0)
                        },
                        replacements: []
                    )
                }
            )
        }
    }
}
