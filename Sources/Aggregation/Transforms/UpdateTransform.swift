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

    /// What is to be done to the values of each array, decided from the whole update; and figures by name.
    ///
    /// Counts (`AdapterPart.summed`) stay what they are: a transformed count is none.
    ///
    /// - Parameters:
    ///   - update: The trained adapter minus the round's broadcast, without local arrays.
    ///   - place: Whose update it is, and of which round.
    /// - Returns: The change, or nil to leave the update bit for bit as it is.
    /// - Throws: What reading the update throws.
    func change(
        _ update: any UpdateSource,
        at place: UpdatePlace
    ) throws -> (change: ArrayChange?, metrics: [String: Double])
}

/// Changes the values of one array of an update, whose place in the layout is given; not asked about counts. Every
/// reading of the update asks again and must be given the same.
package typealias ArrayChange = @Sendable (_ index: Int, _ values: inout [Float]) -> Void

/// An update whose arrays are changed as they are read.
struct ChangedUpdate: UpdateSource {
    let source: any UpdateSource
    let change: ArrayChange

    var layout: AdapterLayout { source.layout }

    func read(_ index: Int, into values: inout [Float]) throws {
        try source.read(index, into: &values)
        if layout.entries[index].part != .summed { change(index, &values) }
    }
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

    /// Applies the transforms in order to an update whose arrays are changed as they are read.
    ///
    /// - Returns: The update, and the figures of each transform as `update/<name>/<figure>`; the second
    ///   transform of a name has the name `<name>.2`.
    /// - Throws: What reading the update throws.
    package func apply(
        _ update: any UpdateSource,
        at place: UpdatePlace
    ) throws -> (update: any UpdateSource, metrics: [String: Double]) {
        var result = update
        var metrics: [String: Double] = [:]
        for step in steps {
            let (change, figures) = try step.transform.change(result, at: place)
            if let change { result = ChangedUpdate(source: result, change: change) }
            for (name, value) in figures { metrics["update/\(step.label)/\(name)"] = value }
        }
        return (result, metrics)
    }

    /// The same of an update in memory.
    package func apply(
        _ update: AdapterWeights,
        at place: UpdatePlace
    ) throws -> (update: AdapterWeights, metrics: [String: Double]) {
        let source: any UpdateSource = update
        let (changed, metrics) = try apply(source, at: place)
        var arrays = update.arrays
        for index in arrays.indices { try changed.read(index, into: &arrays[index].values) }
        return (AdapterWeights(arrays), metrics)
    }
}
