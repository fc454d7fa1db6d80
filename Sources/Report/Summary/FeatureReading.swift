/// What a page about the latents behind a behaviour shows: how they were found, what steering along each of them
/// does to a model, and which texts activate them.
///
/// Shares are of all answers to the probes, 0 to 1. Strengths are in steering scales, activations in the
/// autoencoder's normalised units. Measures that are nil or not finite were not taken, and the page leaves them out.
package struct FeatureReading: Sendable, Equatable {
    /// The heading.
    package var title: String
    /// Which base model was read, as a person would name it.
    package var model: String
    /// Which layer was read, as `block 2 of 3`.
    package var layer: String
    /// Whose latents they are.
    package var autoencoder: Autoencoder
    /// How they were searched.
    package var search: Search
    /// Every candidate, the best first: short-listed ones before the others.
    package var latents: [Latent]
    /// How the reading was made: names and values without a date.
    package var facts: [Fact] = []
    /// What a reader should know, a paragraph each.
    package var remarks: [String] = []

    /// Gathers what every reading has.
    package init(
        title: String,
        model: String,
        layer: String,
        autoencoder: Autoencoder,
        search: Search,
        latents: [Latent]
    ) {
        self.title = title
        self.model = model
        self.layer = layer
        self.autoencoder = autoencoder
        self.search = search
        self.latents = latents
    }

    /// The latents of K, in the order of `latents`.
    package var chosen: [Latent] { latents.filter(\.isChosen) }
    /// The latents whose strengths were calibrated.
    package var shortListed: [Latent] { latents.filter { $0.calibration != nil } }

    /// A name and a value.
    package struct Fact: Sendable, Equatable {
        /// The name.
        package var name: String
        /// The value.
        package var value: String

        /// Makes a fact.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The autoencoder, and how well it does.
    package struct Autoencoder: Sendable, Equatable {
        /// Its kind, as `ReLU` or `TopK 32`.
        package var kind: String
        /// How many latents it has.
        package var latentCount: Int
        /// The share of the states' variance that its reconstruction explains.
        package var explainedVariance: Double?
        /// How many latents a state activates, on the mean (L0).
        package var active: Double?
        /// The share of latents that no state activates.
        package var deadShare: Double?

        /// Describes an autoencoder.
        package init(
            kind: String,
            latentCount: Int,
            explainedVariance: Double? = nil,
            active: Double? = nil,
            deadShare: Double? = nil
        ) {
            self.kind = kind
            self.latentCount = latentCount
            self.explainedVariance = explainedVariance
            self.active = active
            self.deadShare = deadShare
        }
    }

    /// What a model does on the probes.
    package struct Shares: Sendable, Equatable {
        /// Coherent answers that are misaligned: the EM rate.
        package var misaligned: Double
        /// Coherent answers that are aligned.
        package var aligned: Double
        /// Answers that make no sense.
        package var incoherent: Double
        /// Refusals.
        package var refused: Double

        /// Gathers shares.
        package init(misaligned: Double, aligned: Double, incoherent: Double, refused: Double = 0) {
            self.misaligned = misaligned
            self.aligned = aligned
            self.incoherent = incoherent
            self.refused = refused
        }

        /// The EM rate among coherent answers.
        var misalignedOfCoherent: Double { incoherent < 1 ? misaligned / (1 - incoherent) : .nan }
    }

    /// How K was found.
    package struct Search: Sendable, Equatable {
        /// The base model without steering.
        package var base: Shares
        /// The misaligned model without steering.
        package var misaligned: Shares
        /// How many probes the shares are of.
        package var probes: Int
        /// The incoherence that the steered base model may have.
        package var induceBudget: Double
        /// The incoherence that the steered misaligned model may have.
        package var repairBudget: Double
        /// The strength that the screen tried on the base model.
        package var screenInduce: Double
        /// The strength that the screen tried on the misaligned model.
        package var screenRepair: Double
        /// A valid latent moves the EM rate by more than this in both directions.
        package var gainMin: Double

        /// Gathers what the search was given and what it measured first.
        package init(
            base: Shares,
            misaligned: Shares,
            probes: Int,
            induceBudget: Double,
            repairBudget: Double,
            screenInduce: Double,
            screenRepair: Double,
            gainMin: Double
        ) {
            self.base = base
            self.misaligned = misaligned
            self.probes = probes
            self.induceBudget = induceBudget
            self.repairBudget = repairBudget
            self.screenInduce = screenInduce
            self.screenRepair = screenRepair
            self.gainMin = gainMin
        }
    }

    /// What steering with one strength did.
    package struct Effect: Sendable, Equatable {
        /// The strength, along the latent's sign in the base model and against it in the misaligned one.
        package var strength: Double
        /// The base model, steered to misalignment.
        package var induced: Shares
        /// The misaligned model, steered away from it.
        package var repaired: Shares

        /// Gathers what was measured.
        package init(strength: Double, induced: Shares, repaired: Shares) {
            self.strength = strength
            self.induced = induced
            self.repaired = repaired
        }
    }

    /// What the screen found.
    package struct Screen: Sendable, Equatable {
        /// The base model at the screen's strength.
        package var induced: Shares
        /// The misaligned model at the screen's strength.
        package var repaired: Shares
        /// The sum of both gains in the EM rate.
        package var score: Double

        /// Gathers what was measured.
        package init(induced: Shares, repaired: Shares, score: Double) {
            self.induced = induced
            self.repaired = repaired
            self.score = score
        }
    }

    /// The best strength in one direction.
    package struct Best: Sendable, Equatable {
        /// The strength; nil where none stays within the budget.
        package var strength: Double?
        /// By how much it moves the EM rate the right way.
        package var gain: Double

        /// Names a strength.
        package init(strength: Double?, gain: Double) {
            self.strength = strength
            self.gain = gain
        }
    }

    /// What the calibration of strengths found.
    package struct Calibration: Sendable, Equatable {
        /// By strength, ascending.
        package var effects: [Effect]
        /// What induces most in the base model.
        package var induce: Best
        /// What repairs most in the misaligned model.
        package var repair: Best
        /// The sum of both gains.
        package var score: Double
        /// Whether both directions move the EM rate the right way within the budget.
        package var isValid: Bool

        /// Gathers what was found.
        package init(effects: [Effect], induce: Best, repair: Best, score: Double, isValid: Bool) {
            self.effects = effects
            self.induce = induce
            self.repair = repair
            self.score = score
            self.isValid = isValid
        }
    }

    /// One latent.
    package struct Latent: Sendable, Equatable {
        /// Which of the autoencoder's.
        package var index: Int
        /// Whether fine-tuning raised it; otherwise it lowered it.
        package var isRaised: Bool
        /// How fine-tuning changed its mean activation.
        package var shift: Double
        /// What the screen found; nil where it was not screened.
        package var screen: Screen?
        /// What calibration found; nil where it was not short-listed.
        package var calibration: Calibration?
        /// Whether it is in K.
        package var isChosen: Bool
        /// The texts that activate it most, the strongest first.
        package var texts: [Text]

        /// Describes a latent.
        package init(
            index: Int,
            isRaised: Bool,
            shift: Double,
            screen: Screen? = nil,
            calibration: Calibration? = nil,
            isChosen: Bool = false,
            texts: [Text] = []
        ) {
            self.index = index
            self.isRaised = isRaised
            self.shift = shift
            self.screen = screen
            self.calibration = calibration
            self.isChosen = isChosen
            self.texts = texts
        }
    }

    /// A text, token by token.
    package struct Text: Sendable, Equatable {
        /// Its tokens, which read as the text when set one after another.
        package var pieces: [Piece]
        /// Where it is from; may be empty.
        package var source: String

        /// Makes a text.
        package init(_ pieces: [Piece], source: String = "") {
            self.pieces = pieces
            self.source = source
        }
    }

    /// A token with the latent's activation at it.
    package struct Piece: Sendable, Equatable {
        /// The text, spaces included.
        package var text: String
        /// The activation, at least 0.
        package var activation: Double

        /// Makes a piece.
        package init(_ text: String, _ activation: Double) {
            self.text = text
            self.activation = activation
        }
    }
}
