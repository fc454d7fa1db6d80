import Foundation
import Testing

/// The package's files, as text.
struct Tree {
    /// The package's folder: what `TRIBUTARY_ROOT` names, or the folder that this file is two levels below.
    static let root: String = {
        if let named = ProcessInfo.processInfo.environment["TRIBUTARY_ROOT"] { return named }
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder.path
    }()

    struct File {
        /// From the package's folder: `Sources/Rounds/RunPlan.swift`.
        var path: String
        var text: String

        /// The module: the folder below `Sources`, or below `Sources/Examples`.
        var module: String {
            let folders = path.split(separator: "/")
            return String(folders[folders[1] == "Examples" ? 2 : 1])
        }
        var name: String { String(path.split(separator: "/").last ?? "") }
        var lines: [Substring] {
            text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { Substring($0) }
        }

        /// Whether a word is anywhere in the file.
        func contains(_ word: String) -> Bool { text.withCString { strstr($0, word) != nil } }

        /// The lines with their numbers, without comments.
        var code: [(number: Int, text: Substring)] {
            lines.enumerated().compactMap { index, line in
                let start = line.drop { $0 == " " }
                guard !start.hasPrefix("//"), !start.hasPrefix("*"), !start.hasPrefix("/*") else {
                    return nil
                }
                return (index + 1, line.firstRange(of: " // ").map { line[..<$0.lowerBound] } ?? line)
            }
        }
    }

    /// The text of a file.
    static func read(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    /// The names in a folder that do not begin with a dot, sorted.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Whether something is at a path.
    static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    /// The Swift and C files below `Sources`, without what the schema compiler generates.
    static func sources() throws -> [File] { try all.get() }

    private static let all = Result<[File], any Error> {
        let endings = [".swift", ".c", ".h"]
        let all = try FileManager.default.subpathsOfDirectory(atPath: root + "/Sources").sorted()
        return try all.filter { path in
            endings.contains { path.hasSuffix($0) } && !path.hasPrefix("Wire/Generated/")
        }.map { File(path: "Sources/" + $0, text: try read("Sources/" + $0)) }
    }
}
