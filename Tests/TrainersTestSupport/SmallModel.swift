internal import FoundationEssentials
package import Contract
internal import Models
package import Tasks
internal import Text
internal import Trainers

/// A base model small enough for tests: one block of width 32, warmed up for a few steps so that it
/// answers two of the arithmetic families rightly now and then.
package struct SmallModel: Sendable {
    /// The directory that it lies in.
    package let path: String
    /// Holds it once loaded.
    package let shared = SharedValues()
    /// What is trained, as a topology says it.
    package var adapter = #"{"rank": 4, "alpha": 8}"#
    /// The families it knows a little of.
    package static let families: [SyntheticFamily] = [.max, .cnt]

    /// Makes the model, in a new directory below the system's temporary one.
    package init() throws {
        path = FileManager.default.temporaryDirectory
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
        try parameters.write(toDirectory: path, tokenizer: CharacterTokenizer.arithmetic)
    }

    /// What clients own of the two families: 40 questions each, 16 public, 20 held out for each family.
    package static func draw(clients: Int) -> MixedDraw {
        MixedDraw(
            families: families,
            clients: clients,
            privateCount: 40,
            ownFraction: 0.9,
            publicPerFamily: 16,
            heldOutPerFamily: 20
        )
    }

    /// What all members have in common.
    package func run(
        schedule: Schedule = Schedule(stepsPerRound: 6, localPerPublic: 2),
        clients: [String],
        seed: UInt64 = 11
    ) throws -> RunContext {
        RunContext(
            seed: seed,
            schedule: schedule,
            clients: clients,
            model: try Mapping(json: Array(#"{"directory": "\#(path)"}"#.utf8), file: "model"),
            adapter: try Mapping(json: Array(adapter.utf8), file: "adapter"),
            shared: shared
        )
    }

    private func data(clients: Int) throws -> Mapping {
        try Mapping(json: Array(JSONEncoder().encode(SmallModel.draw(clients: clients))), file: "data")
    }

    /// A client's context.
    ///
    /// - Parameter questions: What it has in place of its share of the draw.
    package func client(
        _ name: String,
        index: Int,
        clients: Int = 2,
        seed: UInt64 = 11,
        questions: [Question]? = nil
    ) throws -> ClientContext {
        let names = (0..<clients).map { $0 == index ? name : "other-\($0)" }
        var data = try data(clients: clients)
        if let questions {
            let file = "\(path)/\(name)-\(questions.count).jsonl"
            let lines = try questions.map { Array(try JSONEncoder().encode($0)) + [UInt8(ascii: "\n")] }
            try Data(lines.joined()).write(to: URL(filePath: file))
            data = try Mapping(json: Array(#"{"path": "\#(file)"}"#.utf8), file: "data")
        }
        return ClientContext(run: try run(clients: names, seed: seed), name: name, data: data)
    }

    /// The coordinator's context.
    package func coordinator(schedule: Schedule, clients: Int = 2, seed: UInt64 = 11) throws
        -> CoordinatorContext
    {
        let data = try data(clients: clients)
        return CoordinatorContext(
            run: try run(schedule: schedule, clients: (0..<clients).map { "other-\($0)" }, seed: seed),
            publicData: data,
            evaluationData: data
        )
    }
}
