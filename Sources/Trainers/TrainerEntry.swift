/// One trainer with its types erased: settings go in as JSON bytes.
public struct TrainerEntry: Sendable {
    /// The word that names the trainer in a topology file.
    public let name: String

    /// Reads settings and returns them complete, defaults included, with sorted keys: equal settings
    /// give equal bytes, so their digest can be compared.
    public let resolveSettings: @Sendable (_ json: [UInt8]) throws -> [UInt8]

    /// Makes the client's half.
    public let makeTrainer:
        @Sendable (_ settingsJSON: [UInt8], _ resources: ClientResources) throws -> any LocalTrainer

    /// Makes the coordinator's half.
    public let makeJudge:
        @Sendable (_ settingsJSON: [UInt8], _ resources: CoordinatorResources) throws -> any PublicJudge

    /// Erases a trainer and its judge, which share their settings.
    public init<Trainer: LocalTrainer, Judge: PublicJudge>(_ trainer: Trainer.Type, judge: Judge.Type)
    where Trainer.Settings == Judge.Settings {
        name = Trainer.name
        resolveSettings = { try Trainer.Settings(json: $0).json() }
        makeTrainer = { try Trainer(settings: Trainer.Settings(json: $0), resources: $1) }
        makeJudge = { try Judge(settings: Judge.Settings(json: $0), resources: $1) }
    }
}
