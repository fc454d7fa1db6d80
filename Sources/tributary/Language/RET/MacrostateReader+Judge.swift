internal import Digest
internal import Models
internal import Text
internal import Trainers

extension MacrostateReader {
    /// A question to a judge, and whether `a` is right.
    struct JudgeQuestion: Equatable {
        let question: JudgeProcess.Question
        let isFirstRight: Bool
    }

    /// What a judge is asked about each group: pairs of spans of the measured trajectories.
    ///
    /// - Parameters:
    ///   - count: How many pairs of each group.
    ///   - seed: Of the draw.
    /// - Returns: The groups' names and questions, G of them; no questions for a group with too few spans.
    func judgeQuestions(count: Int, seed: UInt64) throws -> [(name: String, questions: [JudgeQuestion])] {
        try macrostates.require(set.source, of: "the trajectories")
        let groups = macrostates.centroids.count
        let labelled = try label(with: macrostates.makeNet())
        let typical = TypicalSpan.find(
            labels: labelled.labels,
            distances: labelled.distances,
            groups: groups,
            count: examples
        )
        let pairs = ForcedChoice.pairs(
            labels: labelled.labels,
            groups: groups,
            examples: typical,
            count: count,
            seed: seed
        )
        let proposed = GroupNames.propose(labels: labelled.labels, words: labelled.words, groups: groups)
        func text(_ span: TypicalSpan) -> String { labelled.words[span.trajectory][span.tokens].joined() }
        return (0..<groups).map { group in
            let known = macrostates.groups[group]
            let name =
                known.name.isEmpty && !proposed[group].isEmpty ? proposed[group] : macrostates.name(of: group)
            let questions = pairs[group].map { pair in
                let (own, other) = (text(pair.own), text(pair.other))
                return JudgeQuestion(
                    question: JudgeProcess.Question(
                        name: name,
                        description: known.description,
                        examples: typical[group].map(text),
                        a: pair.isOwnFirst ? own : other,
                        b: pair.isOwnFirst ? other : own
                    ),
                    isFirstRight: pair.isOwnFirst
                )
            }
            return (name, questions)
        }
    }
}

extension NamedModel {
    /// Throws unless trajectories are of this model.
    func require(_ other: StateSource, of place: String) throws {
        let own = base.identity.description
        guard own == other.model else {
            throw TrajectoryFault(
                place,
                "found trajectories of \(other.name) (\(other.model.prefix(12))…), expected those of "
                    + "\(base.source) (\(own.prefix(12))…)"
            )
        }
    }
}
