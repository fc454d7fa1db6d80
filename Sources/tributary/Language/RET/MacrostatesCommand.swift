internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Trainers
internal import TributaryKit

struct MacrostatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "macrostates",
        abstract:
            "Learns macrostates of a model from trajectories, names and shows them, foretells from them.",
        discussion: """
            A run of the trainer `ret` ends with macrostates that several organisations
            learnt together; `learn` makes them from one folder of trajectories.

            EXAMPLES
              tributary macrostates learn run/trajectories --out run/macrostates
              tributary macrostates fit run/ret/coordinator/adapter \\
                --trajectories run/trajectories --out run/macrostates
              tributary macrostates name run/macrostates 3 check
            """,
        subcommands: [
            MacrostatesLearnCommand.self, MacrostatesFitCommand.self, MacrostatesNameCommand.self,
            MacrostatesShowCommand.self, MacrostatesPredictCommand.self, MacrostatesScoreCommand.self,
        ]
    )
}

struct MacrostatesLearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Learns macrostates from recorded trajectories.",
        discussion: """
            A fifth of the trajectories, chosen by their names, is kept for measuring.
            The number of groups is found by the stability rule unless it is given.
            Refuses to write macrostates that have collapsed.

            EXAMPLES
              tributary macrostates learn run/trajectories --out run/macrostates
              tributary macrostates learn run/smollm2 --out run/macrostates \\
                --windows 8,32 --hidden 512,256 --outputs 32 --horizon 4-16 --steps 4000
            """
    )

    @Argument(help: ArgumentHelp("A folder of trajectories.", valueName: "directory"))
    var trajectories: String

    @Option(help: ArgumentHelp("Where the macrostates go.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("Adam steps.", valueName: "number"))
    var steps = 2500

    @Option(help: ArgumentHelp("States over which means are taken, separated by commas.", valueName: "list"))
    var windows = "8"

    @Option(help: ArgumentHelp("Widths of the encoder's hidden layers.", valueName: "list"))
    var hidden = "64"

    @Option(help: ArgumentHelp("The width of a macrostate.", valueName: "number"))
    var outputs = 16

    @Option(
        help: ArgumentHelp("How many tokens ahead is foretold: 8, or 4-12 to draw from.", valueName: "range")
    )
    var horizon = "4-12"

    @Option(
        help: ArgumentHelp(
            "How many pairs of a batch of 256 come from one text, whose mean is taken off its targets: what stays the same through a text then counts for nothing. 1 takes off the batch's mean.",
            valueName: "number"
        )
    )
    var pairsPerText = 32

    @Option(
        help: ArgumentHelp("How many groups; found by the stability rule if not given.", valueName: "number")
    )
    var groups: Int?

    @Option(help: ArgumentHelp("The seed.", valueName: "number"))
    var seed: UInt64 = 1

    @OptionGroup var compute: ComputeOptions

    func validate() throws { _ = try settings() }

    func run() async throws {
        try await Failure.reporting("tributary macrostates learn") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            let settings = try settings()
            let set = try TrajectoryFolder.open(trajectories)
            try MacrostateFolder.makeFolder(out)
            let (train, heldOut) = set.split(heldOutOneIn: 5)
            guard !train.indices.isEmpty, !heldOut.indices.isEmpty else {
                throw TrajectoryFault(
                    trajectories,
                    "found \(set.trajectories.count) trajectories, expected enough for a fifth to be held out"
                )
            }
            let net = MacrostateNet(
                shape: settings.shape,
                statistics: try StateStatistics(of: train, skipsPrompt: true),
                seed: seed
            )
            var learner = try MacrostateLearner(
                net: net,
                learning: settings.learning,
                subset: train,
                seed: seed,
                path: "learn"
            )
            for step in 0..<steps {
                let done = try learner.step(step)
                guard (step + 1) % 250 == 0 || step + 1 == steps else { continue }
                let spread = Spread(of: try learner.probe(), width: settings.shape.outputs)
                if step >= settings.collapse.graceSteps || step + 1 == steps,
                    let objection = settings.collapse.objection(to: spread)
                {
                    throw CollapseFault("step \(step + 1): \(objection)")
                }
                ProgressDisplay.write(
                    "step \(step + 1)/\(steps)  loss \(ProgressDisplay.fixed(done.loss, 3))  effective rank "
                        + "\(ProgressDisplay.fixed(spread.effectiveRank, 1))\n"
                )
            }
            var macrostates = Macrostates(
                source: set.source,
                shape: settings.shape,
                net: net.weights,
                centroids: Centroids(
                    width: settings.shape.outputs,
                    values: [Float](repeating: 0, count: settings.shape.outputs)
                )
            )
            try macrostates.fit(train, groups: groups, seed: seed)
            try MacrostateFolder.write(macrostates, to: out)
            try MacrostateSummary.say(macrostates, of: heldOut)
            print("wrote \(out)")
        }
    }

    private func settings() throws -> RETSettings {
        var settings = RETSettings()
        settings.shape = MacrostateShape(
            windows: try Self.list(windows, "windows"),
            hidden: try Self.list(hidden, "hidden"),
            outputs: outputs,
            predictorHidden: [64]
        )
        let ends = horizon.split(separator: "-").compactMap { Int($0) }
        guard ends.count == horizon.split(separator: "-").count, let first = ends.first, let last = ends.last,
            ends.count <= 2
        else {
            throw ValidationError("horizon: found '\(horizon)', expected a number or two with a dash.")
        }
        settings.learning.horizon = .init(from: first, to: last)
        settings.learning.pairsPerTrajectory = pairsPerText
        do throws(SettingsFault) { try settings.validate() } catch { throw ValidationError("\(error)") }
        guard steps > 0, (2...256).contains(groups ?? 2) else {
            throw ValidationError("steps: at least 1; groups: 2 to 256.")
        }
        return settings
    }

    private static func list(_ text: String, _ name: String) throws -> [Int] {
        try text.split(separator: ",").map { word in
            guard let number = Int(word.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("\(name): found '\(text)', expected numbers separated by commas.")
            }
            return number
        }
    }
}

struct MacrostatesFitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit",
        abstract: "Finds groups and steering directions of macrostates on trajectories.",
        discussion: """
            The networks stay as they are; groups, their recalls and directions are found
            anew, and names are gone. For macrostates that a federation learnt, and for
            other trajectories of the same model.

            EXAMPLES
              tributary macrostates fit run/ret/coordinator/adapter \\
                --trajectories run/trajectories --out run/macrostates
              tributary macrostates fit run/macrostates --trajectories run/trajectories \\
                --groups 5 --out run/five-groups
            """
    )

    @Argument(help: ArgumentHelp("A folder of macrostates.", valueName: "directory"))
    var macrostates: String

    @Option(
        help: ArgumentHelp("A folder of trajectories of the same model and layers.", valueName: "directory")
    )
    var trajectories: String

    @Option(help: ArgumentHelp("Where the macrostates go; may be the same folder.", valueName: "directory"))
    var out: String

    @Option(
        help: ArgumentHelp("How many groups; found by the stability rule if not given.", valueName: "number")
    )
    var groups: Int?

    @Option(help: ArgumentHelp("The seed.", valueName: "number"))
    var seed: UInt64 = 1

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (2...256).contains(groups ?? 2) else { throw ValidationError("groups: 2 to 256.") }
    }

    func run() async throws {
        try await Failure.reporting("tributary macrostates fit") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            var found = try MacrostateFolder.read(from: macrostates)
            let set = try TrajectoryFolder.open(trajectories)
            try found.require(set.source, of: trajectories)
            let (train, heldOut) = set.split(heldOutOneIn: 5)
            try found.fit(train, groups: groups, seed: seed)
            try MacrostateFolder.write(found, to: out)
            try MacrostateSummary.say(found, of: heldOut)
            print("wrote \(out)")
        }
    }
}

struct MacrostatesNameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "name",
        abstract: "Gives a group of macrostates a name.",
        discussion: """
            Look at the groups first: tributary macrostates show.

            EXAMPLE
              tributary macrostates name run/macrostates 3 check
            """
    )

    @Argument(help: ArgumentHelp("A folder of macrostates.", valueName: "directory"))
    var macrostates: String

    @Argument(help: ArgumentHelp("The group's number, or its name so far.", valueName: "group"))
    var group: String

    @Argument(help: ArgumentHelp("Its name: a few words.", valueName: "name"))
    var name: String

    func run() async throws {
        try await Failure.reporting("tributary macrostates name") {
            var found = try MacrostateFolder.read(from: macrostates)
            let group = try found.group(group)
            let taken = found.groups.indices.contains(where: {
                $0 != group && found.groups[$0].name.lowercased() == name.lowercased()
            })
            let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            guard !taken, (1...64).contains(name.count), isPlain, Int(name) == nil else {
                throw TrajectoryFault(
                    macrostates,
                    "found the name '\(name.prefix(80))', expected 1 to 64 characters in one line, no number, that no other group has"
                )
            }
            found.groups[group].name = name
            // A judge's score was that of the old name.
            found.groups[group].forcedChoice = nil
            try MacrostateFolder.write(found, to: macrostates)
            print("group \(group) is '\(name)'")
        }
    }
}

/// A few lines about macrostates on held-out trajectories.
enum MacrostateSummary {
    static func say(_ macrostates: Macrostates, of heldOut: TrajectorySubset) throws {
        let net = try macrostates.makeNet()
        var labels: [[Int32]] = []
        for trajectory in heldOut.trajectories {
            let z = try net.encode(
                rows: trajectory.learnableRows,
                start: trajectory.rows.lowerBound,
                of: heldOut.set
            )
            labels.append(macrostates.centroids.assign(z))
        }
        let dynamics = GroupDynamics(labels, groups: macrostates.groups.count)
        print("group  share  dwell  recall  name")
        for group in macrostates.groups.indices {
            let recall = macrostates.groups[group].recall.map { ProgressDisplay.fixed($0, 2) } ?? "-"
            print(
                "\(group)".padding(toLength: 7, withPad: " ", startingAt: 0)
                    + ProgressDisplay.fixed(dynamics.shares[group], 2).padding(
                        toLength: 7,
                        withPad: " ",
                        startingAt: 0
                    )
                    + ProgressDisplay.fixed(dynamics.dwell[group], 1).padding(
                        toLength: 7,
                        withPad: " ",
                        startingAt: 0
                    )
                    + recall.padding(toLength: 8, withPad: " ", startingAt: 0)
                    + macrostates.groups[group].name
            )
        }
        print(
            "temporal consistency \(ProgressDisplay.fixed(dynamics.temporalConsistency, 2)), by chance "
                + "\(ProgressDisplay.fixed(dynamics.chanceConsistency, 2)), on \(heldOut.indices.count) held-out trajectories"
        )
    }
}
