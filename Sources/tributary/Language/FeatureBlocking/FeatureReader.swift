internal import Models
internal import Report
internal import Text
internal import Trainers

/// Fills the page of `features show`.
struct FeatureReader {
    /// What discovery found.
    let set: FeatureSet
    /// The folder that it lies in, for the autoencoder beside it.
    let folder: String
    /// The base model.
    let named: NamedModel
    /// K; all valid latents if nil.
    var count: Int?
    /// Where texts come from; none are shown without.
    var texts: ReadTexts?
    /// How many texts are shown of each latent.
    var examples = 5

    /// How many tokens stand before and behind the strongest one of a long text.
    private static let context = 24

    /// What there is to see.
    ///
    /// - Parameter progress: Told how many texts were read.
    /// - Throws: `FeatureFault` for a model that the set is not of, or a K out of range; what reading a text throws.
    func reading(title: String, progress: (Int) -> Void = { _ in }) throws -> FeatureReading {
        try set.check(named.base)
        let chosen = count == nil && set.validCount == 0 ? nil : try set.rows(count: count)
        let shown = try chosen.flatMap { rows in
            try texts.map { try self.texts($0, of: rows, progress: progress) }
        }
        let places = Dictionary(
            uniqueKeysWithValues: (chosen?.indices ?? []).enumerated().map { ($1, $0) }
        )
        var reading = FeatureReading(
            title: title,
            model: "\(named.source)",
            layer: set.layer == 0
                ? "after the embedding" : "block \(set.layer) of \(named.base.configuration.layerCount)",
            autoencoder: try autoencoder(),
            search: search,
            latents: set.latents.map { latent in
                FeatureReading.Latent(
                    index: latent.index,
                    isRaised: latent.sign > 0,
                    shift: latent.shift,
                    screen: latent.screen.map {
                        .init(
                            induced: Self.shares($0.induced),
                            repaired: Self.shares($0.repaired),
                            score: $0.score
                        )
                    },
                    calibration: latent.calibration.map(Self.calibration),
                    isChosen: places[latent.index] != nil,
                    texts: places[latent.index].flatMap { shown?.texts[$0] } ?? []
                )
            }
        )
        reading.facts = facts(shown?.states)
        reading.remarks = [
            "Screen and calibration are reconstructed from BLOCK-EM (arXiv 2602.00767); of the strengths within the "
                + "budget that with the best effect counts. A latent that induces and repairs on these questions is "
                + "a handle on the behaviour, no proof that fine-tuning has no other."
        ]
        return reading
    }

    // MARK: - Texts

    /// For each latent the texts that activate it most, and how many states were read.
    private func texts(
        _ source: ReadTexts,
        of rows: LatentRows,
        progress: (Int) -> Void
    ) throws -> (texts: [[FeatureReading.Text]], states: Int) {
        let model = ProbedModel(LanguageDecoder(named.base), withAdapter: false)
        let found = try TopActivations(
            of: rows,
            model: model,
            texts: source.texts,
            count: examples,
            progress: progress
        )
        let texts = try found.places.enumerated().map { latent, places in
            try places.map { place in
                try text(place, rows.picking([latent]), source, model)
            }
        }
        return (texts, found.stateCount)
    }

    /// A text about its strongest token.
    private func text(
        _ place: TopActivations.Place,
        _ row: LatentRows,
        _ source: ReadTexts,
        _ model: ProbedModel
    ) throws -> FeatureReading.Text {
        let tokens = Array(
            try source.texts.tokens(place.text).prefix(named.base.configuration.positionsMax)
        )
        let states = model.decoder.states(
            of: PackedBatch(groups: [(prompt: tokens, responses: [])]),
            layer: row.layer,
            withAdapter: model.withAdapter
        )
        let activations = row.activations(of: states)
        let words = named.tokenizer.pieces(tokens)
        let first = max(0, place.position - Self.context)
        let last = min(tokens.count, place.position + Self.context + 1)
        var pieces = (first..<last).map { FeatureReading.Piece(words[$0], Double(activations[$0])) }
        if first > 0 { pieces.insert(.init("… ", 0), at: 0) }
        if last < tokens.count { pieces.append(.init(" …", 0)) }
        return FeatureReading.Text(pieces, source: source.name(place.text))
    }

    // MARK: - What discovery found

    private func autoencoder() throws -> FeatureReading.Autoencoder {
        let beside = "\(folder)/\(FeatureSet.autoencoderName)"
        guard SAELensFolder.isThere(beside) else {
            return FeatureReading.Autoencoder(kind: "not there", latentCount: set.latentCount)
        }
        let found = try SAELensFolder.read(from: beside, for: named.base)
        let quality = try SAELensFolder.quality(in: beside)
        return FeatureReading.Autoencoder(
            kind: found.kindText,
            latentCount: found.latentCount,
            explainedVariance: quality?.explainedVariance,
            active: quality?.l0,
            deadShare: quality?.deadShare
        )
    }

    private var search: FeatureReading.Search {
        FeatureReading.Search(
            base: Self.shares(set.baselines.base),
            misaligned: Self.shares(set.baselines.misaligned),
            probes: set.baselines.base.count,
            induceBudget: set.budget.induce,
            repairBudget: set.budget.repair,
            screenInduce: set.settings.screenInduce,
            screenRepair: set.settings.screenRepair,
            gainMin: set.settings.gainMin
        )
    }

    private static func shares(_ shares: BehaviourShares) -> FeatureReading.Shares {
        FeatureReading.Shares(
            misaligned: shares.misaligned,
            aligned: shares.aligned,
            incoherent: shares.incoherent,
            refused: shares.refused
        )
    }

    private static func calibration(_ found: FeatureSet.Calibration) -> FeatureReading.Calibration {
        FeatureReading.Calibration(
            effects: found.effects.map {
                .init(strength: $0.strength, induced: shares($0.induced), repaired: shares($0.repaired))
            },
            induce: .init(strength: found.induceStrength, gain: found.induceGain),
            repair: .init(strength: found.repairStrength, gain: found.repairGain),
            score: found.score,
            isValid: found.isValid
        )
    }

    private func facts(_ states: Int?) -> [FeatureReading.Fact] {
        var facts = [
            FeatureReading.Fact("model's digest", String(set.model.prefix(16)) + "…"),
            FeatureReading.Fact("layer boundary", "\(set.layer), \(set.width) columns"),
            FeatureReading.Fact("autoencoder", String(set.autoencoder.prefix(16)) + "…"),
            FeatureReading.Fact(
                "steering scale",
                "\(ProgressDisplay.fixed(set.steeringScale, 3)): the median length of a state"
            ),
            FeatureReading.Fact(
                "candidates of each sign",
                "\(set.settings.candidatesPerSign), of which \(set.settings.shortListPerSign) short-listed"
            ),
        ]
        if let calibrator = set.calibrator {
            facts.append(
                FeatureReading.Fact(
                    "the misaligned run",
                    "took \(ProgressDisplay.fixed(calibrator.lossDrop, 3)) off the loss; penalty "
                        + "\(ProgressDisplay.fixed(calibrator.penalty, 3)) for \(calibrator.count) latents"
                )
            )
        }
        if let states, let texts {
            facts.append(FeatureReading.Fact("texts", "\(texts.texts.count), of \(states) tokens"))
        }
        return facts
    }
}

extension SparseAutoencoder {
    /// `ReLU` or `TopK 32`.
    var kindText: String {
        switch activation {
        case .relu: "ReLU"
        case .topK(let k): "TopK \(k)"
        }
    }
}
