internal import Glibc
public import TributaryKit

/// Federated logistic regression on CSV files: a trainer that a stranger could have written. It sees the public
/// library alone, and Sources/TributaryKit/README.md walks through it.
public let logisticRegression = TrainerEntry(LogisticTrainer.self, judge: LogisticJudge.self)

/// `trainer.settings`.
struct Settings: TrainerSettings {
    var features: [String] = []
    var label = "label"
    /// The column by which the report tells rows apart; none if empty.
    var group = ""
    var learningRate: Float = 0.1
    var rowsPerStep = 16
    var publicRowsPerStep = 8

    func validate() throws(SettingsFault) {
        try SettingsFault.require(!features.isEmpty, "features", "found none, expected names of columns")
        try SettingsFault.require(
            learningRate > 0 && learningRate <= 100,
            "learningRate",
            "found \(learningRate), expected more than 0 and at most 100"
        )
        for (key, rows) in [("rowsPerStep", rowsPerStep), ("publicRowsPerStep", publicRowsPerStep)] {
            try SettingsFault.require((1...10_000).contains(rows), key, "found \(rows), expected 1 to 10000")
        }
    }
}

/// p(y = 1 | x) = 1 / (1 + exp(−(w·x + b))).
struct Model {
    var weights: [Float]
    var bias: Float = 0
    /// How many rows were trained on, by all clients together.
    var rows: Float = 0

    var adapter: AdapterWeights {
        AdapterWeights([
            NamedArray(name: "weights", shape: [weights.count], values: weights),
            NamedArray(name: "bias", shape: [1], values: [bias]),
            NamedArray(name: "rows", shape: [1], values: [rows], part: .summed),
        ])
    }

    init(features: Int) { weights = Array(repeating: 0, count: features) }

    mutating func load(_ adapter: AdapterWeights) throws(AdapterFault) {
        try self.adapter.layout.check(adapter.layout)
        weights = adapter["weights"]?.values ?? []
        bias = adapter["bias"]?.values[0] ?? 0
        rows = adapter["rows"]?.values[0] ?? 0
    }

    func probability(_ x: [Float]) -> Float {
        1 / (1 + exp(-zip(weights, x).reduce(bias) { $0 + $1.0 * $1.1 }))
    }

    /// One step of gradient descent on the mean log loss, which is returned.
    mutating func learn(_ rows: [(x: [Float], y: Float)], rate: Float) -> Double {
        let scale = rate / Float(max(rows.count, 1))
        let errors = rows.map { probability($0.x) - $0.y }
        for (row, error) in zip(rows, errors) {
            for index in row.x.indices { weights[index] -= scale * error * row.x[index] }
            bias -= scale * error
        }
        return errors.reduce(0) { $0 - Double(log(max(1e-7, 1 - abs($1)))) } / Double(max(rows.count, 1))
    }
}

/// The client's half.
struct LogisticTrainer: LocalTrainer {
    static let name = "logistic"
    private let settings: Settings
    private let context: ClientContext
    private let table: Table
    private var model: Model
    /// The batch that was answered last; its answers are what the model still says.
    private var pending: PublicBatch?

    static func examine(_ settings: Settings, _ client: ClientContext) throws -> String {
        "\(try Table(client.data, settings, client.run).rows.count) rows"
    }

    init(settings: Settings, context: ClientContext) throws {
        self.settings = settings
        self.context = context
        table = try Table(context.data, settings, context.run)
        model = Model(features: settings.features.count)
    }

    var adapter: AdapterWeights { model.adapter }

    mutating func beginRound(_ round: Int, adapter: AdapterWeights) throws {
        try model.load(adapter)
        pending = nil
    }

    mutating func adapt(_ plan: StepPlan, progress: (StepReport) throws -> Void) throws -> StepReport {
        var reports: [StepReport] = []
        for step in plan.steps {
            var stream = RandomStream(seed: context.run.seed, context.name, "rows", plan.round, step)
            let rows = (0..<settings.rowsPerStep).map { _ in table.rows[stream.below(table.rows.count)] }
            let loss = model.learn(rows.map { ($0.features, $0.label) }, rate: settings.learningRate)
            model.rows += Float(rows.count)
            reports.append(report(plan.round, step, examples: rows.count, ["loss": loss]))
            try progress(reports[reports.count - 1])
        }
        return .mean(of: reports, for: plan)
    }

    mutating func respond(to batch: PublicBatch) throws -> [Response] {
        let rows = try settings.rows(of: batch)
        pending = batch
        return zip(batch.items, rows).map { item, x in
            Response(itemID: item.id, index: 0, payload: FloatPayload.encode([model.probability(x)]))
        }
    }

    /// Learns from the answers that count as correct: its own, and those it was given for wrong ones.
    mutating func absorb(_ pool: ResponsePool) throws -> StepReport {
        guard let batch = pending else { throw PoolFault.nothingPending }
        try pool.check(against: batch)
        var rows: [(x: [Float], y: Float)] = []
        for (x, group) in zip(try settings.rows(of: batch), pool.groups) {
            let given = group.replacements.first
            guard given?.score ?? group.scores[0] >= 0.5 else { continue }
            guard
                let answer = given.map({ FloatPayload.decode($0.payload, count: 1)?[0] })
                    ?? model.probability(x)
            else { throw PoolFault.unreadable("the answer to '\(group.itemID)' is no number") }
            rows.append((x, answer >= 0.5 ? 1 : 0))
        }
        pending = nil
        let loss = model.learn(rows, rate: settings.learningRate)
        return report(pool.round, pool.step, examples: 0, ["loss": loss, "learnt": Double(rows.count)])
    }

    private func report(_ round: Int, _ step: Int, examples: Int, _ metrics: [String: Double]) -> StepReport {
        StepReport(round: round, steps: step..<step + 1, examples: examples, metrics: metrics)
    }

    func snapshot() throws -> [UInt8] {
        var writer = SnapshotWriter(trainer: Self.name, version: 1)
        writer.write(model.adapter)
        writer.write(pending == nil ? 0 : 1)
        if let pending { writer.write(pending) }
        return writer.bytes
    }

    mutating func restore(_ bytes: [UInt8]) throws {
        var reader = try SnapshotReader(bytes, trainer: Self.name, version: 1)
        var restored = model
        let adapter = try reader.adapter()
        let pending = try reader.int() == 1 ? try reader.batch() : nil
        try reader.finish()
        guard (try? restored.load(adapter)) != nil else {
            throw SnapshotFault("snapshot: it is of other features")
        }
        (model, self.pending) = (restored, pending)
    }
}
