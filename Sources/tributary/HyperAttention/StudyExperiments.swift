/// The experiments of `tributary reproduce hyperattention` that need no model of language.
enum StudyExperiments {
    /// All of them, in the order to run and show them.
    static let all: [any StudyExperiment] = [
        CollidingAgents(), CoupledFeatures(), ThreeWay(), SkipTrigram(), CostAgainstLength(),
    ]
}
