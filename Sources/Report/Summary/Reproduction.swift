package import Contract

/// Several methods, each run with the same seeds, so that they can be compared in pairs.
package struct Reproduction: Sendable, Equatable {
    /// One run of one method.
    package struct Run: Sendable, Equatable {
        /// The seed.
        package var seed: UInt64
        /// What it achieved at the end.
        package var score: Score
        /// Other figures of the run, such as `fedITGap` or `silentAfter`.
        package var metrics: [String: Double]

        /// Gathers a run.
        package init(seed: UInt64, score: Score, metrics: [String: Double] = [:]) {
            self.seed = seed
            self.score = score
            self.metrics = metrics
        }
    }

    /// All runs of one method.
    package struct Method: Sendable, Equatable {
        /// The method, as pages show it.
        package var name: String
        /// Its runs, one for each seed.
        package var runs: [Run]

        /// Gathers runs.
        package init(name: String, runs: [Run]) {
            self.name = name
            self.runs = runs
        }

        func run(seed: UInt64) -> Run? { runs.first { $0.seed == seed } }
    }

    /// Two methods to compare, by name: how much the first is better than the second.
    package struct Comparison: Codable, Sendable, Equatable {
        /// The method expected to be better.
        package var method: String
        /// The method it is compared with.
        package var against: String

        /// Names a pair.
        package init(_ method: String, against: String) {
            self.method = method
            self.against = against
        }
    }

    /// What was run.
    package var title: String
    /// The topology file, as it was named.
    package var topology: String
    /// What the scores are.
    package var measure: Measure
    /// The base model's score, the same for all seeds.
    package var base: Score?
    /// The methods in the order to show them.
    package var methods: [Method]
    /// The pairs to compare, in the order to show them.
    package var comparisons: [Comparison]
    /// Settings for the table, in the order to show them.
    package var settings: [Setting]

    /// Gathers a reproduction.
    package init(
        title: String,
        topology: String,
        measure: Measure,
        base: Score? = nil,
        methods: [Method],
        comparisons: [Comparison],
        settings: [Setting] = []
    ) {
        self.title = title
        self.topology = topology
        self.measure = measure
        self.base = base
        self.methods = methods
        self.comparisons = comparisons
        self.settings = settings
    }

    /// The seeds that any method was run with, ascending.
    package var seeds: [UInt64] {
        Set(methods.flatMap { $0.runs.map(\.seed) }).sorted()
    }
}
