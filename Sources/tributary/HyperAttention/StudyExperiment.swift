internal import Contract
internal import Randomness
internal import Report

/// One experiment of a study: it draws its data from seeds, trains what it compares and hands back numbers.
protocol StudyExperiment: Sendable {
    /// Its name on the command line.
    var name: String { get }
    /// Its heading.
    var title: String { get }

    /// Runs it from the start.
    ///
    /// - Parameter progress: Hears a line now and then; where nothing is at stake nobody need listen.
    /// - Returns: The same numbers for the same options on every machine with the same matrix kernels,
    ///   apart from measured times.
    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection
}

/// How much of a study to run.
struct StudyOptions: Sendable {
    /// Whether the whole study is to take less than a minute; leaves out what needs longer.
    var isQuick: Bool
    /// The seeds to report over. Settings were chosen on seeds 101 and 102.
    var seeds: [UInt64]

    /// What a page says of training that was cut short; nothing otherwise.
    ///
    /// - Parameter share: How much of the full training there was, in words.
    func remarks(training share: String) -> [String] {
        isQuick ? ["--quick trains \(share) of the steps; bounds are those of the full study."] : []
    }
}

/// Runs experiments one after another.
struct StudyRun {
    /// What is run.
    let title: String
    /// The paper.
    let paper: String
    /// What to run, in order.
    let experiments: [any StudyExperiment]
    /// How much of it.
    let options: StudyOptions
    /// Hears what is going on.
    let progress: @Sendable (String) -> Void
    /// Hears of each section when it is there.
    let finished: @Sendable (StudySection) -> Void

    /// Runs everything.
    ///
    /// - Parameter facts: The machine and the program.
    func complete(facts: [Setting]) async throws -> StudyRecord {
        let began = ContinuousClock.now
        var sections: [StudySection] = []
        for experiment in experiments {
            progress("\(experiment.title)")
            let start = ContinuousClock.now
            var section = try await experiment.run(options) { [progress] in progress("  \($0)") }
            section.seconds = (ContinuousClock.now - start).inSeconds
            finished(section)
            sections.append(section)
        }
        return StudyRecord(
            title: title,
            paper: paper,
            seeds: options.seeds,
            facts: facts,
            sections: sections,
            seconds: (ContinuousClock.now - began).inSeconds
        )
    }
}

// MARK: - Numbers that experiments share

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension [Double] {
    /// The middle value, or the mean of the two; nil if there is none.
    var median: Double? {
        let sorted = sorted()
        guard !isEmpty else { return nil }
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    /// The arithmetic mean; nil if there is no value.
    var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }

    /// The mean squared distance from the mean.
    var variance: Double {
        let centre = mean ?? 0
        return map { ($0 - centre) * ($0 - centre) }.mean ?? 0
    }

    /// The standard deviation of a sample.
    var deviation: Double {
        count > 1 ? (variance * Double(count) / Double(count - 1)).squareRoot() : 0
    }

    /// The mean squared difference from as many others.
    func meanSquaredError(to others: [Double]) -> Double {
        precondition(count == others.count, "meanSquaredError: \(count) values and \(others.count)")
        return zip(self, others).map { ($0 - $1) * ($0 - $1) }.mean ?? 0
    }
}

extension StudyTable.Cell {
    /// A number, or nothing.
    static func measured(_ value: Double?) -> Self { value.map { .number($0) } ?? .none }
}
