/// What the page of `tributary network render` shows: one network, and the same episode under several policies.
package struct EpisodeReading: Sendable, Equatable {
    /// The page's heading.
    package var title: String
    /// What was played, in a line.
    package var subtitle: String
    /// n nodes' names.
    package var nodes: [String]
    /// Pairs of nodes.
    package var edges: [Edge]
    /// What compartments are called, the first one being untouched: susceptible, infected, ….
    package var compartments: [String]
    /// What the second compartment's share is called under the picture.
    package var spreading: String
    /// τ: levels of protection are 0 … τ; 0 where there is none.
    package var ramp: Int
    /// The policies side by side.
    package var panels: [Panel]

    /// Two nodes that touch.
    package struct Edge: Sendable, Equatable {
        /// The one.
        package var from: Int
        /// The other.
        package var to: Int

        /// Joins two nodes.
        package init(from: Int, to: Int) {
            self.from = from
            self.to = to
        }
    }

    /// One policy's episode.
    package struct Panel: Sendable, Equatable {
        /// The policy.
        package var name: String
        /// The discounted return.
        package var value: Double
        /// `[T + 1]` of `[n]`: compartments.
        package var compartments: [[UInt8]]
        /// `[T + 1]` of `[n]`: levels of protection.
        package var levels: [[UInt8]]
        /// `[T]` of `[n]`: who acts.
        package var actions: [[UInt8]]

        /// One policy's episode.
        package init(
            name: String,
            value: Double,
            compartments: [[UInt8]],
            levels: [[UInt8]],
            actions: [[UInt8]]
        ) {
            self.name = name
            self.value = value
            self.compartments = compartments
            self.levels = levels
            self.actions = actions
        }

        /// `[T + 1]`: the share of nodes in the second compartment.
        package var spreading: [Double] {
            compartments.map { state in
                Double(state.count { $0 == 1 }) / Double(max(state.count, 1))
            }
        }

        /// `[T]`: the share of nodes that act.
        package var acting: [Double] {
            actions.map { action in Double(action.count { $0 == 1 }) / Double(max(action.count, 1)) }
        }
    }

    /// Gathers a reading.
    package init(
        title: String,
        subtitle: String,
        nodes: [String],
        edges: [Edge],
        compartments: [String],
        spreading: String,
        ramp: Int,
        panels: [Panel]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.nodes = nodes
        self.edges = edges
        self.compartments = compartments
        self.spreading = spreading
        self.ramp = ramp
        self.panels = panels
    }
}
