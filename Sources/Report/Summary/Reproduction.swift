/// Several methods, each run with the same seeds, so that they can be compared in pairs.
public struct Reproduction: Codable, Sendable, Equatable {
    /// One run of one method.
    public struct Run: Codable, Sendable, Equatable {
        /// The seed.
        public var seed: UInt64
        /// Held-out pass@1 at the end.
        public var passAt1: Score
        /// Other figures of the run, such as `fedITGap` or `silentAfter`.
        public var metrics: [String: Double]

        /// Gathers a run.
        public init(seed: UInt64, passAt1: Score, metrics: [String: Double] = [:]) {
            self.seed = seed
            self.passAt1 = passAt1
            self.metrics = metrics
        }
    }

    /// All runs of one method.
    public struct Method: Codable, Sendable, Equatable {
        /// The method, as pages show it.
        public var name: String
        /// Its runs, one for each seed.
        public var runs: [Run]

        /// Gathers runs.
        public init(name: String, runs: [Run]) {
            self.name = name
            self.runs = runs
        }

        func run(seed: UInt64) -> Run? { runs.first { $0.seed == seed } }
    }

    /// Two methods to compare, by name: how much the first is better than the second.
    public struct Comparison: Codable, Sendable, Equatable {
        /// The method expected to be better.
        public var method: String
        /// The method it is compared with.
        public var against: String

        /// Names a pair.
        public init(_ method: String, against: String) {
            self.method = method
            self.against = against
        }
    }

    /// What was run.
    public var title: String
    /// The topology file, as it was named.
    public var topology: String
    /// The base model's score, the same for all seeds.
    public var base: Score?
    /// The methods in the order to show them.
    public var methods: [Method]
    /// The pairs to compare, in the order to show them.
    public var comparisons: [Comparison]
    /// Settings for the table, in the order to show them.
    public var settings: [Setting]

    /// Gathers a reproduction.
    public init(
        title: String,
        topology: String,
        base: Score? = nil,
        methods: [Method],
        comparisons: [Comparison],
        settings: [Setting] = []
    ) {
        self.title = title
        self.topology = topology
        self.base = base
        self.methods = methods
        self.comparisons = comparisons
        self.settings = settings
    }

    /// The seeds that any method was run with, ascending.
    public var seeds: [UInt64] {
        Set(methods.flatMap { $0.runs.map(\.seed) }).sorted()
    }
}
