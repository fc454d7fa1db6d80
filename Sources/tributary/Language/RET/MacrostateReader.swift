internal import Contract
internal import Report
internal import Text
internal import Trainers

/// Reads recorded trajectories by macrostates: what `macrostates show` draws.
struct MacrostateReader {
    /// The networks and the groups.
    let macrostates: Macrostates
    /// The trajectories.
    let set: TrajectorySet
    /// Those that are measured, and from which examples are taken.
    let measured: TrajectorySubset
    /// The trajectories that closure is fitted on, and those that it is measured on.
    private let closureSides: (train: TrajectorySubset, heldOut: TrajectorySubset)
    /// The tokenizer of the model.
    let tokenizer: any Tokenizer
    /// How the trajectories were recorded; nil where that is not known.
    var header: TrajectoryHeader?
    /// How many texts are shown, evenly spread over the set, if none are named.
    var textCount = 8
    /// The identifiers of the texts to show.
    var ids: [String] = []
    /// How many spans of each group are shown.
    var examples = 4
    /// Whether closure is measured, which takes the longest of all.
    var measuresClosure = true
    /// Whether a behaviour is foretold, where there are labels.
    var measuresPrediction = true

    /// How many tokens stand before and behind a span.
    private static let context = 8
    /// One trajectory in how many `learn` and `fit` leave out.
    private static let heldOutOneIn = 5
    /// At which horizons closure is measured, in tokens (RET's notes, section 4).
    private static let horizons = [1, 4, 8, 16]

    /// Labels of the tokens that are learnt from, and what they were made of.
    struct Labelled {
        /// The macrostates of all trajectories, `[N, m]`.
        var points: [Float] = []
        var labels: [[Int32]] = []
        var distances: [[Float]] = []
        /// The texts of the same tokens.
        var words: [[String]] = []
        /// The texts of all tokens of each trajectory.
        var pieces: [[String]] = []
        /// How many leading tokens of each trajectory have no label.
        var skipped: [Int] = []
    }

    /// Prepares to read.
    ///
    /// - Parameters:
    ///   - macrostates: The networks and the groups.
    ///   - set: The trajectories.
    ///   - tokenizer: The tokenizer of the model.
    ///   - takesAll: Whether all trajectories are measured; otherwise the fifth that learning leaves out.
    init(macrostates: Macrostates, set: TrajectorySet, tokenizer: any Tokenizer, takesAll: Bool = false) {
        self.macrostates = macrostates
        self.set = set
        self.tokenizer = tokenizer
        closureSides = set.split(heldOutOneIn: Self.heldOutOneIn)
        measured = takesAll || closureSides.heldOut.indices.isEmpty ? set.all : closureSides.heldOut
    }

    /// What there is to see.
    ///
    /// - Throws: `TrajectoryFault` for trajectories of another model or layer, an unknown text, or a file
    ///   that can no longer be read; `AdapterFault` for networks of another shape.
    func reading(title: String) throws -> MacrostateReading {
        try macrostates.require(set.source, of: "the trajectories")
        let shown = try shown()
        let net = try macrostates.makeNet()
        let labelled = try label(with: net)
        let dynamics = GroupDynamics(labelled.labels, groups: macrostates.centroids.count)
        let flat = labelled.labels.flatMap { $0 }
        let tokens = zip(measured.trajectories, labelled.skipped).flatMap { $0.tokens.dropFirst($1) }
        let positions = PositionBins.labels(labelled.labels.map(\.count))
        var reading = MacrostateReading(
            title: title,
            model: modelName,
            layer: layerText,
            groups: groups(labelled, dynamics),
            transitions: dynamics.transitions,
            passages: try shown.map { try passage($0, net) },
            trust: MacrostateReading.Trust(
                consistency: dynamics.temporalConsistency,
                chance: dynamics.chanceConsistency,
                withPieces: Agreement.nmi(flat, tokens),
                withPositions: Agreement.nmi(flat, positions),
                rank: (
                    Spread(of: labelled.points, width: net.shape.outputs).effectiveRank, net.shape.outputs
                )
            )
        )
        reading.remarks = [
            "RET as reconstructed from the paper's abstract and contents (arXiv 2605.09294), not the "
                + "authors' own program. "
                + (measured.indices.count < set.trajectories.count
                    ? "Measures and examples are of \(measured.indices.count) texts that learning left out."
                    : "Measures and examples are of all texts: kinder than on new ones if learnt from these.")
        ]
        if !macrostates.stability.isEmpty {
            reading.choice = MacrostateReading.Choice(
                counts: macrostates.stability.map(\.groups),
                agreements: macrostates.stability.map(\.adjustedRand),
                rule: "The smallest number on which two halves of the texts agree nearly as well (within "
                    + "\(GroupCount.tolerance)) as on any."
            )
        }
        if measuresClosure { closure(net, into: &reading) }
        if measuresPrediction { try predict(into: &reading) }
        reading.facts = facts(flat.count)
        return reading
    }

    // MARK: - Labels

    func label(with net: MacrostateNet) throws -> Labelled {
        var labelled = Labelled()
        for trajectory in measured.trajectories {
            let rows = trajectory.learnableRows
            let points = try net.encode(rows: rows, start: trajectory.rows.lowerBound, of: set)
            let (nearest, squares) = macrostates.centroids.distances(points)
            let pieces = tokenizer.pieces(trajectory.tokens)
            let skipped = rows.lowerBound - trajectory.rows.lowerBound
            labelled.points += points
            labelled.labels.append(nearest)
            labelled.distances.append(squares)
            labelled.words.append(Array(pieces[skipped...]))
            labelled.pieces.append(pieces)
            labelled.skipped.append(skipped)
        }
        return labelled
    }

    private func groups(_ labelled: Labelled, _ dynamics: GroupDynamics) -> [MacrostateReading.Group] {
        let count = macrostates.centroids.count
        let spans = TypicalSpan.find(
            labels: labelled.labels,
            distances: labelled.distances,
            groups: count,
            count: examples
        )
        let proposed = GroupNames.propose(labels: labelled.labels, words: labelled.words, groups: count)
        return (0..<count).map { group in
            let known = macrostates.groups[group]
            let isProposed = known.name.isEmpty && !proposed[group].isEmpty
            var shown = MacrostateReading.Group(
                name: isProposed ? proposed[group] : macrostates.name(of: group),
                share: dynamics.shares[group],
                dwell: dynamics.dwell[group],
                examples: spans[group].map { example($0, labelled) }
            )
            shown.isNameProposed = isProposed
            shown.recall = known.recall
            shown.forcedChoice = known.forcedChoice
            return shown
        }
    }

    private func example(_ span: TypicalSpan, _ labelled: Labelled) -> MacrostateReading.Example {
        let pieces = labelled.pieces[span.trajectory]
        let skipped = labelled.skipped[span.trajectory]
        let tokens = span.tokens.lowerBound + skipped..<span.tokens.upperBound + skipped
        let from = max(0, tokens.lowerBound - Self.context)
        let to = min(pieces.count, tokens.upperBound + Self.context)
        func text(_ range: Range<Int>) -> String { pieces[range].joined() }
        return MacrostateReading.Example(
            before: (from > 0 ? "… " : "") + text(from..<tokens.lowerBound),
            span: text(tokens),
            after: text(tokens.upperBound..<to) + (to < pieces.count ? " …" : ""),
            source: "\(measured.trajectories[span.trajectory].id), tokens \(tokens.lowerBound + 1) to "
                + "\(tokens.upperBound)"
        )
    }

    // MARK: - Texts

    /// Which trajectories are shown.
    private func shown() throws(TrajectoryFault) -> [Trajectory] {
        guard ids.isEmpty else {
            var shown: [Trajectory] = []
            for id in ids {
                guard let trajectory = set.trajectories.first(where: { $0.id == id }) else {
                    let some = set.trajectories.prefix(5).map(\.id).joined(separator: ", ")
                    throw TrajectoryFault("", "found no text '\(id)', expected one such as \(some)")
                }
                shown.append(trajectory)
            }
            return shown
        }
        let all = measured.trajectories
        let count = min(textCount, all.count)
        return (0..<count).map { all[$0 * all.count / count] }
    }

    /// A text with the groups of all its tokens, those of the prompt too, though nothing was learnt from
    /// them.
    private func passage(
        _ trajectory: Trajectory,
        _ net: MacrostateNet
    ) throws -> MacrostateReading.Passage {
        let labels = macrostates.centroids.assign(try net.encode(trajectory, of: set))
        let isRead = header?.mode == "read" || trajectory.promptCount == trajectory.tokens.count
        let changes = zip(labels, labels.dropFirst()).count { $0 != $1 }
        return MacrostateReading.Passage(
            title: trajectory.id,
            note: [trajectory.topic, verdict(trajectory), "\(changes) changes of group"].filter {
                !$0.isEmpty
            }
            .joined(separator: " · "),
            pieces: tokenizer.pieces(trajectory.tokens).enumerated().map { index, piece in
                MacrostateReading.Piece(
                    piece,
                    group: Int(labels[index]),
                    isGiven: !isRead && index < trajectory.promptCount
                )
            }
        )
    }

    /// What a text's label says; empty without one.
    private func verdict(_ trajectory: Trajectory) -> String {
        switch trajectory.label {
        case 1?: behaviour
        case 0?: "not: \(behaviour)"
        default: ""
        }
    }

    // MARK: - Measures and facts

    private func closure(_ net: MacrostateNet, into reading: inout MacrostateReading) {
        for horizon in Self.horizons {
            do {
                let found = try Closure(
                    net,
                    train: closureSides.train,
                    heldOut: closureSides.heldOut,
                    horizon: horizon,
                    seed: 1
                )
                reading.closure.append(
                    .init(horizon: horizon, fromMacrostate: found.net, fromBoth: found.net + found.netGap)
                )
            } catch {
                // Texts that are too short for a horizon say nothing about it; the page says so.
                reading.remarks.append("No closure is shown from \(horizon) tokens on: \(error).")
                return
            }
        }
    }

    /// What labels say of a trajectory whose label is 1.
    private var behaviour: String { header?.label ?? "label 1" }

    /// The early prediction of labels, where there are any.
    private func predict(into reading: inout MacrostateReading) throws {
        guard set.trajectories.contains(where: { $0.label != nil }) else { return }
        do {
            reading.figures += try BehaviourForecast(macrostates, of: set, behaviour: behaviour).figures
        } catch let error as BehaviourError {
            reading.remarks.append("No early prediction of '\(behaviour)' is shown: \(error).")
        }
    }

    /// The model's name without the folder that it is in on this machine.
    var modelName: String {
        let name = set.source.name
        return name.split(separator: "/").last.map(String.init) ?? name
    }

    private var layerText: String {
        let names = set.source.layers.map { $0 == 0 ? "the embedding" : "block \($0)" }
        return "hidden states after \(names.joined(separator: ", "))"
    }

    private func facts(_ states: Int) -> [(name: String, value: String)] {
        let shape = macrostates.shape
        var facts = [
            ("texts", "\(measured.indices.count) of \(set.trajectories.count)"),
            ("tokens with a group", "\(states)"),
            ("model's digest", String(set.source.model.prefix(16)) + "…"),
            ("hidden state", "\(set.width) numbers"),
            ("macrostate", "\(shape.outputs) numbers"),
            ("windows", shape.windows.map { "\($0)" }.joined(separator: ", ") + " tokens"),
        ]
        if let header {
            facts.append(("data", header.data))
            facts.append(
                ("mode", header.mode == "generate" ? "the model goes on from prompts" : "the model reads")
            )
            if header.mode == "generate" { facts.append(("temperature", "\(header.temperature)")) }
        }
        return facts.map { (name: $0.0, value: $0.1) }
    }
}
