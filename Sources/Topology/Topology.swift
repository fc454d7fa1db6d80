package import Aggregation
package import Contract
package import Wire

/// One federation as its topology file describes it: every default filled in, every value checked.
///
/// The keys of the file, with units and defaults, are in `topologies/README.md`. What only a trainer, a monitor,
/// a guard or a transform understands is carried as `Mapping`, which nobody on the way reads.
package struct Topology: Sendable, Hashable {
    /// The federation's name, a DNS label; certificates carry it.
    package var federation: String
    /// The seed of every random number of the run.
    package var seed: UInt64
    /// The folder that relative paths of this topology start from; absolute.
    package var folder: String
    /// Where the coordinator is.
    package var coordinator: Coordinator
    /// Which trainer the clients run, and its settings.
    package var trainer: Trainer
    /// What the trainer starts from, in its own words.
    package var model: Mapping
    /// What is trained, in the trainer's own words.
    package var adapter: Mapping
    /// `adapter.from`: the folder of the adapter that round 0 starts from, as it was written; nil for a new one. Only the
    /// coordinator reads it, and `adapter` is without it.
    package var startFolder: String?
    /// Terms that are added to the trainer's objective.
    package var objectives: [Component]
    /// The public items, whose answers only the coordinator has, in the trainer's own words.
    package var publicData: Mapping
    /// The names of all who private data are divided among, in the order of their shares: `data.members`, or else the
    /// clients in the order of their names. A client that leaves stays in it, so that the others keep theirs.
    package var members: [String]
    /// Whether `members` were written down.
    package var namesMembers: Bool
    /// `data.clients`: what clients that say nothing of their own have, in the trainer's own words.
    package var clientData: Mapping
    /// The held-out set that the coordinator evaluates on, in the trainer's own words.
    package var evaluation: Mapping
    /// How many rounds there are, and how long each may take.
    package var rounds: Rounds
    /// How updates become the next adapter.
    package var aggregation: Aggregation
    /// The name of the rule by which verified responses of a public step are swapped.
    package var pool: String
    /// How the values of a delta are stored on the wire.
    package var encoding: TensorEncoding
    /// What happens to an update before it is encoded and after it is decoded.
    package var transforms: Transforms
    /// What watches each merged adapter.
    package var monitors: [Component]
    /// What may refuse a round.
    package var guards: [Component]
    /// The clients in the order of the file.
    package var clients: [Client]

    /// Whether clients dial this machine: all of the federation is here.
    package var isLocal: Bool {
        coordinator.host == "localhost" || coordinator.host == "::1" || coordinator.host.hasPrefix("127.")
    }

    /// The client of a name, or nil.
    package func client(named name: String) -> Client? {
        clients.first { $0.name == name }
    }

    /// How many clients have to deliver before a phase may end without the others.
    package var quorum: Int { rounds.quorum ?? clients.count / 2 + 1 }

    /// A path of this topology made absolute: relative ones start from `folder`.
    package func absolutePath(_ path: String) -> String {
        path.hasPrefix("/") ? path : folder + "/" + path
    }

    /// What all members' trainers have in common, as one process sees it.
    package func runContext(threads: Int, shared: SharedValues) -> RunContext {
        RunContext(
            seed: seed,
            schedule: Schedule(
                stepsPerRound: rounds.steps,
                localPerPublic: rounds.localPerPublic < rounds.steps ? rounds.localPerPublic : nil
            ),
            clients: members,
            settings: trainer.settings,
            model: model,
            adapter: adapter,
            objectives: objectives,
            folder: folder,
            threads: threads,
            shared: shared
        )
    }
}

// The sections of a topology, one value type each.

extension Topology {
    /// Where the coordinator is: the address clients dial, the one it binds, and its names.
    package struct Coordinator: Sendable, Hashable {
        /// The host name or address that clients dial.
        package var host: String
        /// The TCP port; 0 lets the system choose one, which only suits processes started together.
        package var port: Int
        /// The address to bind.
        package var listen: String
        /// Further DNS names and addresses that its certificate covers besides `host`.
        package var names: [String]
        /// Threads of the coordinator's evaluations.
        package var threads: Int

        /// All names and addresses its certificate has to cover: `host`, then `names`, none twice.
        package var certificateNames: [String] {
            names.reduce(into: [host]) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    /// Which trainer the clients run, and its settings.
    package struct Trainer: Sendable, Hashable {
        /// The trainer's name in the registry.
        package var name: String
        /// Its settings, which only that trainer reads.
        package var settings: Mapping
    }

    /// The schedule: `count` rounds of `steps` steps, of which some are public.
    package struct Rounds: Sendable, Hashable {
        /// How many rounds there are.
        package var count: Int
        /// Steps in a round, local and public together.
        package var steps: Int
        /// q: local steps before each public one. With `steps` (`none` in the file) or more there is no public one.
        package var localPerPublic: Int
        /// How many clients have to deliver before a phase may end without the others; nil for more than half.
        package var quorum: Int?
        /// How long to wait for what.
        package var deadlines: Deadlines

        /// How many steps of a round are public.
        package var publicSteps: Int { steps / (localPerPublic + 1) }
    }

    /// How long to wait for what.
    package struct Deadlines: Sendable, Hashable {
        /// For the first connection of enough clients.
        package var start: Duration
        /// For the responses of the clients still missing, once the first client's have come.
        package var publicStep: Duration
        /// For the updates of the clients still missing, once the first client's has come.
        package var update: Duration
        /// Between two signs of life on a connection that has nothing else to send.
        package var heartbeat: Duration
        /// Silence after which a connection counts as dead.
        package var idle: Duration
        /// How long the coordinator stays after the end for clients that have not heard of it.
        package var farewell: Duration
    }

    /// How updates become the next adapter.
    package struct Aggregation: Sendable, Hashable {
        /// The name of the rule that merges the updates of a round.
        package var delta: String
        /// What weight each client's update has.
        package var weights: Weighting
        /// The Euclidean norm of a whole update above which it is refused.
        package var normLimit: NormLimit
        /// How many examples one client may state at most; nil for no limit but the one that follows from
        /// what the others state.
        package var examplesMax: Int?
        /// The part of the previous adapter's value below which a merged adapter has collapsed; nil to take any.
        package var collapse: Double?
    }

    /// When an update is too large.
    package enum NormLimit: Sendable, Hashable {
        /// Above a multiple of the median of recent rounds.
        case recent
        /// Above a fixed norm.
        case fixed(Double)
        /// Above what no training comes near.
        case unlimited
    }

    /// The chain of steps that an update goes through on each side of the wire.
    package struct Transforms: Sendable, Hashable {
        /// Between the client's trainer and the wire, before the encoding.
        package var client: [Component]
        /// Between the wire and the merge, after the checks.
        package var coordinator: [Component]
    }

    /// One client.
    package struct Client: Sendable, Hashable {
        /// Its name, a DNS label; its certificate carries it.
        package var name: String
        /// The host it runs on, for those who start it; nil where that is of no interest.
        package var host: String?
        /// Threads that compute in its process.
        package var threads: Int
        /// Its private data, in the trainer's own words.
        package var data: Mapping
        /// Added to every local step, to play a slow machine.
        package var delay: Duration
    }
}
