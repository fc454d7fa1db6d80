internal import ArgumentParser

struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Uses a policy on networks: measures it, shows it at work, lets it act.",
        discussion: """
            A federation with the trainer `stacca` leaves a policy in
            coordinator/adapter. It acts on any network: a random family with its nodes
            and a seed (barabasiAlbert:40:7), a network that comes with the program
            (karate), or a file (.edges, .gml, .csv).

            EXAMPLES
              tributary network evaluate run/epidemic/coordinator/adapter \\
                --network karate --network grid:80:1
              tributary network render run/epidemic/coordinator/adapter \\
                --network karate --out run/karate.html
            """,
        subcommands: [NetworkEvaluateCommand.self, NetworkRenderCommand.self, NetworkActCommand.self]
    )
}
