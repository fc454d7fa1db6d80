import Foundation
import Testing

/// House rules that can be read off the files.
struct TidyTests {
    /// Files that may read the time or make unique names, and why.
    private static let clocks: Set<String> = [
        // Certificates are valid from and until; the ledger's records say when, for people.
        "Sources/Nodes/CoordinatorProcess.swift", "Sources/Nodes/ClientProcess.swift",
        "Sources/Nodes/IdentityKeeper.swift",
        "Sources/tributary/Up/LocalRun.swift", "Sources/tributary/Commands/ProvisionAllCommand.swift",
        "Sources/tributary/Bench/WireRound.swift",
        "Sources/tributary/Commands/ProvisionAuthorityCommand.swift",
        "Sources/tributary/Commands/ProvisionSignCommand.swift",
        "Sources/tributary/Commands/ProvisionInstallCommand.swift",
        "Sources/tributary/Commands/ValidateCommand.swift",
        // How long ago something was, for people.
        "Sources/Nodes/OperatorLink.swift", "Sources/tributary/Commands/StatusCommand.swift",
        "Sources/tributary/Commands/ValidateCommand.swift",
    ]

    /// Files that take concurrency into their own hands, and why.
    private static let unchecked: Set<String> = [
        // OpenSSL objects that never change after init and count their references atomically.
        "Sources/Transport/TLS/TLSContext.swift", "Sources/Transport/OpenSSL/PrivateKey.swift",
        "Sources/Transport/OpenSSL/RevocationList.swift", "Sources/Transport/OpenSSL/Certificate.swift",
        // The mailbox of a compute thread: everything behind one pthread mutex.
        "Sources/Nodes/Compute/ComputeThread.swift",
        // Work side by side: each piece writes a result of its own, all within one call.
        "Sources/Aggregation/Parallel.swift",
        // Numbers that never change after init, in memory that one object owns.
        "Sources/Tensors/FrozenValues.swift", "Sources/Tensors/PackedMatrix.swift",
        "Sources/Tensors/BlockMatrix.swift",
        // A mapped file, in which nobody writes.
        "Sources/Models/Checkpoints/FileMapping.swift",
        // The queue of the thread that writes log lines: everything behind one pthread mutex.
        "Sources/Nodes/Logs/LogWriter.swift",
    ]

    private func offences(_ words: [String], except allowed: Set<String> = []) throws -> [String] {
        var found: [String] = []
        for file in try Tree.sources()
        where !allowed.contains(file.path) && words.contains(where: { file.contains($0) }) {
            for (number, line) in file.code {
                for word in words where line.contains(word) {
                    found.append("\(file.path):\(number): \(word)")
                }
            }
        }
        return found
    }

    @Test("no force, no crash")
    func noForce() throws {
        #expect(try offences(["try!", "as!", "fatalError("]) == [])
    }

    @Test("nothing is left to be done")
    func nothingLeft() throws {
        let marks = ["TO" + "DO", "FIX" + "ME"]
        let found = try Tree.sources().filter { file in marks.contains { file.contains($0) } }.flatMap {
            file in
            file.lines.enumerated().filter { line in marks.contains { line.element.contains($0) } }
                .map { "\(file.path):\($0.offset + 1)" }
        }
        #expect(found == [])
    }

    @Test("time and chance enter in few known places")
    func clocksAndChance() throws {
        #expect(
            try offences(["Date()", "Date.now", ".random(", ".shuffled()", "UUID()"], except: Self.clocks)
                == []
        )
        for file in Self.clocks {
            #expect(Tree.has(file), "\(file) is gone from Sources: take it off the list")
        }
    }

    @Test("concurrency checks are switched off in few known places")
    func uncheckedConcurrency() throws {
        let words = ["@unchecked Sendable", "nonisolated(unsafe)", "@preconcurrency"]
        #expect(try offences(words, except: Self.unchecked) == [])
        for file in Self.unchecked {
            #expect(Tree.has(file), "\(file) is gone from Sources: take it off the list")
        }
    }

    @Test("no file is longer than 400 lines")
    func fileLength() throws {
        let files = try Tree.sources()
        #expect(files.count > 200)
        for file in files { #expect(file.lines.count <= 401, "\(file.path): \(file.lines.count) lines") }
    }

    @Test("README.md's source tree names every folder of Sources, and only what exists")
    func sourceTree() throws {
        let readme = try Tree.read("README.md")
        let section = try #require(readme.components(separatedBy: "## The source tree").dropFirst().first)
        let tree = try #require(section.components(separatedBy: "\n## ").first)
        var named: Set<String> = []
        var below = ""
        for line in tree.split(separator: "\n") where line.hasPrefix("    ") {
            let indent = line.prefix { $0 == " " }.count
            // The first column ends at two blanks; what follows describes.
            let column = line.dropFirst(indent).components(separatedBy: "  ").first ?? ""
            let words = column.split(separator: " ").map {
                $0.hasSuffix("/") ? String($0.dropLast()) : String($0)
            }
            guard indent == 4 || indent == 6 else { continue }
            if indent == 4 { below = words.first ?? "" }
            for word in indent == 4 ? Array(words.prefix(1)) : words {
                let path = indent == 4 ? word : below + "/" + word
                #expect(Tree.has(path), "README.md names \(path), which is not there")
                named.insert(path)
            }
        }
        for folder in try Tree.names(in: "Sources") {
            #expect(named.contains("Sources/" + folder), "README.md's source tree has no Sources/\(folder)")
        }
        for match in tree.matches(of: /(\w+)\/(?: over| \(|,| ·|:)/) {
            let name = String(match.output.1)
            let found =
                try Tree.sources().contains { $0.path.contains("/\(name)/") } || Tree.has("deploy/" + name)
            #expect(found, "README.md's source tree names \(name)/")
        }
    }

    @Test("paths that README.md and its pages name exist")
    func namedPaths() throws {
        let pages = ["README.md", "topologies/README.md", "protocol/README.md"]
        for page in pages where Tree.has(page) {
            let folder = page.contains("/") ? String(page.split(separator: "/")[0]) + "/" : ""
            for match in try Tree.read(page).matches(of: /\]\(([^)#:\s]+)\)/) {
                #expect(Tree.has(folder + String(match.output.1)), "\(page) links to \(match.output.1)")
            }
        }
        for match in try Tree.read("README.md").matches(
            of: /`((?:Sources|deploy|topologies|protocol)\/[\w\/.-]+)`/
        ) {
            #expect(Tree.has(String(match.output.1)), "README.md names \(match.output.1)")
        }
    }

    @Test("topologies/README.md lists every file of its folder")
    func topologies() throws {
        let page = try Tree.read("topologies/README.md")
        for name in try Tree.names(in: "topologies") where name != "README.md" {
            #expect(page.contains("`\(name)`"), "topologies/README.md does not list \(name)")
        }
        for match in page.matches(of: /`([\w-]+\.yaml)` \|/) {
            #expect(
                Tree.has("topologies/" + String(match.output.1)),
                "there is no topologies/\(match.output.1)"
            )
        }
    }

    @Test("every trainer of the registry has a page in its folder")
    func trainerPages() throws {
        let registry = try Tree.read("Sources/Trainers/Registry.swift")
        let trainers = registry.matches(of: /TrainerEntry\((\w+)\.self/).map { String($0.output.1) }
        #expect(trainers.count >= 2)
        for trainer in trainers {
            let file = try #require(
                try Tree.sources().first { $0.name == trainer + ".swift" },
                "no file \(trainer).swift"
            )
            let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
            #expect(Tree.has(folder + "/README.md"), "\(folder) has no README.md")
        }
    }
}
