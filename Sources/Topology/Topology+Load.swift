internal import Digest
internal import Yams
#if canImport(Glibc)
    internal import Glibc
#endif

extension Topology {
    /// Reads and checks a topology file.
    ///
    /// - Throws: `TopologyError` with everything that is wrong in it, by line.
    public static func load(_ path: String) throws(TopologyError) -> Topology {
        let bytes = try fileBytes(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TopologyError(file: path, problems: [.init(line: nil, key: "", message: "not UTF-8 text")])
        }
        let file = absolute(path)
        let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } ?? ""
        return try parse(text, file: path, folder: folder.isEmpty ? "/" : folder)
    }

    /// Reads and checks a topology that is at hand as text.
    ///
    /// - Parameters:
    ///   - yaml: The text of the file.
    ///   - file: How errors call it.
    ///   - folder: The absolute path that relative ones start from, unless the text names another.
    /// - Throws: `TopologyError` with everything that is wrong in it, by line.
    public static func parse(
        _ yaml: String,
        file: String = "topology",
        folder: String
    ) throws(TopologyError) -> Topology {
        let root = try YAMLDocument.root(of: yaml, file: file)
        return try TopologyReader(log: ProblemLog(file: file), folder: folder).read(root)
    }

    private static func fileBytes(_ path: String) throws(TopologyError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= YAMLDocument.bytesMax {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    private static func unreadable(_ path: String) -> TopologyError {
        let reason = String(cString: strerror(errno))
        return TopologyError(
            file: path,
            problems: [.init(line: nil, key: "", message: "not readable: \(reason)")]
        )
    }

    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
