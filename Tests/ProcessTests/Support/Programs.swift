import Foundation
import Testing

/// Where the programs under test are.
enum Programs {
    /// The package's folder: `Tests/ProcessTests/Support/Programs.swift` is four levels below it.
    static let packageRoot: String = {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        return folder.path
    }()

    /// The folder with `coordinator`, `client` and `tributary`: what `TRIBUTARY_BIN` names, or the folder of
    /// this test program, or the package's debug build; nil where none has them.
    static let folder: String? = {
        var candidates: [String] = []
        if let named = ProcessInfo.processInfo.environment["TRIBUTARY_BIN"] { candidates.append(named) }
        for argument in CommandLine.arguments where argument.contains(".xctest") {
            // …/debug/tributaryPackageTests.xctest is a file on Linux, beside the programs.
            candidates.append(URL(fileURLWithPath: argument).deletingLastPathComponent().path)
        }
        candidates.append(packageRoot + "/.build/debug")
        return candidates.first { folder in
            ["coordinator", "client", "tributary"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: folder + "/" + $0)
            }
        }
    }()

    /// A program's path.
    static func path(_ name: String) throws -> String {
        try #require(folder, "build first: `swift build`") + "/" + name
    }
}
