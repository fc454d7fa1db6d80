internal import Contract

/// A trainer that trains nothing: in every round it adds fresh noise to a vector, so that a round is exchange alone
/// and nothing can be left out or compressed by luck.
struct VectorTrainer: LocalTrainer {
    /// `trainer.settings`.
    struct Settings: TrainerSettings {
        var values = 5_000_000
        var arrays = 20

        func validate() throws(SettingsFault) {
            guard arrays > 0, values >= arrays, values % arrays == 0 else {
                throw SettingsFault(
                    key: "values",
                    reason: "found \(values), expected a multiple of \(arrays)"
                )
            }
        }

        /// Values drawn evenly from −1 to 1.
        func initial(seed: UInt64) -> AdapterWeights {
            let count = values / arrays
            return AdapterWeights(
                (0..<arrays).map { index in
                    var values = [Float](repeating: 0, count: count)
                    Noise.add(to: &values, scale: 1, key: Noise.key(seed, 0, index))
                    return NamedArray(name: Self.name(of: index), shape: [count], values: values)
                }
            )
        }

        private static func name(of index: Int) -> String {
            let digits = "\(index)"
            return "vector." + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
    }

    static let name = "vector"
    private let key: UInt32
    private(set) var adapter: AdapterWeights

    init(settings: Settings, context: ClientContext) throws {
        key = context.name.utf8.reduce(17) { $0 &* 31 &+ UInt32($1) }
        adapter = settings.initial(seed: context.run.seed)
    }

    mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try self.adapter.layout.check(adapter.layout)
        self.adapter = adapter
    }

    mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        // Taken out, so that values are changed in place.
        var arrays = adapter.arrays
        adapter = AdapterWeights([])
        for index in arrays.indices {
            let key = Noise.key(UInt64(key), plan.round + 1, index)
            Noise.add(to: &arrays[index].values, scale: 0.01, key: key)
        }
        adapter = AdapterWeights(arrays)
        let report = StepReport(round: plan.round, steps: plan.steps, examples: 1, metrics: [:])
        try progress(report)
        return report
    }

    mutating func respond(to batch: PublicBatch) throws -> [Response] { [] }

    mutating func absorb(_ pool: ResponsePool) throws -> StepReport { throw PoolFault.nothingPending }

    func snapshot() throws -> [UInt8] {
        var writer = SnapshotWriter(trainer: Self.name, version: 1)
        writer.write(adapter)
        return writer.bytes
    }

    mutating func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: Self.name, version: 1)
        let restored = try reader.adapter()
        try reader.finish()
        guard restored.hasSameLayout(as: adapter) else {
            throw SnapshotFault("snapshot: it is of another vector")
        }
        adapter = restored
    }
}

/// Numbers that no compressor shrinks, at a nanosecond each.
private enum Noise {
    /// A stream's key.
    static func key(_ seed: UInt64, _ round: Int, _ array: Int) -> UInt32 {
        hash(hash(UInt32(truncatingIfNeeded: seed) &+ UInt32(round) &* 0x9E37_79B9) &+ UInt32(array))
    }

    /// Adds values drawn evenly from −scale to scale.
    static func add(to values: inout [Float], scale: Float, key: UInt32) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices {
                let word = Int32(bitPattern: hash(UInt32(truncatingIfNeeded: index) ^ key))
                values[index] += Float(word) * (scale * 0x1p-31)
            }
        }
    }

    /// lowbias32 (C. Wellons), a bijection of 32 bits.
    @inline(__always)
    private static func hash(_ value: UInt32) -> UInt32 {
        var x = value
        x = (x ^ x &>> 16) &* 0x7FEB_352D
        x = (x ^ x &>> 15) &* 0x846C_A68B
        return x ^ x &>> 16
    }
}

/// The coordinator's half, which finds every vector as good as another.
struct VectorJudge: PublicJudge {
    typealias Settings = VectorTrainer.Settings

    private let settings: Settings
    private let seed: UInt64

    init(settings: Settings, context: CoordinatorContext) throws {
        self.settings = settings
        seed = context.run.seed
    }

    var acceptedScore: Double { 1 }

    func initialAdapter() throws -> AdapterWeights { settings.initial(seed: seed) }

    func batch(round: Int, step: Int) throws -> PublicBatch {
        PublicBatch(round: round, step: step, items: [], responsesPerItem: 1)
    }

    func score(_ responses: [[Response]], to batch: PublicBatch, from sender: Sender) throws -> [[Double]] {
        responses.map { $0.map { _ in 0 } }
    }

    func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        Evaluation(
            Measure(key: "values", meaning: "how long the vector is"),
            value: Double(adapter.valueCount)
        )
    }
}
