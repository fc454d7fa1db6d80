internal import Contract
internal import Text

/// What merged macrostates are like on held-out texts.
struct MacrostateEvaluation {
    let spread: Spread
    private let cosines: [Double]
    private let set: TrajectorySet
    private let labels: [[Int32]]
    private let dynamics: GroupDynamics

    static let measure = Measure(
        key: "nextStateCosine",
        name: "next-state cosine",
        meaning:
            "the mean cosine between the foretold and the actual macrostate of held-out texts, off their mean",
        slice: "topic"
    )

    init(_ net: MacrostateNet, _ centroids: Centroids, _ set: TrajectorySet, horizon: Int) throws {
        self.set = set
        let z = try set.trajectories.map { trajectory in
            try net.encode(rows: trajectory.learnableRows, start: trajectory.rows.lowerBound, of: set)
        }
        spread = Spread(of: z.flatMap { $0 }, width: net.shape.outputs)
        cosines = NextState.cosines(net, of: z, horizon: horizon)
        labels = z.map { centroids.assign($0) }
        dynamics = GroupDynamics(labels, groups: centroids.count)
    }

    func evaluation(_ tokenizer: any Tokenizer) -> Evaluation {
        let topics = Set(set.trajectories.map(\.topic)).sorted()
        let slices = topics.map { topic in
            let own = zip(set.trajectories, cosines).filter { $0.0.topic == topic }.map(\.1)
            return SliceEvaluation(
                name: topic,
                items: own.count,
                value: own.reduce(0, +) / Double(max(own.count, 1))
            )
        }
        let flat = labels.flatMap { $0 }
        let tokens = set.trajectories.flatMap { $0.tokens.suffix($0.learnableRows.count) }
        let positions = PositionBins.labels(labels.map(\.count))
        return Evaluation(
            MacrostateEvaluation.measure,
            value: cosines.reduce(0, +) / Double(max(cosines.count, 1)),
            slices: slices,
            metrics: [
                "effectiveRank": spread.effectiveRank, "deviationMin": spread.deviationMin,
                "temporalConsistency": dynamics.temporalConsistency,
                "temporalConsistencyChance": dynamics.chanceConsistency,
                "nmiTokens": Agreement.nmi(flat, tokens), "nmiPositions": Agreement.nmi(flat, positions),
            ],
            figures: figures(tokenizer)
        )
    }

    private func figures(_ tokenizer: any Tokenizer) -> [Figure] {
        let names = (0..<dynamics.groups).map { "group \($0)" }
        var figures = [
            Figure(
                "Transitions between groups",
                caption: "How often the group of the column follows the group of the row, on held-out texts.",
                .heatMap(Figure.HeatMap(rows: names, columns: names, values: dynamics.transitions))
            ),
            Figure(
                "Groups",
                caption: "The share of each group on held-out texts; no group has a name yet.",
                .bars(
                    Figure.Bars(
                        xName: "group",
                        yName: "share",
                        groups: names,
                        series: [.init("share", values: dynamics.shares)]
                    )
                )
            ),
        ]
        if let trajectory = set.trajectories.first {
            let skipped = trajectory.learnableRows.lowerBound - trajectory.rows.lowerBound
            let pieces = tokenizer.pieces(trajectory.tokens)
            let spans = pieces.enumerated().map { index, piece in
                Figure.AnnotatedText.Span(
                    piece,
                    group: index < skipped ? nil : Int(labels[0][index - skipped])
                )
            }
            let shares = dynamics.shares.map { "(\(Int(($0 * 100).rounded())) % of the tokens)" }
            figures.append(
                Figure(
                    "A held-out text",
                    caption:
                        "Each token with the number of its group; tokens that are not learnt from have none.",
                    .annotatedText(Figure.AnnotatedText(groups: shares, spans: spans))
                )
            )
        }
        return figures
    }
}

extension Tokenizer {
    /// The text of each token as it stands after the one before it, so that together they are the text of all. Bytes of a
    /// character that is not whole yet wait for the token that completes it.
    package func pieces(_ tokens: [Int32]) -> [String] {
        var pieces: [String] = []
        var waiting: [UInt8] = []
        for index in tokens.indices {
            let before = index > 0 ? decodeBytes([tokens[index - 1]]).count : 0
            waiting += decodeBytes(Array(tokens[max(0, index - 1)...index])).dropFirst(before)
            if let text = String(validating: waiting, as: UTF8.self) {
                pieces.append(text)
                waiting = []
            } else {
                pieces.append("")
            }
        }
        return pieces
    }
}
