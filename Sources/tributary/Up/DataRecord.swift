internal import Contract
internal import Digest
internal import Foundation
internal import Nodes
internal import Topology

/// Which files a run on this machine learns from, by content: the topology only has their names, and a run that goes on
/// with other contents would be another one.
struct DataRecord: Codable, Equatable {
    /// One file or folder.
    struct Source: Codable, Equatable {
        /// Where it is.
        var path: String
        /// SHA-256 of its bytes; of a folder, of the names and digests of what is in it.
        var sha256: String
    }

    /// By the key that names it, such as `data.public.path` or `clients[inc].data.path`.
    private(set) var sources: [String: Source] = [:]

    /// Reads all files that a topology's data name. One that is not there is left to whoever needs it.
    ///
    /// - Parameters:
    ///   - topology: What is run.
    ///   - dataFile: A file in place of the first client's data.
    init(of topology: Topology, dataFile: String?) throws {
        try add(topology.publicData.value, "data.public", topology)
        try add(topology.evaluation.value, "data.evaluation", topology)
        for (index, client) in topology.clients.enumerated() {
            let key = "clients[\(client.name)].data"
            if index == 0, let dataFile {
                let current = FileManager.default.currentDirectoryPath
                try add(dataFile.hasPrefix("/") ? dataFile : current + "/" + dataFile, at: key + ".path")
            } else {
                try add(client.data.value, key, topology)
            }
        }
    }

    private mutating func add(_ value: PlainValue, _ key: String, _ topology: Topology) throws {
        switch value {
        case .mapping(let pairs):
            for pair in pairs {
                let inner = "\(key).\(pair.key)"
                if case .text(let path) = pair.value, Mapping.fileKeys.contains(pair.key) {
                    try add(topology.absolutePath(path), at: inner)
                } else {
                    try add(pair.value, inner, topology)
                }
            }
        case .sequence(let values):
            for (index, value) in values.enumerated() {
                if case .text(let path) = value, Mapping.fileKeys.contains(where: { key.hasSuffix(".\($0)") })
                {
                    try add(topology.absolutePath(path), at: "\(key)[\(index)]")
                } else {
                    try add(value, "\(key)[\(index)]", topology)
                }
            }
        case .null, .boolean, .integer, .unsigned, .number, .text: return
        }
    }

    private mutating func add(_ path: String, at key: String) throws {
        guard let digest = try DataRecord.digest(of: path) else { return }
        sources[key] = Source(path: path, sha256: "\(digest)")
    }

    /// SHA-256 of a file or a folder; nil if there is none.
    private static func digest(of path: String) throws -> SHA256Digest? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { return try digest(ofFile: path) }
        let hash = SHA256()
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            guard let inner = try digest(of: path + "/" + name) else { continue }
            hash.update(Array("\(inner) \(name)\n".utf8))
        }
        return hash.finish()
    }

    private static func digest(ofFile path: String) throws -> SHA256Digest? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        let hash = SHA256()
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data) }
        return hash.finish()
    }

    /// What of a record another one has otherwise, and what to do about it; nil if the contents are the same.
    func difference(to now: DataRecord) -> String? {
        for key in Set(sources.keys).union(now.sources.keys).sorted() {
            switch (sources[key], now.sources[key]) {
            case (let then?, let found?) where then.sha256 == found.sha256: continue
            case (let then?, let found?):
                let place =
                    then.path == found.path
                    ? "'\(found.path)' has changed since" : "'\(found.path)' is not what '\(then.path)' was"
                return
                    "\(key): \(place) (SHA-256 \(then.sha256.prefix(12))…, now \(found.sha256.prefix(12))…): "
                    + "give the run what it had"
            case (let then?, nil):
                return "\(key): it had '\(then.path)', and there is no such file now: give it again"
                    + (key.hasSuffix(".data.path") ? ", with --data if it came that way" : "")
            case (nil, let found?):
                return "\(key): it had no file, and now '\(found.path)': leave that out"
            case (nil, nil): continue
            }
        }
        return nil
    }

    /// The record of a run; nil for a run of a version that kept none.
    static func read(from file: String) throws -> DataRecord? {
        guard let data = FileManager.default.contents(atPath: file) else { return nil }
        do {
            return try JSONDecoder().decode(DataRecord.self, from: data)
        } catch {
            throw NodeError(
                .data,
                "\(file): found no record of data files, expected what an earlier start wrote"
            )
        }
    }

    /// Keeps the record.
    func write(to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: file), options: .atomic)
    }
}
