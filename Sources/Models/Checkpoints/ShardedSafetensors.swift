internal import FoundationEssentials
internal import Glibc

/// A folder's weights in several safetensors files, with `model.safetensors.index.json` that says which tensor is in
/// which.
struct ShardedSafetensors: TensorSource {
    /// What the index is called.
    static let indexName = "model.safetensors.index.json"
    /// The largest index: one line for each of 100,000 tensors.
    static let indexBytesMax = 32 << 20
    /// The most files.
    static let shardsMax = 512

    let path: String
    private let shards: [SafetensorsFile]
    /// By tensor, its shard.
    private let places: [String: Int]

    /// Opens the index and every file that it names, and checks one against the others: no file outside the folder,
    /// each tensor where it is said to be and nowhere else, none that is not in the index.
    init(directory: String) throws(CheckpointError) {
        path = "\(directory)/\(Self.indexName)"
        let index = try Self.readIndex(path)
        let names = Set(index.values).sorted()
        guard names.count <= Self.shardsMax else {
            throw .overLimit(
                file: path,
                what: "number of files",
                value: UInt64(names.count),
                limit: UInt64(Self.shardsMax)
            )
        }
        var shards: [SafetensorsFile] = []
        var places: [String: Int] = [:]
        for name in names
        where name.contains("/") || name.contains("\0") || !name.hasSuffix(".safetensors") {
            throw .badKey(
                file: path,
                key: "weight_map",
                detail: "'\(name)' is not the name of a safetensors file in the folder"
            )
        }
        for name in names {
            let shard = try SafetensorsFile(path: "\(directory)/\(name)")
            for tensor in shard.names {
                if let other = places[tensor] {
                    throw Self.misplaced(tensor, in: shard, "is also in \(names[other])")
                }
                guard let said = index[tensor] else {
                    throw Self.misplaced(tensor, in: shard, "is not in \(Self.indexName)")
                }
                guard said == name else {
                    throw Self.misplaced(tensor, in: shard, "is in \(said) by \(Self.indexName)")
                }
                places[tensor] = shards.count
            }
            shards.append(shard)
        }
        for (tensor, name) in index.sorted(by: { $0.key < $1.key }) where places[tensor] == nil {
            throw .missingTensor(file: "\(directory)/\(name)", name: tensor)
        }
        self.shards = shards
        self.places = places
    }

    var files: [ReadableFile] { shards.flatMap(\.files) }

    var names: [String] { places.keys.sorted() }

    func tensor(_ name: String) throws(CheckpointError) -> StoredTensor? {
        guard let place = places[name] else { return nil }
        return try shards[place].tensor(name)
    }

    func shape(of name: String) -> [Int]? { places[name].flatMap { shards[$0].shape(of: name) } }

    private static func misplaced(
        _ tensor: String,
        in shard: SafetensorsFile,
        _ detail: String
    ) -> CheckpointError {
        .malformed(file: shard.path, offset: nil, detail: "tensor '\(tensor)' \(detail)")
    }

    private struct Index: Decodable {
        let places: [String: String]

        enum CodingKeys: String, CodingKey { case places = "weight_map" }
    }

    private static func readIndex(_ path: String) throws(CheckpointError) -> [String: String] {
        let bytes = try ReadableFile.contents(of: path, limit: indexBytesMax)
        do {
            return try JSONDecoder().decode(Index.self, from: Data(bytes)).places
        } catch {
            throw .malformed(file: path, offset: nil, detail: JSONFault.describe(error))
        }
    }
}
