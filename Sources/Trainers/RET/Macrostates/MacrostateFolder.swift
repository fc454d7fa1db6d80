package import Contract
internal import FoundationEssentials
package import Models

/// Macrostates on disk:
///
///     macrostates.json          model, layers, shape, groups and their names: a person may edit the names
///     macrostates.safetensors   the networks, the groups' centres, and directions to steer along
package enum MacrostateFolder {
    static let descriptionName = "macrostates.json"
    static let weightsName = "macrostates.safetensors"
    /// The array of the groups' centres.
    static let centroidsName = "groups.centroids"

    private struct Description: Codable {
        var format = "tributary-macrostates-1"
        var source: StateSource
        var shape: MacrostateShape
        var groups: [Macrostates.Group]
        var stability: [Macrostates.Stability]
        /// How many tokens ahead a future group is; nil without directions.
        var lag: Int?
    }

    /// Whether a folder holds macrostates.
    package static func isThere(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(descriptionName)")
    }

    /// Writes macrostates; makes the folder if it is missing.
    package static func write(_ macrostates: Macrostates, to folder: String) throws {
        try makeFolder(folder)
        let centroids = macrostates.centroids
        var arrays = macrostates.net.arrays
        arrays.append(
            NamedArray(
                name: centroidsName,
                shape: [centroids.count, centroids.width],
                values: centroids.values
            )
        )
        arrays += macrostates.directions?.arrays ?? []
        try SafetensorsWriter.write(arrays, to: "\(folder)/\(weightsName)")
        let description = Description(
            source: macrostates.source,
            shape: macrostates.shape,
            groups: macrostates.groups,
            stability: macrostates.stability,
            lag: macrostates.directions?.lag
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try OutputFault.wrap("\(folder)/\(descriptionName)") {
            try encoder.encode(description).write(
                to: URL(filePath: "\(folder)/\(descriptionName)"),
                options: .atomic
            )
        }
    }

    /// Makes the folder that macrostates are to go to, before there are any.
    package static func makeFolder(_ folder: String) throws {
        try OutputFault.wrap(folder) {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
    }

    /// Reads macrostates and checks them.
    ///
    /// - Throws: `TrajectoryFault` or `CheckpointError` naming the file, and the key or the array.
    package static func read(from folder: String) throws -> Macrostates {
        let path = "\(folder)/\(descriptionName)"
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TrajectoryFault(
                path,
                "cannot be read; expected a folder of macrostates, as `tributary macrostates learn` makes it"
            )
        }
        let description: Description
        do {
            description = try JSONDecoder().decode(Description.self, from: bytes)
        } catch let error as DecodingError {
            throw TrajectoryFault(path, "is no description of macrostates: \(FaultText.sentence(error))")
        }
        let format = Description(
            source: description.source,
            shape: description.shape,
            groups: [],
            stability: []
        ).format
        guard description.format == format else {
            throw TrajectoryFault(path, "found format '\(description.format)', expected '\(format)'")
        }
        do throws(SettingsFault) { try description.shape.validate("shape") } catch {
            throw TrajectoryFault(path, "\(error)")
        }
        guard description.source.width > 0, description.source.stateWidth <= 1 << 22,
            !description.groups.isEmpty
        else {
            throw TrajectoryFault(
                path,
                "found \(description.groups.count) groups of states of width \(description.source.width)"
            )
        }
        let file = try SafetensorsFile(path: "\(folder)/\(weightsName)")
        let arrays = try file.arrays()
        let (groups, width) = (description.groups.count, description.shape.outputs)
        let centres = try file.values(of: centroidsName, shape: [groups, width])
        var macrostates = Macrostates(
            source: description.source,
            shape: description.shape,
            net: AdapterWeights(
                arrays.filter { $0.name != centroidsName && !$0.name.hasPrefix(SteeringDirections.prefix) }
            ),
            centroids: Centroids(width: width, values: centres)
        )
        macrostates.groups = description.groups
        macrostates.stability = description.stability
        if let lag = description.lag {
            macrostates.directions = try SteeringDirections(
                file,
                groups: groups,
                width: description.source.stateWidth,
                lag: lag
            )
        }
        do throws(AdapterFault) { _ = try macrostates.makeNet() } catch {
            throw TrajectoryFault(file.path, "\(error)")
        }
        return macrostates
    }
}
