internal import ArgumentParser

struct ReproduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract:
            "Runs a paper's comparison in small, with the paper's figures beside ours where they are known.",
        discussion: """
            Each study writes its numbers as JSON and a page that needs no network. See
            `tributary reproduce pubswap --help` and so on for their options.

            EXAMPLES
              tributary reproduce pubswap --out run/pubswap
              tributary reproduce hyperattention --out run/hyperattention --quick
              tributary reproduce ret --out run/ret --quick
              tributary reproduce feature-blocking --out run/blocking --quick
              tributary reproduce stacca --out run/stacca --quick
            """,
        subcommands: [
            ReproducePubSwapCommand.self, ReproduceHyperAttentionCommand.self, ReproduceRETCommand.self,
            ReproduceFeatureBlockingCommand.self, ReproduceSTACCACommand.self,
        ]
    )
}
