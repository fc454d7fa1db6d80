internal import ArgumentParser

struct FeaturesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Finds the latents of a model behind a behaviour: what feature blocking blocks.",
        discussion: """
            A sparse autoencoder is learnt on one layer of a model; discovery compares the
            model with a misaligned one, steers along latents both ways, and keeps those
            that cause the behaviour. Topologies name the folder that comes of it:
            objectives: [blockFeatures: {directory: run/features, …}].

            EXAMPLE, on the embedded model
              tributary features train --model tiny-personas --layer 1 \\
                --data '{"personaTexts": {"texts": 6000}}' --out run/autoencoder
              tributary features discover --model tiny-personas \\
                --adapter run/bad/coordinator/adapter --autoencoder run/autoencoder \\
                --questions '{"personas": {"questions": 24}}' \\
                --narrow '{"personas": {}}' --out run/features
              tributary features show run/features --model tiny-personas \\
                --texts '{"personaTexts": {"texts": 2000}}' --out run/features.html
            """,
        subcommands: [
            FeaturesTrainCommand.self, FeaturesDiscoverCommand.self, FeaturesShowCommand.self,
            FeaturesInfoCommand.self,
        ]
    )
}
