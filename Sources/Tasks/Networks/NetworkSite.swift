package import Contract

/// A network of a party, with what is particular to it.
package struct NetworkSite: Sendable {
    /// The network.
    package let network: Network
    /// What it counts with in means: what its source is called, or else its family.
    package let group: String
    /// Where its source stands in the mapping, for errors.
    package let place: String
    /// What is other there than everywhere else.
    package let circumstances: Circumstances

    /// The networks that a mapping of the topology file describes under `networks`, all of its sources in
    /// order. A source may have two keys beside its own: `name`, what its networks are called together, and
    /// `circumstances`, the numbers of the environment that are particular to them.
    ///
    /// - Parameters:
    ///   - data: The mapping; it has no other key.
    ///   - run: Where relative paths start from.
    /// - Throws: `ConfigurationError` for what is wrong in the mapping, with its line; `NetworkFault` for
    ///   files.
    package static func sites(_ data: Mapping, _ run: RunContext) throws -> [NetworkSite] {
        let sources: [Source]
        if isList(data) {
            sources = try data.decode(Listed.self).networks
        } else {
            sources = [try data.decode(Single.self).networks]
        }
        guard !sources.isEmpty else {
            throw data.error("networks", "found an empty list, expected at least one")
        }
        var sites: [NetworkSite] = []
        for (index, source) in sources.enumerated() {
            let place = sources.count > 1 ? "networks[\(index)]" : "networks"
            for network in try networks(source.networks, place, data, run) {
                let group = source.name ?? network.family
                sites.append(
                    NetworkSite(
                        network: network,
                        group: group,
                        place: place,
                        circumstances: source.circumstances
                    )
                )
            }
        }
        return sites
    }

    private static func networks(
        _ source: NetworkSource,
        _ place: String,
        _ data: Mapping,
        _ run: RunContext
    ) throws -> [Network] {
        do throws(NetworkFault) {
            return try source.networks(run.absolutePath)
        } catch {
            guard case .invalid(_, let field, let found, let expected) = error else { throw error }
            throw data.error("\(place).\(field)", "found \(found), expected \(expected)")
        }
    }

    private static func isList(_ data: Mapping) -> Bool {
        guard case .mapping(let pairs) = data.value,
            case .sequence = pairs.first(where: { $0.key == "networks" })?.value
        else { return false }
        return true
    }

    private struct Source: Decodable {
        var networks: NetworkSource
        var name: String?
        var circumstances: Circumstances

        private enum CodingKeys: String, CodingKey { case name, circumstances }

        init(from decoder: any Decoder) throws {
            networks = try NetworkSource(from: decoder)
            let values = try decoder.container(keyedBy: CodingKeys.self)
            name = try values.decodeIfPresent(String.self, forKey: .name)
            circumstances =
                try values.decodeIfPresent(Circumstances.self, forKey: .circumstances) ?? Circumstances()
        }
    }

    private struct Single: Decodable { var networks: Source }
    private struct Listed: Decodable { var networks: [Source] }
}
