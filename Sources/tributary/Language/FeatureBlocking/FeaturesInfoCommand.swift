internal import ArgumentParser
internal import Foundation
internal import Models
internal import Trainers
internal import TributaryKit

struct FeaturesInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Says what a folder of features, or of an autoencoder, holds.",
        discussion: """
            EXAMPLES
              tributary features info run/features
              tributary features info run/autoencoder
            """
    )

    @Argument(help: ArgumentHelp("The folder.", valueName: "directory"))
    var folder: String

    func run() async throws {
        try await Failure.reporting("tributary features info") {
            guard FeatureSet.isThere(folder) else {
                try say(autoencoder: folder)
                return
            }
            let set = try FeatureSet(folder: folder)
            say([
                ("model", set.model),
                ("layer", "\(set.layer), of width \(set.width)"),
                ("autoencoder", "\(set.autoencoder), \(set.latentCount) latents"),
                ("state length", "\(ProgressDisplay.fixed(set.steeringScale, 3)), the unit of strengths"),
                (
                    "budget",
                    "\(ProgressDisplay.fixed(100 * set.budget.induce, 1)) % incoherent in the base, "
                        + "\(ProgressDisplay.fixed(100 * set.budget.repair, 1)) % with the adapter"
                ),
                ("questions", "\(set.baselines.base.count)"),
            ])
            print()
            print(FeatureSummary.text(of: set), terminator: "")
            let beside = "\(folder)/\(FeatureSet.autoencoderName)"
            if SAELensFolder.isThere(beside) {
                print()
                try say(autoencoder: beside)
            }
        }
    }

    private func say(autoencoder folder: String) throws {
        let found = try SAELensFolder.read(from: folder)
        var rows = [
            ("autoencoder", found.digest),
            ("model", found.model.isEmpty ? "not said" : found.model),
            ("layer", "\(found.layer), of width \(found.width)"),
            ("latents", "\(found.latentCount), \(found.kindText)"),
            ("scale", found.activationScale == 1 ? "not said" : "\(found.activationScale)"),
        ]
        if let quality = try SAELensFolder.quality(in: folder) { rows.append(("quality", quality.text)) }
        say(rows)
    }

    private func say(_ rows: [(String, String)]) {
        for (name, value) in rows {
            print(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
        }
    }
}
