internal import Glibc
internal import TributaryKit

/// The coordinator's half: it has the labels of the public rows.
struct LogisticJudge: PublicJudge {
    private let settings: Settings
    private let seed: UInt64
    private let publicRows: [Table.Row]
    private let heldOut: [Table.Row]

    init(settings: Settings, context: CoordinatorContext) throws {
        self.settings = settings
        seed = context.run.seed
        publicRows = try Table(context.publicData, settings, context.run).rows
        heldOut = try Table(context.evaluationData, settings, context.run).rows
    }

    func initialAdapter() throws -> AdapterWeights { Model(features: settings.features.count).adapter }

    func batch(round: Int, step: Int) throws -> PublicBatch {
        var stream = RandomStream(seed: seed, "public-rows", round, step)
        let count = min(settings.publicRowsPerStep, publicRows.count)
        let items = stream.choose(count, from: Array(publicRows.indices)).map { index in
            let row = publicRows[index]
            return PublicItem(id: "\(index)", topic: row.group, payload: FloatPayload.encode(row.features))
        }
        return PublicBatch(round: round, step: step, items: items, responsesPerItem: 1)
    }

    /// The probability that the response gives to the true label.
    func score(_ responses: [[Response]], to batch: PublicBatch, from sender: Sender) throws -> [[Double]] {
        try zip(batch.items, responses).map { item, group in
            try group.map { response in
                let (place, size) = (response.index, response.payload.count)
                if size > 4 {
                    throw ResponseFault.tooLong(item: item.id, index: place, length: size, limit: 4)
                }
                guard let p = FloatPayload.decode(response.payload, count: 1)?[0], (0...1).contains(p),
                    let index = Int(item.id), publicRows.indices.contains(index)
                else {
                    let reason = "expected one probability for a public row"
                    throw ResponseFault.malformed(item: item.id, index: place, reason: reason)
                }
                return Double(publicRows[index].label == 1 ? p : 1 - p)
            }
        }
    }

    var acceptedScore: Double { 0.5 }

    /// The accuracy with its 95 % interval (normal approximation), by group, and the weights as a figure.
    func evaluate(_ adapter: AdapterWeights, round: Int) throws -> Evaluation {
        var model = Model(features: settings.features.count)
        try model.load(adapter)
        let right = heldOut.map {
            (group: $0.group, is: (model.probability($0.features) >= 0.5) == ($0.label == 1))
        }
        let slices = Set(right.map(\.group)).map { name in
            let own = right.filter { $0.group == name }
            return SliceEvaluation(name: name, items: own.count, value: share(own.map(\.is)))
        }
        let value = share(right.map(\.is))
        let spread = 1.96 * (value * (1 - value) / Double(right.count)).squareRoot()
        let bars = Figure.Bars(
            xName: "feature",
            yName: "weight",
            groups: settings.features,
            series: [.init("weight", values: model.weights.map(Double.init))]
        )
        return Evaluation(
            Measure(
                key: "accuracy",
                unit: .fraction,
                meaning: "the share of held-out rows whose label is predicted",
                slice: "group"
            ),
            value: value,
            interval: Interval(low: max(0, value - spread), high: min(1, value + spread)),
            slices: slices,
            metrics: ["rows": Double(model.rows)],
            figures: [Figure("Weights", caption: "What the model makes of each feature.", .bars(bars))]
        )
    }

    private func share(_ right: [Bool]) -> Double { Double(right.count { $0 }) / Double(right.count) }
}
