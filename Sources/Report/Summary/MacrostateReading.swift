package import Contract

/// What a page about the macrostates of a frozen model shows: groups of its hidden states, the texts they
/// colour, and the measures that say how far they can be trusted.
///
/// A *piece* is the unit of text that has one hidden state. The *given part* of a text was read by the model,
/// the rest it wrote itself. Groups are numbered from 0. Measures that are nil or
/// not finite were not taken, and the page leaves them out.
package struct MacrostateReading: Sendable, Equatable {
    /// The heading.
    package var title: String
    /// Which model was read, as a person would name it.
    package var model: String
    /// Which layer was read, as `block 2 of 3`.
    package var layer: String
    /// The groups; at most `groupsMax` of them are told apart by their looks.
    package var groups: [Group]
    /// `transitions[a][b]`: the share of the pieces of group a that are followed by one of group b, `[G, G]`.
    package var transitions: [[Double]]
    /// Texts to show with their groups.
    package var passages: [Passage]
    /// How far the groups can be trusted.
    package var trust: Trust
    /// How the number of groups was chosen; nil if it was given.
    package var choice: Choice?
    /// How well the future macrostate follows from the present one, by horizon.
    package var closure: [Closure] = []
    /// What else is to be seen, such as early prediction over the share of the text read.
    package var figures: [Figure] = []
    /// How the reading was made: names and values without a date.
    package var facts: [(name: String, value: String)] = []
    /// What a reader should know, a paragraph each.
    package var remarks: [String] = []

    /// How many groups colours and stripes tell apart.
    package static let groupsMax = 16

    /// Gathers what every reading has.
    package init(
        title: String,
        model: String,
        layer: String,
        groups: [Group],
        transitions: [[Double]],
        passages: [Passage],
        trust: Trust
    ) {
        self.title = title
        self.model = model
        self.layer = layer
        self.groups = groups
        self.transitions = transitions
        self.passages = passages
        self.trust = trust
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.title == right.title && left.model == right.model && left.layer == right.layer
            && left.groups == right.groups && left.transitions == right.transitions
            && left.passages == right.passages && left.trust == right.trust && left.choice == right.choice
            && left.closure == right.closure && left.figures == right.figures
            && left.facts.elementsEqual(right.facts, by: ==) && left.remarks == right.remarks
    }

    /// A group of hidden states.
    package struct Group: Sendable, Equatable {
        /// What a person calls it, or what its typical spans propose.
        package var name: String
        /// Its share of all pieces, 0 to 1.
        package var share: Double
        /// How many pieces a stay lasts on the mean.
        package var dwell: Double
        /// Its most typical spans.
        package var examples: [Example]
        /// Whether the name was only proposed from what stands in the group's spans.
        package var isNameProposed = false
        /// Which share of it independent fits on half of the texts find again; nil where that was not tried.
        package var recall: Double?
        /// How often a judge who knew the name told its spans from others'; nil where none was asked.
        package var forcedChoice: Double?

        /// Makes a group.
        package init(name: String, share: Double, dwell: Double, examples: [Example] = []) {
            self.name = name
            self.share = share
            self.dwell = dwell
            self.examples = examples
        }
    }

    /// A span of a group, with what stands around it.
    package struct Example: Sendable, Equatable {
        /// What stands before it.
        package var before: String
        /// The span.
        package var span: String
        /// What stands behind it.
        package var after: String
        /// Which text it is from; may be empty.
        package var source: String

        /// Makes an example.
        package init(before: String = "", span: String, after: String = "", source: String = "") {
            self.before = before
            self.span = span
            self.after = after
            self.source = source
        }
    }

    /// A text, piece by piece.
    package struct Passage: Sendable, Equatable {
        /// Its heading.
        package var title: String
        /// A line below it, such as a label and whether it was predicted; may be empty.
        package var note: String
        /// Its pieces, which read as the text when set one after another.
        package var pieces: [Piece]

        /// Makes a text.
        package init(title: String, note: String = "", pieces: [Piece]) {
            self.title = title
            self.note = note
            self.pieces = pieces
        }
    }

    /// A piece of text with its group.
    package struct Piece: Sendable, Equatable {
        /// The text, spaces included.
        package var text: String
        /// Its group; nil where it was given none.
        package var group: Int?
        /// Whether the model read it, rather than wrote it.
        package var isGiven: Bool

        /// Makes a piece.
        package init(_ text: String, group: Int?, isGiven: Bool = false) {
            self.text = text
            self.group = group
            self.isGiven = isGiven
        }
    }

    /// What keeps a reader from seeing thoughts where there are words or places.
    package struct Trust: Sendable, Equatable {
        /// The share of neighbouring pieces that have the same group.
        package var consistency: Double
        /// What that share would be by chance: the sum of the squared shares of the groups.
        package var chance: Double
        /// Normalised mutual information between a piece's group and which piece it is.
        package var withPieces: Double
        /// Normalised mutual information between a piece's group and how far into the text it stands.
        package var withPositions: Double
        /// Normalised mutual information with phases that are known, where they are.
        package var withPhases: Double?
        /// The effective rank of the macrostates, and how many numbers a macrostate has.
        package var rank: (effective: Double, of: Int)?

        /// Gathers the measures.
        package init(
            consistency: Double,
            chance: Double,
            withPieces: Double,
            withPositions: Double,
            withPhases: Double? = nil,
            rank: (effective: Double, of: Int)? = nil
        ) {
            self.consistency = consistency
            self.chance = chance
            self.withPieces = withPieces
            self.withPositions = withPositions
            self.withPhases = withPhases
            self.rank = rank
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.consistency == right.consistency && left.chance == right.chance
                && left.withPieces == right.withPieces && left.withPositions == right.withPositions
                && left.withPhases == right.withPhases && left.rank?.effective == right.rank?.effective
                && left.rank?.of == right.rank?.of
        }
    }

    /// The agreement of two halves' groupings, by number of groups.
    package struct Choice: Sendable, Equatable {
        /// The numbers of groups that were tried, ascending.
        package var counts: [Int]
        /// The adjusted Rand index of two halves' groupings, as many.
        package var agreements: [Double]
        /// The rule in a sentence.
        package var rule: String

        /// Gathers a choice.
        package init(counts: [Int], agreements: [Double], rule: String) {
            self.counts = counts
            self.agreements = agreements
            self.rule = rule
        }
    }

    /// How well a later macrostate can be predicted, at one horizon.
    package struct Closure: Sendable, Equatable {
        /// How many pieces later.
        package var horizon: Int
        /// The share of its variance that the present macrostate explains.
        package var fromMacrostate: Double
        /// The share that the macrostate and the hidden state explain together.
        package var fromBoth: Double

        /// Makes a row.
        package init(horizon: Int, fromMacrostate: Double, fromBoth: Double) {
            self.horizon = horizon
            self.fromMacrostate = fromMacrostate
            self.fromBoth = fromBoth
        }

        /// What the hidden state adds; a theory is nearly closed where this is small.
        package var gap: Double { fromBoth - fromMacrostate }
    }
}
