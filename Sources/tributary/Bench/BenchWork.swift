internal import Contract
internal import Foundation

/// What is to be measured, and who measures it.
struct BenchWork {
    /// What is done, with its sizes.
    var name: String
    /// The figure by which sides are compared, such as `tokens/s`.
    var figure: String
    /// Whether more of it is better; otherwise less is.
    var isRate = true
    /// Who does it. Peers of one family are measured once, as their warm-up, and the best of them goes on.
    var sides: [BenchSide]
}

/// One side of a comparison: a program that does the work once for each line that it is given.
struct BenchSide {
    /// What it is called, such as `tributary float32`.
    var name: String
    /// What it is a variant of, such as a program that runs files of several precisions.
    var family: String
    /// Its command, for `/bin/sh`.
    var command: String
    /// Whether it is this program.
    var isOwn = true
    /// What the work asks of the machine.
    var cost: BenchCost?

    /// Words as `/bin/sh` takes them for what they are.
    static func shell(_ words: [String]) -> String {
        words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
    }
}

/// What one unit of a rate asks of the machine: useful work alone, not what a program does besides.
struct BenchCost {
    /// The arithmetic, and how many operations there are.
    var operations: (kind: BenchCeilings.Kind, count: Double)?
    /// How many bytes have to be read.
    var bytes: Double?
}

/// What a side says of one run, as a line of JSON.
struct BenchSample: Codable {
    /// How long it took.
    var seconds: Double
    /// The CPU time of the side's processes.
    var cpuSeconds: Double
    /// The most memory that they had at once, since their start.
    var peakMiB: Double
    /// What was measured, by name.
    var figures: [String: Double]
}

/// Median and range of some samples.
struct BenchSpread: Codable {
    var median: Double
    var lowest: Double
    var highest: Double

    init(_ values: [Double]) {
        median = values.median ?? 0
        lowest = values.min() ?? 0
        highest = values.max() ?? 0
    }
}

/// What a bench found, as its file has it.
struct BenchRecord: Encodable {
    var bench: String
    /// The arguments that it was called with.
    var command: String
    var machine: BenchMachine
    var threads: Int
    var ceilings: BenchCeilings
    var rows: [BenchRow]
}

/// What one side did.
struct BenchRow: Encodable {
    var work: String
    var side: String
    var isOwn: Bool
    /// The figure by which it is compared.
    var figure: String
    /// How many runs are in the medians.
    var runs: Int
    /// All figures of a run.
    var figures: [String: BenchSpread]
    /// How long a run took, warm-up not counted.
    var seconds: BenchSpread
    /// CPU seconds of a run.
    var cpuSeconds: BenchSpread
    /// The most memory that it had at once.
    var peakMiB: Double
    /// The largest share of all cores that other programs took during a run.
    var othersShare: Double
    /// What part of a ceiling it reaches, by the ceiling's name.
    var shares: [String: Double] = [:]
    /// How many times as fast it is as the best peer; nil without one, and for peers.
    var timesBestPeer: Double?
    /// What was measured besides, after the runs.
    var parts: [String: Double] = [:]

    /// Median and range of the figure by which it is compared.
    var compared: BenchSpread { figures[figure] ?? BenchSpread([]) }
}
