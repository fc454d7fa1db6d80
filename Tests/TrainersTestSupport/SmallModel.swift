internal import FoundationEssentials
public import Models
public import Tasks
internal import Text
public import Trainers

/// A base model small enough for tests: one block of width 32, warmed up for a few steps so that it
/// answers two of the arithmetic families rightly now and then.
public struct SmallModel: Sendable {
    /// Where it lies.
    public let source: ModelSource
    /// Holds it once loaded.
    public let store = ModelStore()
    /// The families it knows a little of.
    public static let families: [SyntheticFamily] = [.max, .cnt]

    /// Makes the model, in a new directory below the system's temporary one.
    public init() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "tributary-small-model-\(ProcessInfo.processInfo.processIdentifier)").path()
        var recipe = Pretraining.standard
        recipe.families = SmallModel.families
        recipe.configuration.hiddenSize = 32
        recipe.configuration.headSize = 16
        recipe.configuration.headCount = 2
        recipe.configuration.keyValueHeadCount = 2
        recipe.configuration.layerCount = 1
        recipe.configuration.intermediateSize = 64
        recipe.steps = 150
        recipe.warmUpSteps = 10
        recipe.learningRate = 1e-2
        let parameters = try recipe.run(seed: 3) { _ in }
        try parameters.write(toDirectory: path)
        let tokenizer = CharacterTokenizer.arithmetic
        try Data(tokenizer.fileBytes()).write(to: URL(filePath: "\(path)/tokenizer.json"))
        source = .directory(path)
    }

    /// What clients own of the two families: 40 questions each, 16 public, 20 held out for each family.
    public static func draw(clients: Int) -> MixedDraw {
        MixedDraw(
            families: families,
            clients: clients,
            privateCount: 40,
            ownFraction: 0.9,
            publicPerFamily: 16,
            heldOutPerFamily: 20
        )
    }

    /// A client's resources.
    public func client(_ name: String, index: Int, clients: Int = 2, seed: UInt64 = 11) throws
        -> ClientResources
    {
        ClientResources(
            seed: seed,
            client: name,
            models: store,
            model: source,
            adapter: LoRAConfiguration(rank: 4, alpha: 8),
            questions: try SmallModel.draw(clients: clients).privateQuestions(client: index, seed: seed)
        )
    }

    /// The coordinator's resources.
    public func coordinator(schedule: Schedule, clients: Int = 2, seed: UInt64 = 11) throws
        -> CoordinatorResources
    {
        CoordinatorResources(
            seed: seed,
            schedule: schedule,
            models: store,
            model: source,
            adapter: LoRAConfiguration(rank: 4, alpha: 8),
            publicQuestions: try SmallModel.draw(clients: clients).publicQuestions(seed: seed),
            heldOutQuestions: try SmallModel.draw(clients: clients).heldOutQuestions(seed: seed)
        )
    }
}
