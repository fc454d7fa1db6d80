internal import Models
public import Trainers

/// The two toy trainers, for tests of everything around trainers: they need no model and no data, and
/// a step takes microseconds.
public enum ToyTrainers {
    /// A vector-valued response, scored by its distance to a hidden target.
    public static let vector = TrainerEntry(VectorTrainer.self, judge: VectorJudge.self)
    /// An action sequence, scored by replay in a simulator.
    public static let action = TrainerEntry(ActionTrainer.self, judge: ActionJudge.self)

    /// Resources for a toy's client.
    public static func client(_ name: String, seed: UInt64 = 11) -> ClientResources {
        ClientResources(
            seed: seed,
            client: name,
            models: ModelStore(),
            model: .embedded("none"),
            adapter: LoRAConfiguration(),
            questions: []
        )
    }

    /// Resources for a toy's judge.
    public static func coordinator(
        schedule: Schedule = Schedule(stepsPerRound: 6, localPerPublic: 2),
        seed: UInt64 = 11
    ) -> CoordinatorResources {
        CoordinatorResources(
            seed: seed,
            schedule: schedule,
            models: ModelStore(),
            model: .embedded("none"),
            adapter: LoRAConfiguration(),
            publicQuestions: [],
            heldOutQuestions: []
        )
    }
}
