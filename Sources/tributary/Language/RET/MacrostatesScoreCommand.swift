internal import ArgumentParser
internal import Foundation
internal import Models
internal import Report
internal import Trainers
internal import TributaryKit

struct MacrostatesScoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Has a judge tell each group's spans from others', by the group's name.",
        discussion: """
            For each pair the judge's command is run by /bin/sh. It gets one line of JSON,
            {"name", "description" if macrostates.json has one, "examples", "a", "b"}, and
            answers a or b: which of the two texts is of the group. The share of right
            answers is kept in macrostates.json as forcedChoice, and `show` says it; .50
            is guessing. Texts go to the command: mind where it sends them.

            A judge who does well knows what words stand in a group, which is less than
            what the model does there.

            EXAMPLE
              tributary macrostates score run/macrostates --trajectories run/trajectories \\
                --model tiny-phases --judge 'python3 judge.py'
            """
    )

    @Argument(help: ArgumentHelp("The folder of the macrostates.", valueName: "macrostates"))
    var folder: String

    @Option(help: ArgumentHelp("The folder of the recorded trajectories.", valueName: "directory"))
    var trajectories: String

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("What answers: a command.", valueName: "command"))
    var judge: String

    @Option(help: ArgumentHelp("How many pairs of each group are asked.", valueName: "number"))
    var pairs = 20

    @Option(help: ArgumentHelp("The most seconds an answer takes.", valueName: "number"))
    var timeout = 60

    @Option(help: ArgumentHelp("The seed of the pairs.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(help: "Take all trajectories, not only those that were held out.")
    var all = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (ForcedChoice.pairsMin...1000).contains(pairs), (1...3600).contains(timeout) else {
            throw ValidationError("pairs: \(ForcedChoice.pairsMin) … 1000; timeout: 1 … 3600.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary macrostates score") {
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            var macrostates = try MacrostateFolder.read(from: folder)
            let set = try TrajectoryFolder.open(trajectories)
            try macrostates.require(set.source, of: trajectories)
            let named = try NamedModel(model)
            try named.require(set.source, of: trajectories)
            let reader = MacrostateReader(
                macrostates: macrostates,
                set: set,
                tokenizer: named.tokenizer,
                takesAll: all
            )
            let asked = try reader.judgeQuestions(count: pairs, seed: seed)
            guard asked.contains(where: { !$0.questions.isEmpty }) else {
                throw TrajectoryFault(
                    trajectories,
                    "found no group with \(ForcedChoice.pairsMin) spans beside its examples, expected one; try --all"
                )
            }
            let process = JudgeProcess(command: judge, secondsMax: timeout)
            var rows: [[String]] = []
            for (group, (name, questions)) in asked.enumerated() {
                guard !questions.isEmpty else {
                    macrostates.groups[group].forcedChoice = nil
                    rows.append(["\(group) \(name)", "-", "too few spans", ""])
                    continue
                }
                let right = try questions.count {
                    try process.choosesFirst($0.question) == $0.isFirstRight
                }
                let share = Double(right) / Double(questions.count)
                macrostates.groups[group].forcedChoice = share
                let least = ForcedChoice.rightMin(of: questions.count)
                let verdict = right >= least ? "told apart" : "may be guessing (\(least) needed)"
                rows.append([
                    "\(group) \(name)", ProgressDisplay.fixed(share, 2), "\(right) of \(questions.count)",
                    verdict,
                ])
            }
            try MacrostateFolder.write(macrostates, to: folder)
            print(
                TextTable(header: ["group", "forced choice", "right", ""], rows: rows).text,
                terminator: ""
            )
            print("wrote \(folder); .50 is guessing")
        }
    }
}
