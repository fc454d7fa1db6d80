internal import Contract
internal import Yams
#if canImport(Glibc)
    internal import Glibc
#endif

extension Topology {
    /// Reads and checks a topology file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - check: Reads what only the owners of some words understand. It is called for a faulty file too, with
    ///     placeholders for what is wrong, so that one error tells of everything.
    /// - Throws: `ConfigurationError` with everything that is wrong in it, by line; what else `check` throws.
    package static func load(_ path: String, checking check: (Topology) throws -> Void = { _ in }) throws
        -> Topology
    {
        var bytes = try fileBytes(path)
        // A byte order mark of UTF-8 says nothing.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        if let foreign = ForeignEncoding(of: bytes) {
            let message = "found \(foreign.found), expected \(foreign.remedy(for: path))"
            throw ConfigurationError(
                file: path,
                problems: [.init(line: foreign.line, key: "", message: message)]
            )
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let file = absolute(path)
        let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } ?? ""
        return try parse(text, file: path, folder: folder.isEmpty ? "/" : folder, checking: check)
    }

    /// Reads and checks a topology that is at hand as text.
    ///
    /// - Parameters:
    ///   - yaml: The text of the file.
    ///   - file: How errors call it.
    ///   - folder: The absolute path that relative ones start from, unless the text names another.
    ///   - check: As for `load`.
    /// - Throws: `ConfigurationError` with everything that is wrong in it, by line; what else `check` throws.
    package static func parse(
        _ yaml: String,
        file: String = "topology",
        folder: String,
        checking check: (Topology) throws -> Void = { _ in }
    ) throws -> Topology {
        let root = try YAMLDocument.root(of: yaml, file: file)
        return try TopologyReader(log: ProblemLog(file: file), folder: folder).read(root, checking: check)
    }

    private static func fileBytes(_ path: String) throws(ConfigurationError) -> [UInt8] {
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

    private static func unreadable(_ path: String) -> ConfigurationError {
        let reason = String(cString: strerror(errno))
        return ConfigurationError(
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
