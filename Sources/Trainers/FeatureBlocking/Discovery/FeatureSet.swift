/// What discovery found: the latents that were looked at, with every score, the best first.
package struct FeatureSet: Sendable, Codable, Equatable {
    /// Behaviour without steering.
    package struct Baselines: Sendable, Codable, Equatable {
        /// The base model's.
        package var base: BehaviourShares
        /// The misaligned model's.
        package var misaligned: BehaviourShares
    }

    /// The incoherence that a steered model may have.
    package struct Budget: Sendable, Codable, Equatable {
        /// The base model, steered to misalignment.
        package var induce: Double
        /// The misaligned model, steered away from it.
        package var repair: Double
    }

    /// What one strength in stage 2 did.
    package struct Screen: Sendable, Codable, Equatable {
        /// The base model, steered.
        package var induced: BehaviourShares
        /// The misaligned model, steered the other way.
        package var repaired: BehaviourShares
        /// The gain in both directions, in EM rates.
        package var score: Double
    }

    /// What one strength in stage 3 did.
    package struct Effect: Sendable, Codable, Equatable {
        /// In steering scales.
        package var strength: Double
        /// The base model, steered.
        package var induced: BehaviourShares
        /// The misaligned model, steered the other way.
        package var repaired: BehaviourShares
    }

    /// What stage 3 found.
    package struct Calibration: Sendable, Codable, Equatable {
        /// By strength, ascending.
        package var effects: [Effect]
        /// The strength that induces most within the budget; nil where none stays in it.
        package var induceStrength: Double?
        /// The EM rate that it adds.
        package var induceGain: Double
        /// The strength that repairs most within the budget; nil where none stays in it.
        package var repairStrength: Double?
        /// The EM rate that it takes away.
        package var repairGain: Double
        /// The sum of both gains.
        package var score: Double
        /// Whether both directions move EM the right way by more than the least gain.
        package var isValid: Bool
    }

    /// One latent.
    package struct Latent: Sendable, Codable, Equatable {
        /// Which of the autoencoder's.
        package var index: Int
        /// +1 for a latent that fine-tuning raised, -1 for one that it lowered.
        package var sign: Int
        /// Δ, in normalised units.
        package var shift: Double
        /// Stage 2.
        package var screen: Screen?
        /// Stage 3; nil for a latent that was not short-listed.
        package var calibration: Calibration?

        var screenScore: Double { screen?.score ?? -.infinity }
        /// Whether both directions work.
        package var isValid: Bool { calibration?.isValid ?? false }
    }

    /// What a plain fine-tuning run did, which makes a weight free of units: λ = r · lossDrop / penalty
    /// (BLOCK-EM, section 5).
    package struct Calibrator: Sendable, Codable, Equatable {
        /// By how much its loss fell.
        package var lossDrop: Double
        /// The penalty that it would pay at its end for the K of `count` latents.
        package var penalty: Double
        /// K.
        package var count: Int
        /// How the latents were read.
        package var reading: LatentReading

        /// Gathers what was measured.
        package init(lossDrop: Double, penalty: Double, count: Int, reading: LatentReading = .activation) {
            self.lossDrop = lossDrop
            self.penalty = penalty
            self.count = count
            self.reading = reading
        }

        /// λ of a ratio r; nil where the run pays no penalty.
        package func weight(ratio: Double) -> Double? {
            penalty > 0 ? ratio * lossDrop / penalty : nil
        }
    }

    /// Which latents to block.
    package enum Which: String, Sendable, Codable, CaseIterable {
        /// K.
        case all
        /// K+: those that fine-tuning raised.
        case raised
        /// K−: those that it lowered.
        case lowered
    }

    /// The SHA-256 of the base model's weights.
    package var model: String
    /// The layer boundary.
    package var layer: Int
    /// C.
    package var width: Int
    /// m.
    package var latentCount: Int
    /// c, the length of a state that strengths are in units of.
    package var steeringScale: Double
    /// What makes activations free of the model's units.
    package var activationScale: Double
    /// The digest of the autoencoder.
    package var autoencoder: String
    /// How it was searched.
    package var settings: DiscoverySettings
    /// Behaviour without steering.
    package var baselines: Baselines
    /// The incoherence that was allowed.
    package var budget: Budget
    /// Short-listed ones first: valid ones, then the others, both by score; then the rest by their screen.
    package var latents: [Latent]
    /// What a plain run did; nil where nobody measured.
    package var calibrator: Calibrator?
    /// The rows of the short list, in the order of `latents`; in a file of their own.
    package var shortList: LatentRows

    enum CodingKeys: String, CodingKey {
        case model, layer, width, latentCount, steeringScale, activationScale, autoencoder, settings,
            baselines
        case budget, latents, calibrator
    }

    /// Ranks latents and takes the short list's rows.
    init(
        autoencoder: SparseAutoencoder,
        shifts: LatentShifts,
        settings: DiscoverySettings,
        baselines: Baselines,
        budget: Budget,
        latents: [Latent]
    ) {
        model = autoencoder.model
        layer = autoencoder.layer
        width = autoencoder.width
        latentCount = autoencoder.latentCount
        steeringScale = shifts.steeringScale
        activationScale = Double(autoencoder.activationScale)
        self.autoencoder = autoencoder.digest
        self.settings = settings
        self.baselines = baselines
        self.budget = budget
        func rank(_ latent: Latent) -> (Int, Double, Int) {
            guard let calibration = latent.calibration else { return (2, -latent.screenScore, latent.index) }
            return (calibration.isValid ? 0 : 1, -calibration.score, latent.index)
        }
        self.latents = latents.sorted { rank($0) < rank($1) }
        let short = self.latents.filter { $0.calibration != nil }
        shortList = autoencoder.rows(short.map(\.index), signs: short.map(\.sign))
    }

    /// Reads what is in `features.json`; the rows come from their own file.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        model = try values.decode(String.self, forKey: .model)
        layer = try values.decode(Int.self, forKey: .layer)
        width = try values.decode(Int.self, forKey: .width)
        latentCount = try values.decode(Int.self, forKey: .latentCount)
        steeringScale = try values.decode(Double.self, forKey: .steeringScale)
        activationScale = try values.decode(Double.self, forKey: .activationScale)
        autoencoder = try values.decode(String.self, forKey: .autoencoder)
        settings = try values.decode(DiscoverySettings.self, forKey: .settings)
        baselines = try values.decode(Baselines.self, forKey: .baselines)
        budget = try values.decode(Budget.self, forKey: .budget)
        latents = try values.decode([Latent].self, forKey: .latents)
        calibrator = try values.decodeIfPresent(Calibrator.self, forKey: .calibrator)
        shortList = LatentRows(
            layer: layer,
            width: width,
            indices: [],
            signs: [],
            encoder: [],
            bias: [],
            decoder: []
        )
    }

    /// How many latents are valid.
    package var validCount: Int { latents.count(where: \.isValid) }

    /// The rows of K, the best `count` latents: valid ones first.
    ///
    /// - Parameters:
    ///   - count: K; all valid latents if nil.
    ///   - which: K, or its latents of one sign.
    /// - Throws: `FeatureFault` for a K out of range, or one without such a latent.
    package func rows(count: Int? = nil, which: Which = .all) throws(FeatureFault) -> LatentRows {
        let chosen = count ?? validCount
        guard (1...max(shortList.count, 1)).contains(chosen), chosen <= shortList.count else {
            throw FeatureFault(
                "",
                "found K = \(chosen), expected 1 … \(shortList.count) short-listed latents, "
                    + "of which \(validCount) are valid"
            )
        }
        let places = (0..<chosen).filter { place in
            switch which {
            case .all: true
            case .raised: shortList.signs[place] > 0
            case .lowered: shortList.signs[place] < 0
            }
        }
        guard !places.isEmpty else {
            throw FeatureFault("", "none of the best \(chosen) latents was \(which.rawValue) by fine-tuning")
        }
        return shortList.picking(places)
    }
}

extension FeatureSet.Calibration {
    /// Takes, in each direction, the best effect among coherent strengths.
    init(
        effects: [FeatureSet.Effect],
        baselines: FeatureSet.Baselines,
        budget: FeatureSet.Budget,
        gainMin: Double
    ) {
        self.effects = effects
        let induced = effects.filter { $0.induced.incoherent <= budget.induce }
            .map { (strength: $0.strength, gain: $0.induced.misaligned - baselines.base.misaligned) }
            .max { $0.gain < $1.gain }
        let repaired = effects.filter { $0.repaired.incoherent <= budget.repair }
            .map { (strength: $0.strength, gain: baselines.misaligned.misaligned - $0.repaired.misaligned) }
            .max { $0.gain < $1.gain }
        induceStrength = induced?.strength
        induceGain = induced?.gain ?? 0
        repairStrength = repaired?.strength
        repairGain = repaired?.gain ?? 0
        score = induceGain + repairGain
        isValid = induceGain > gainMin && repairGain > gainMin
    }
}
