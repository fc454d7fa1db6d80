/// One federation as its topology file describes it: every default filled in, every value checked.
///
/// The keys of the file, with units and defaults, are in `topologies/README.md`. Settings that only a
/// trainer or a data set understands are carried as `OpaqueSettings`, which nobody on the way reads.
public struct Topology: Sendable, Hashable {
    /// The federation's name, a DNS label; certificates carry it.
    public var federation: String
    /// The seed of every random number of the run.
    public var seed: UInt64
    /// The folder that relative paths of this topology start from; absolute.
    public var folder: String
    /// Where the coordinator is.
    public var coordinator: Coordinator
    /// The frozen base model.
    public var model: Model
    /// The low-rank adapter that is trained.
    public var adapter: Adapter
    /// What the clients learn, and how.
    public var trainer: Trainer
    /// The public items, whose answers only the coordinator has, in the trainer's own words.
    public var publicData: OpaqueSettings
    /// The held-out set that the coordinator evaluates on, in the trainer's own words.
    public var evaluation: OpaqueSettings
    /// How many rounds there are, and how long each may take.
    public var rounds: Rounds
    /// How updates become the next adapter.
    public var aggregation: Aggregation
    /// What is done with the verified responses of a public step.
    public var pool: PoolRule
    /// How deltas travel.
    public var encoding: Encoding
    /// The clients in the order of the file; a client's place is its index.
    public var clients: [Client]

    /// The client of a name, or nil.
    public func client(named name: String) -> Client? {
        clients.first { $0.name == name }
    }

    /// The place of a client in `clients`, or nil.
    public func index(ofClient name: String) -> Int? {
        clients.firstIndex { $0.name == name }
    }

    /// A path of this topology made absolute: relative ones start from `folder`.
    public func absolutePath(_ path: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }
}
