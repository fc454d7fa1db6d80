extension MacrostateReading {
    /// What the measures say against the groups, a line each, for a terminal.
    package var warnings: [String] { trust.unsound.map { "\($0.sentence) \($0.why)" } }
}

/// What the measures mean, in words.
extension MacrostateReading.Trust {
    /// How well a measure speaks for the groups.
    enum Level: String {
        case sound, partly, unsound
    }

    /// A measure with its comparison and its meaning.
    struct Judgement {
        let name: String
        let level: Level
        let verdict: String
        /// Between 0 and 1, for the bar.
        let value: Double
        /// Where the bar would end by chance; nil for none.
        let mark: Double?
        let found: String
        let compared: String
        let why: String

        /// The finding in a sentence.
        var sentence: String { "\(name) \(found): \(verdict)." }
    }

    /// From which value on groups are called places, partly and mainly.
    ///
    /// Our choice: groups of a good reading of a text of known phases share .05 with positions; a clock that
    /// ticks along the text shares more than .3.
    static let positionBounds = (partly: 0.1, mainly: 0.25)
    /// From which value on groups are called words, partly and mainly.
    ///
    /// Our choice: phases that favour some words share .1 to .3 with them, k-means on plain hidden states .45
    /// to .7.
    static let pieceBounds = (partly: 0.3, mainly: 0.4)
    /// How much of the way from chance to certainty consistency must go to be called lasting a little, and
    /// lasting.
    static let lastingBounds = (partly: 0.2, mainly: 0.5)

    /// All judgements; what was not measured is left out.
    var judgements: [Judgement] {
        [lasting, places, words, phases, spread].compactMap { $0 }
    }

    /// What speaks against the groups.
    var unsound: [Judgement] { judgements.filter { $0.level == .unsound } }

    private var lasting: Judgement? {
        guard consistency.isFinite, chance.isFinite else { return nil }
        let gain = chance < 1 ? (consistency - chance) / (1 - chance) : 0
        let bounds = Self.lastingBounds
        let (level, verdict): (Level, String) =
            gain >= bounds.mainly
            ? (.sound, "they last")
            : gain >= bounds.partly ? (.partly, "they last a little") : (.unsound, "hardly more than chance")
        return Judgement(
            name: "Temporal consistency",
            level: level,
            verdict: verdict,
            value: consistency,
            mark: chance,
            found: NumberText.percent(consistency),
            compared: "by chance \(NumberText.percent(chance)), the upright line",
            why:
                "How often two neighbouring pieces have the same group. Lasting groups alone prove nothing: "
                + "a moving average of the hidden states lasts too, and so does a clock."
        )
    }

    private var places: Judgement? {
        guard withPositions.isFinite else { return nil }
        let bounds = Self.positionBounds
        let (level, verdict, meaning): (Level, String, String) =
            withPositions >= bounds.mainly
            ? (
                .unsound, "these groups are largely positions",
                "Read them as a clock, not as thoughts: much of a group follows from how far into the text "
                    + "it is."
            )
            : withPositions >= bounds.partly
                ? (
                    .partly, "partly positions",
                    "Some of a group follows from how far into the text it is; compare texts at the same "
                        + "place."
                )
                : (
                    .sound, "not positions",
                    "How far into the text a piece stands says little about its group."
                )
        return agreement("Shared with positions", level, verdict, withPositions, meaning)
    }

    private var words: Judgement? {
        guard withPieces.isFinite else { return nil }
        let bounds = Self.pieceBounds
        let (level, verdict, meaning): (Level, String, String) =
            withPieces >= bounds.mainly
            ? (
                .unsound, "these groups are largely kinds of words",
                "Read them as a dictionary, not as thoughts: much of a group follows from the piece that "
                    + "stands there."
            )
            : withPieces >= bounds.partly
                ? (
                    .partly, "partly kinds of words",
                    "Some of a group follows from which piece stands there, as it may where a phase has words "
                        + "of its own."
                )
                : (.sound, "not kinds of words", "Which piece stands there says little about its group.")
        return agreement("Shared with the pieces themselves", level, verdict, withPieces, meaning)
    }

    private var phases: Judgement? {
        guard let value = withPhases, value.isFinite else { return nil }
        return agreement(
            "Shared with the known phases",
            value >= 0.5 ? .sound : value >= 0.2 ? .partly : .unsound,
            value >= 0.5
                ? "the phases are found" : value >= 0.2 ? "found in part" : "the phases are not found",
            value,
            "These texts have phases that are known; nothing of them was used to find the groups."
        )
    }

    private func agreement(
        _ name: String,
        _ level: Level,
        _ verdict: String,
        _ value: Double,
        _ why: String
    ) -> Judgement {
        Judgement(
            name: name,
            level: level,
            verdict: verdict,
            value: value,
            mark: nil,
            found: NumberText.fixed(value, 3),
            compared: "0 nothing, 1 everything (NMI)",
            why: why
        )
    }

    private var spread: Judgement? {
        guard let rank, rank.effective.isFinite, rank.of > 0 else { return nil }
        let isCollapsed = rank.effective < 2
        return Judgement(
            name: "Effective rank",
            level: isCollapsed ? .unsound : .sound,
            verdict: isCollapsed ? "collapsed: the groups cut up almost a line" : "not collapsed",
            value: rank.effective / Double(rank.of),
            mark: nil,
            found: NumberText.fixed(rank.effective, 1),
            compared: "of \(rank.of)",
            why: "How many directions the macrostates really use. Below 2 the learning has collapsed."
        )
    }
}
