package import Contract
package import Tasks

/// `trainer.settings.environment`: what happens on the networks.
package struct NetworkEnvironment: TrainerSettings {
    /// The kinds of environment.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Containing an epidemic.
        case epidemic
        /// Controlling a rumour.
        case rumour
    }

    /// Which one.
    package var kind = Kind.epidemic
    /// The epidemic's numbers.
    package var epidemic = EpidemicDynamics()
    /// The rumour's numbers.
    package var rumour = RumourDynamics()

    /// The epidemic in the setting "range".
    package init() {}

    /// Checks the ranges of the one that is chosen.
    package func validate() throws(SettingsFault) {
        do {
            switch kind {
            case .epidemic: try epidemic.validate()
            case .rumour: try rumour.validate()
            }
        } catch {
            throw SettingsFault(key: "\(kind.rawValue).\(error.key)", reason: error.reason)
        }
    }

    /// The environment.
    package var dynamics: any NetworkDynamics {
        switch kind {
        case .epidemic: epidemic
        case .rumour: rumour
        }
    }

    /// What its compartments are called, in their order.
    package var compartments: [String] {
        switch kind {
        case .epidemic:
            epidemic.model == .sir ? ["susceptible", "infected", "recovered"] : ["susceptible", "infected"]
        case .rumour: ["ignorant", "spreader", "stifler"]
        }
    }
}
