// The sections of a topology, one value type each.

extension Topology {
    /// Where the coordinator is: the address clients dial, the one it binds, and its names.
    public struct Coordinator: Sendable, Hashable {
        /// The host name or address that clients dial.
        public var host: String
        /// The TCP port; 0 lets the system choose one, which only suits processes started together.
        public var port: Int
        /// The address to bind.
        public var listen: String
        /// Further DNS names and addresses that its certificate covers besides `host`.
        public var names: [String]
        /// BLAS threads of the coordinator's evaluations.
        public var threads: Int

        /// All names and addresses its certificate has to cover: `host`, then `names`, none twice.
        public var certificateNames: [String] {
            names.reduce(into: [host]) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    /// Where the base model comes from. Paths are as written: see `Topology.absolutePath(_:)`.
    public enum Model: Sendable, Hashable {
        /// A model that is built into the program, by name.
        case embedded(String)
        /// A folder with `config.json`, `model.safetensors` and `tokenizer.json`.
        case directory(String)
        /// A GGUF file.
        case gguf(String)
    }

    /// The LoRA adapter (arXiv:2106.09685).
    public struct Adapter: Sendable, Hashable {
        /// r, the inner dimension of the factors.
        public var rank: Int
        /// α; the product of the factors is scaled by α / r.
        public var alpha: Double
        /// The projections it is added to, such as `q_proj`.
        public var targets: [String]
    }

    /// Which trainer the clients run, and its settings.
    public struct Trainer: Sendable, Hashable {
        /// The trainer's name in the registry.
        public var name: String
        /// Its settings, which only that trainer reads.
        public var settings: OpaqueSettings
    }

    /// The schedule: `count` rounds of `steps` steps, of which some are public.
    public struct Rounds: Sendable, Hashable {
        /// How many rounds there are.
        public var count: Int
        /// Steps in a round, local and public together.
        public var steps: Int
        /// q: local steps before each public one. With `steps` (`none` in the file) or more there is no public one.
        public var localPerPublic: Int
        /// How many clients have to deliver before a phase may end without the others.
        public var quorum: Int
        /// How long to wait for what.
        public var deadlines: Deadlines

        /// How many steps of a round are public.
        public var publicSteps: Int { steps / (localPerPublic + 1) }
    }

    /// How long to wait for what.
    public struct Deadlines: Sendable, Hashable {
        /// For the first connection of enough clients.
        public var start: Duration
        /// For the responses of the clients still missing, once the first client's have come.
        public var publicStep: Duration
        /// For the updates of the clients still missing, once the first client's has come.
        public var update: Duration
        /// Between two signs of life on a connection that has nothing else to send.
        public var heartbeat: Duration
        /// Silence after which a connection counts as dead.
        public var idle: Duration
    }

    /// How updates become the next adapter.
    public struct Aggregation: Sendable, Hashable {
        /// How the updates of a round are merged.
        public var delta: DeltaRule
        /// What weight each client's update has.
        public var weights: WeightRule
        /// Euclidean norm of a whole update above which it is refused; nil for no limit.
        public var normLimit: Double?
    }

    /// One client.
    public struct Client: Sendable, Hashable {
        /// Its name, a DNS label; its certificate carries it.
        public var name: String
        /// The host it runs on, for those who start it; nil where that is of no interest.
        public var host: String?
        /// BLAS threads of its process.
        public var threads: Int
        /// Its private data, in the trainer's own words.
        public var data: OpaqueSettings
        /// Added to every local step, to play a slow machine.
        public var delay: Duration
    }

    /// How the updates of a round are merged.
    public enum DeltaRule: String, Sendable, Hashable, CaseIterable {
        /// A and B each on its own (FedIT).
        case factors
        /// The products B·A exactly, factored anew by a singular value decomposition.
        case product
        /// B alone; A keeps its first value on all clients.
        case frozenA
        /// The median of each value, which a minority of bad updates cannot move far.
        case median
    }

    /// What weight a client's update has in the average.
    public enum WeightRule: String, Sendable, Hashable, CaseIterable {
        /// The same for every client.
        case uniform
        /// In proportion to the examples that the client says it trained on.
        case examples
    }

    /// What the coordinator returns of the responses to a public batch.
    public enum PoolRule: String, Sendable, Hashable, CaseIterable {
        /// Wrong responses are replaced by others' correct ones until half of a group is correct.
        case balanced
        /// Nothing is replaced.
        case none
        /// Each client gets as many as it sent, drawn from all.
        case random
        /// Every wrong response is replaced while correct ones last.
        case replaceAll
    }

    /// How the values of a delta are stored on the wire.
    public enum Encoding: String, Sendable, Hashable, CaseIterable {
        /// 32 bits a value, exact.
        case f32
        /// 16 bits a value.
        case bf16
        /// 8 bits a value with a scale for each row; the error is carried over to the next round.
        case int8
    }
}
