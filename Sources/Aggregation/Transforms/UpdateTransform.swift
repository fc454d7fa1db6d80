package import Contract

/// Something that is done to a client's update: before it is encoded at the client, or before it is merged.
///
/// An open set: a transform is one file in `Transforms/` and one line in ``UpdateTransforms/all``.
package protocol UpdateTransform: Sendable {
    /// What its mapping in the topology file says.
    associatedtype Settings: TrainerSettings
    /// The word used in topology files.
    static var name: String { get }
    /// One sentence for people who choose.
    static var summary: String { get }
    /// Takes validated settings; it keeps no state from round to round.
    init(_ settings: Settings)

    /// The update with its names, shapes and parts, its values changed; and figures by name.
    ///
    /// Counts (`AdapterPart.summed`) stay what they are: a transformed count is none.
    ///
    /// - Parameters:
    ///   - update: The trained adapter minus the round's broadcast, without local arrays.
    ///   - place: Whose update it is, and of which round.
    func apply(
        _ update: AdapterWeights,
        at place: UpdatePlace
    ) -> (update: AdapterWeights, metrics: [String: Double])
}

/// Whose update it is: with a transform's name it names the random stream that the transform draws from.
package struct UpdatePlace: Sendable, Hashable {
    /// The federation's seed.
    package var seed: UInt64
    /// The round, from 0.
    package var round: Int
    /// The client's name.
    package var client: String

    /// Names a place.
    package init(seed: UInt64, round: Int, client: String) {
        self.seed = seed
        self.round = round
        self.client = client
    }
}

/// All transforms.
package enum UpdateTransforms {
    /// The transforms, in the order in which help texts list them.
    package static let all: [any UpdateTransform.Type] = [
        ClipTransform.self
    ]

    /// The names of all transforms.
    package static var names: [String] { all.map { $0.name } }
}

/// The transforms that a topology file lists, one after the other.
package struct TransformChain: Sendable {
    private let steps: [(label: String, transform: any UpdateTransform)]

    /// Finds the transforms and reads their settings.
    ///
    /// - Throws: `ConfigurationError` on the line of a name that no transform has, or of a setting that is
    ///   wrong.
    package init(_ components: [Component]) throws {
        var steps: [(label: String, transform: any UpdateTransform)] = []
        var seen: [String: Int] = [:]
        for component in components {
            guard let type = UpdateTransforms.all.first(where: { $0.name == component.name }) else {
                let known = UpdateTransforms.names.joined(separator: ", ")
                throw component.settings.error(
                    "",
                    "found '\(component.name)', expected an update transform: one of \(known)"
                )
            }
            let count = seen[component.name, default: 0] + 1
            seen[component.name] = count
            let label = count == 1 ? component.name : "\(component.name).\(count)"
            steps.append((label, try TransformChain.make(type, component.settings)))
        }
        self.steps = steps
    }

    /// The same list with the transforms' defaults filled in.
    ///
    /// - Throws: What making a chain of it throws.
    package static func completed(_ components: [Component]) throws -> [Component] {
        _ = try TransformChain(components)
        return try components.map { component in
            guard let type = UpdateTransforms.all.first(where: { $0.name == component.name }) else {
                return component
            }
            return Component(component.name, try TransformChain.completed(type, component.settings))
        }
    }

    private static func completed<Transform: UpdateTransform>(
        _ type: Transform.Type,
        _ settings: Mapping
    ) throws -> Mapping {
        try settings.read(Transform.Settings.self) { try Mapping(json: $0.json(), file: settings.file) }
    }

    private static func make<Transform: UpdateTransform>(
        _ type: Transform.Type,
        _ settings: Mapping
    ) throws -> any UpdateTransform {
        try settings.read(Transform.Settings.self) { Transform($0) }
    }

    /// Whether nothing is done to an update.
    package var isEmpty: Bool { steps.isEmpty }

    /// Applies the transforms in order.
    ///
    /// - Returns: The update, and the figures of each transform as `update/<name>/<figure>`; the second
    ///   transform of a name has the name `<name>.2`.
    package func apply(
        _ update: AdapterWeights,
        at place: UpdatePlace
    ) -> (update: AdapterWeights, metrics: [String: Double]) {
        var result = update
        var metrics: [String: Double] = [:]
        for step in steps {
            let (changed, figures) = step.transform.apply(result, at: place)
            precondition(changed.layout == result.layout, "'\(step.label)' changed the update's layout")
            result = changed
            for (name, value) in figures { metrics["update/\(step.label)/\(name)"] = value }
        }
        return (result, metrics)
    }
}
