package import Contract
package import Models

/// The words of a topology's `model` and `adapter` for a policy on graphs.
package struct GraphPolicySettings: Sendable, Hashable {
    /// `model`.
    package var model = ModelWords()
    /// `adapter`.
    package var adapter = AdapterWords()

    /// The defaults.
    package init() {}

    /// `model`: the sizes of both networks.
    package struct ModelWords: TrainerSettings, Hashable {
        /// d.
        package var width = 24
        /// H, a divisor of `width`.
        package var heads = 4
        /// The hidden width of a block's feed-forward part.
        package var inner = 48
        /// The GAT layers of each network.
        package var graphLayers = 1
        /// The transformer layers of each network.
        package var layers = 1
        /// The critic's transformer layers, where they are other than the actor's.
        package var criticLayers: Int?
        /// What the critic has values of: each node, whose mean is the state's, or the state alone (notes 2.2), which then
        /// stands for each of its nodes.
        package var criticPooling = GraphTransformerConfiguration.Pooling.none
        /// κ: how many hops an actor sees; no limit if 0.
        package var receptiveField = 4
        /// Whether an actor sees no other node's level of protection.
        package var hidesLevels = true
        /// Whether both networks see the rates and the cost of the environment they are in: for members whose
        /// circumstances differ.
        package var seesCircumstances = false
        /// The actor's attention.
        package var attention = AnyAttention.softmax
        /// The critic's attention.
        package var criticAttention = AnyAttention.softmax

        /// The defaults.
        package init() {}

        /// Checks that both networks can be built.
        package func validate() throws(SettingsFault) {
            try actor(features: 1, own: 0).validate()
            do {
                try critic(features: 1).validate()
            } catch {
                let own = ["layers": "criticLayers", "attention": "criticAttention"]
                throw SettingsFault(key: own[error.key] ?? error.key, reason: error.reason)
            }
        }

        private func common(features: Int) -> GraphTransformerConfiguration {
            var configuration = GraphTransformerConfiguration(features: features)
            configuration.width = width
            configuration.heads = heads
            configuration.inner = inner
            configuration.graphLayers = graphLayers
            return configuration
        }

        /// The actor: log-odds of acting for each node, almost none at first.
        func actor(features: Int, own: Int) -> GraphTransformerConfiguration {
            var configuration = common(features: features)
            configuration.layers = layers
            configuration.ownFeatures = own
            configuration.receptiveField = receptiveField == 0 ? nil : receptiveField
            configuration.attention = attention
            configuration.outputScale = 0.01
            return configuration
        }

        /// The critic, which sees the whole network.
        func critic(features: Int) -> GraphTransformerConfiguration {
            var configuration = common(features: features)
            configuration.layers = criticLayers ?? layers
            configuration.pooling = criticPooling
            configuration.attention = criticAttention
            configuration.outputScale = 0.1
            return configuration
        }
    }

    /// `adapter`: what travels.
    package struct AdapterWords: TrainerSettings, Hashable {
        /// r of low-rank factors beside frozen maps; 0: the maps themselves are trained.
        package var rank = 0
        /// The factors' product is scaled by alpha / rank.
        package var alpha = 8.0

        /// The defaults.
        package init() {}

        /// Checks the ranges.
        package func validate() throws(SettingsFault) {
            try SettingsFault.require((0...1024).contains(rank), "rank", "found \(rank), expected 0 … 1024")
            try SettingsFault.require(
                alpha > 0 && alpha.isFinite,
                "alpha",
                "found \(alpha), expected more than 0"
            )
        }
    }

    /// Reads both sections.
    ///
    /// - Throws: `ConfigurationError` naming the line.
    package init(_ run: RunContext) throws {
        model = try run.model.read(ModelWords.self) { $0 }
        adapter = try run.adapter.read(AdapterWords.self) { $0 }
    }

    /// What is trained and travels.
    var adaptation: GraphAdaptation {
        adapter.rank == 0 ? .dense : .lowRank(rank: adapter.rank, alpha: adapter.alpha)
    }
}
