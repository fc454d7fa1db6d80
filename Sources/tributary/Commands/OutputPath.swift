internal import ArgumentParser
internal import Contract
internal import Glibc

/// Where a command writes, looked at before it works, so that an hour's work does not end without a place to go.
enum OutputPath {
    /// Requires that a folder is there or can be made.
    ///
    /// - Throws: `ValidationError` for an empty path, `OutputFault` for what is in the way.
    static func requireFolder(_ path: String, _ flag: String = "out") throws {
        guard !path.isEmpty else { throw ValidationError("\(flag): found nothing, expected a folder.") }
        guard let isFolder = isFolder(path) else { return try requireParent(of: path) }
        guard isFolder else { throw OutputFault(path, "it is a file, expected a folder") }
        try requireWritable(path, for: path)
    }

    /// Requires that a file can be written into a folder that is there.
    ///
    /// - Throws: As `requireFolder` does.
    static func requireFile(_ path: String, _ flag: String = "out") throws {
        guard !path.isEmpty else { throw ValidationError("\(flag): found nothing, expected a file.") }
        let isFolder = isFolder(path)
        guard isFolder != true, path.last != "/" else {
            throw OutputFault(path, "it is a folder, expected a file")
        }
        // Files are written beside their place and moved there: a device would be replaced.
        if let type = type(of: path), type != S_IFREG {
            throw OutputFault(path, "it is a device or a pipe, expected a file")
        }
        let folder = parent(of: path)
        switch self.isFolder(folder) {
        case true?: try requireWritable(folder, for: path)
        case false?: throw OutputFault(path, "\(folder) is a file, expected a folder")
        case nil: throw OutputFault(path, "the folder \(folder) does not exist; make it first")
        }
    }

    private static func requireParent(of path: String) throws {
        var folder = parent(of: path)
        while isFolder(folder) == nil, folder != "/", folder != "." { folder = parent(of: folder) }
        guard isFolder(folder) == true else {
            throw OutputFault(path, "\(folder) is a file, expected a folder")
        }
        try requireWritable(folder, for: path)
    }

    private static func requireWritable(_ folder: String, for path: String) throws {
        guard access(folder, W_OK | X_OK) == 0 else { throw OutputFault(path, cause: errno) }
    }

    /// Whether a path is a folder; nil where nothing is there.
    private static func isFolder(_ path: String) -> Bool? {
        type(of: path).map { $0 == S_IFDIR }
    }

    /// The kind of file that a path leads to (`S_IFMT`); nil where nothing is there.
    private static func type(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func parent(of path: String) -> String {
        let trimmed = path.last == "/" && path.utf8.count > 1 ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}
