internal import ArgumentParser
internal import Tensors

/// How much of the machine a command takes.
struct ComputeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many threads compute; no result depends on it.",
            valueName: "number"
        )
    )
    var threads: Int?

    func validate() throws {
        if let threads { try FlagRange.require(threads, in: 1...1024, "threads") }
    }

    /// Sets the threads of this process.
    ///
    /// - Parameter standard: How many where none were given; nil for a thread for each core, unless `OPENBLAS_NUM_THREADS`
    ///   says otherwise.
    func configure(standard: Int? = nil) {
        if let count = threads ?? standard { Compute.configure(threads: count) }
    }
}
