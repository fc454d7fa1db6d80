internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Report
internal import Trainers
internal import TributaryKit

struct MacrostatesPredictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract:
            "Foretells a behaviour from the beginnings of labelled trajectories, beside simpler features.",
        discussion: """
            Labels come from `trajectories record --mode generate`, which grades answers,
            or from a person: "label": 0 or 1 in the lines of index.jsonl. Each trajectory
            is scored by a logistic regression that was fitted on other prompts (5 folds).
            AUROC: how often one with label 1 is scored above one with label 0; .50 is
            chance. Intervals are of 95 %, by resampling prompts.

            A part of the generated tokens is only known as one when all are there: the
            row `length` shows how much that alone gives away.

            EXAMPLES
              tributary macrostates predict run/macrostates --trajectories run/trajectories
              tributary macrostates predict run/macrostates --trajectories run/other \\
                --fractions .05,.1,.2 --debounce 1 --out prediction.json
            """
    )

    @Argument(help: ArgumentHelp("The folder of the macrostates.", valueName: "macrostates"))
    var folder: String

    @Option(help: ArgumentHelp("The folder of the labelled trajectories.", valueName: "directory"))
    var trajectories: String

    @Option(
        help: ArgumentHelp("Which parts of the generated tokens are seen, ascending.", valueName: "list")
    )
    var fractions = ".1,.25,.5,.75"

    @Option(
        help: ArgumentHelp("After how many tokens a new group counts as a change.", valueName: "number")
    )
    var debounce = 3

    @Option(help: ArgumentHelp("The seed of folds and resamples.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Where all numbers go as JSON.", valueName: "file"))
    var out: String?

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        _ = try parts()
        try FlagRange.require(debounce, in: 1...1_000_000, "debounce")
    }

    func run() async throws {
        try await Failure.reporting("tributary macrostates predict") {
            if let out { try OutputPath.requireFile(out) }
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            let macrostates = try MacrostateFolder.read(from: folder)
            let set = try TrajectoryFolder.open(trajectories)
            try macrostates.require(set.source, of: trajectories)
            let forecast = try BehaviourForecast(
                macrostates,
                of: set,
                behaviour: try TrajectoryFolder.header(of: trajectories).label ?? "label 1",
                fractions: try parts(),
                debounce: debounce,
                seed: seed
            )
            print(forecast.text, terminator: "")
            guard let out else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            try encoder.encode(forecast).write(to: URL(filePath: out), options: .atomic)
            print("wrote \(out)")
        }
    }

    private func parts() throws -> [Double] {
        let parts = fractions.split(separator: ",").compactMap {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard !parts.isEmpty, parts.count == fractions.split(separator: ",").count,
            parts.allSatisfy({ $0 > 0 && $0 <= 1 }), zip(parts, parts.dropFirst()).allSatisfy(<)
        else {
            throw ValidationError(
                "fractions: found '\(fractions)', expected numbers above 0 and up to 1, ascending."
            )
        }
        return parts
    }
}
