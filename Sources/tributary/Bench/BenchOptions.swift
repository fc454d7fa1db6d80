internal import ArgumentParser
internal import Foundation
internal import Nodes
internal import Tensors

/// What the comparing benches have in common.
struct BenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How often each side is measured behind its warm-up.", valueName: "number"))
    var runs = 5

    @Option(
        help: ArgumentHelp(
            "How many threads each side has; the machine's cores unless given.",
            valueName: "number"
        )
    )
    var threads: Int?

    @Option(
        help: ArgumentHelp("Other programs to run by turns with this one, with commas.", valueName: "names")
    )
    var against: String?

    @Option(
        help: ArgumentHelp(
            "The folder of their environment (deploy/peers/README.md).",
            valueName: "directory"
        )
    )
    var peers: String?

    @Option(help: ArgumentHelp("Where the figures go as JSON, besides the table.", valueName: "file"))
    var out: String?

    @Flag(help: .hidden)
    var serve = false

    func validate() throws {
        try FlagRange.require(runs, in: 1...1000, "runs")
        if let threads { try FlagRange.require(threads, in: 1...1024, "threads") }
        guard against == nil || peers != nil else { throw ValidationError("--against needs --peers.") }
    }

    /// The threads of each side.
    var lanes: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

    /// The names behind `--against`.
    ///
    /// - Parameter known: Those that a bench has peers for.
    /// - Throws: `ValidationError` for another name.
    func peers(known: [String]) throws -> [String] {
        let names = (against ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        for name in names where !known.contains(name) {
            throw ValidationError("against: found '\(name)', expected \(known.joined(separator: ", ")).")
        }
        return names
    }

    /// The command of a peer's script in `deploy/peers`, in the peers' own Python.
    ///
    /// - Throws: `NodeError` where script or Python are missing.
    func peer(_ script: String, _ arguments: String...) throws -> String {
        let (folder, file) = (peers ?? "", "deploy/peers/\(script)")
        for path in [file, "\(folder)/bin/python"] where access(path, R_OK) != 0 {
            throw NodeError(
                .input,
                "there is no '\(path)': run this from the repository's folder, with the environment that"
                    + " deploy/peers/setup makes"
            )
        }
        let words = ["\(folder)/bin/python", file, "--peers", folder, "--threads", "\(lanes)"] + arguments
        return "exec env OMP_NUM_THREADS=\(lanes) " + BenchSide.shell(words)
    }

    /// The command of this program as a side: the same bench with other arguments.
    func own(_ arguments: [String]) throws -> String {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return "exec "
            + BenchSide.shell([program, "bench"] + arguments + ["--threads", "\(lanes)", "--serve"])
    }

    /// Measures works and shows what was measured; as a side of one, does that instead.
    ///
    /// - Parameters:
    ///   - bench: The bench's name.
    ///   - works: What is to be measured.
    func compare(_ bench: String, _ works: () throws -> [BenchWork]) throws {
        if let out { try OutputPath.requireFile(out) }
        let works = try works()
        let ceilings = BenchCeilings(threads: lanes, runs: runs)
        print(ceilings.text)
        var record = BenchRecord(
            bench: bench,
            command: CommandLine.arguments.dropFirst().joined(separator: " "),
            machine: BenchMachine(),
            threads: lanes,
            ceilings: ceilings,
            rows: []
        )
        for work in works {
            let rows = try BenchContest(work: work, runs: runs, ceilings: ceilings).rows()
            print(BenchTable(work: work, rows: rows).text)
            record.rows += rows
        }
        if let out { try BenchCommand.write(record, out: out) }
    }
}
