internal import ArgumentParser
internal import Digest
internal import Foundation
internal import Report
internal import Models
internal import Text
internal import Trainers
internal import TributaryKit

struct MacrostatesShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Writes a page: texts coloured by group, examples, transitions, and how far to trust them.",
        discussion: """
            The page is one file that loads nothing. The trajectories must be of the
            model and the layers that the macrostates are of; the model is needed for its
            tokenizer. Names are those in macrostates.json, where a person may change
            them; a group without one is called by the words that tell it from others.

            Measures and examples are of the fifth of the trajectories that `learn` and
            `fit` leave out; --all takes all, as for trajectories they never saw. Where
            trajectories have labels, the page shows how early they can be foretold.

            EXAMPLES
              tributary macrostates show run/macrostates \\
                --trajectories run/trajectories --model tiny-phases
              tributary macrostates show run/macrostates --model tiny-phases \\
                --trajectories run/other --all --text problem-7 --out problem-7.html
            """
    )

    @Argument(help: ArgumentHelp("The folder of the macrostates.", valueName: "macrostates"))
    var folder: String

    @Option(help: ArgumentHelp("The folder of the recorded trajectories.", valueName: "directory"))
    var trajectories: String

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(
        help: ArgumentHelp(
            "The page; macrostates.html in the macrostates' folder if not given.",
            valueName: "file"
        )
    )
    var out: String?

    @Option(help: ArgumentHelp("The page's heading.", valueName: "text"))
    var title: String?

    @Option(help: ArgumentHelp("How many texts are shown, spread over all.", valueName: "number"))
    var texts = 8

    @Option(
        help: ArgumentHelp("The identifier of a text to show instead; may be given again.", valueName: "id")
    )
    var text: [String] = []

    @Option(help: ArgumentHelp("How many spans of each group are shown.", valueName: "number"))
    var examples = 4

    @Flag(help: "Take all trajectories, not only those that were held out.")
    var all = false

    @Flag(help: "Leave out closure, which takes the longest to measure.")
    var skipClosure = false

    @Flag(help: "Leave out the early prediction of labels, where trajectories have some.")
    var skipPrediction = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (0...1000).contains(texts), (0...100).contains(examples) else {
            throw ValidationError("texts: 0 … 1000; examples: 0 … 100.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary macrostates show") {
            if let out { try OutputPath.requireFile(out) }
            let macrostates = try MacrostateFolder.read(from: folder)
            let set = try TrajectoryFolder.open(trajectories)
            try macrostates.require(set.source, of: trajectories)
            let named = try NamedModel(model)
            try named.require(set.source, of: trajectories)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            var reader = MacrostateReader(
                macrostates: macrostates,
                set: set,
                tokenizer: named.tokenizer,
                takesAll: all
            )
            reader.header = try TrajectoryFolder.header(of: trajectories)
            reader.textCount = texts
            reader.ids = text
            reader.examples = examples
            reader.measuresClosure = !skipClosure
            reader.measuresPrediction = !skipPrediction
            let reading = try reader.reading(title: title ?? "Macrostates of \(reader.modelName)")
            let page = out ?? "\(folder)/macrostates.html"
            try Data(MacrostatePage(reading).html().utf8).write(to: URL(filePath: page), options: .atomic)
            for line in reading.warnings { print(line) }
            print("page: \(page)")
        }
    }
}
