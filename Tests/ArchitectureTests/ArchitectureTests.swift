import Testing

/// Who imports whom, read from the sources and from Package.swift.
struct ArchitectureTests {
    /// The modules of this package that each module's files import.
    private func imports() throws -> [String: [(module: String, place: String)]] {
        var found: [String: [(module: String, place: String)]] = [:]
        for file in try Tree.sources() where file.path.hasSuffix(".swift") {
            for (number, line) in file.code where line.contains("import ") {
                guard let match = line.firstMatch(of: importLine) else { continue }
                let module = String(match.output.1)
                guard Picture.modules.contains(module) else { continue }
                found[file.module, default: []].append((module, "\(file.path):\(number)"))
            }
        }
        return found
    }

    private var importLine: Regex<(Substring, Substring)> {
        /^\s*(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
    }

    /// The dependencies on this package's modules that Package.swift gives each target below `Sources`.
    private func targets() throws -> [String: Set<String>] {
        let text = try Tree.read("Package.swift")
        var found: [String: Set<String>] = [:]
        for kind in [".target(", ".executableTarget(", ".systemLibrary("] {
            for range in text.ranges(of: kind) {
                let body = inside(text[range.upperBound...], "(", ")")
                guard let name = body.firstMatch(of: /name:\s*"([\w-]+)"/)?.output.1 else { continue }
                if body.contains("path: \"Tests/") { continue }
                var dependencies: Set<String> = []
                if let list = body.firstRange(of: "dependencies: [") {
                    let words = inside(body[list.upperBound...], "[", "]").replacing(
                        /\.product\([^)]*\)/,
                        with: ""
                    )
                    for match in words.matches(of: /"([\w-]+)"/) {
                        dependencies.insert(String(match.output.1))
                    }
                }
                found[String(name)] = dependencies
            }
        }
        return found
    }

    /// The text up to the bracket that closes the one before it.
    private func inside(_ text: Substring, _ opening: Character, _ closing: Character) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == opening { depth += 1 }
            if text[index] == closing { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }

    @Test("the picture, Package.swift and the folders below Sources have the same modules")
    func sameModules() throws {
        #expect(Set(try targets().keys) == Picture.modules)
        let folders =
            try Tree.names(in: "Sources").filter { $0 != "Examples" } + Tree.names(in: "Sources/Examples")
        #expect(Set(folders) == Picture.modules)
        #expect(Set(Picture.allowed.keys) == Picture.modules)
    }

    @Test("no file imports what the picture forbids")
    func importsFollowThePicture() throws {
        let imports = try imports()
        // The test would pass on no files at all.
        #expect(imports.count >= 15)
        for (module, edges) in imports {
            let allowed = try #require(Picture.allowed[module], "\(module) is not in the picture")
            for edge in edges {
                #expect(
                    allowed.contains(edge.module),
                    "\(edge.place): \(module) must not import \(edge.module)"
                )
            }
        }
    }

    @Test("no target of Package.swift depends on what the picture forbids")
    func dependenciesFollowThePicture() throws {
        for (module, dependencies) in try targets() {
            let allowed = try #require(Picture.allowed[module], "\(module) is not in the picture")
            for dependency in dependencies {
                #expect(
                    allowed.contains(dependency),
                    "Package.swift: \(module) must not depend on \(dependency)"
                )
            }
        }
    }

    @Test("what a module imports is what its target depends on")
    func importsAreDeclared() throws {
        let targets = try targets()
        for (module, edges) in try imports() {
            for edge in edges {
                #expect(
                    targets[module]?.contains(edge.module) == true,
                    "\(edge.place): Package.swift does not give \(module) the dependency \(edge.module)"
                )
            }
        }
    }

    @Test("an example sees what a stranger sees: the public library alone")
    func examples() throws {
        let package = try Tree.read("Package.swift")
        for name in try Tree.names(in: "Sources/Examples") {
            let start = try #require(package.firstRange(of: "name: \"\(name)\",")).lowerBound
            #expect(inside(package[start...], "(", ")").contains("packageAccess: false"), "\(name)")
        }
        let files = try Tree.sources().filter { $0.path.hasPrefix("Sources/Examples/") }
        #expect(files.count >= 3)
        for file in files { #expect(!file.contains("@testable"), "\(file.path)") }
    }

    @Test("nothing but the public library and what it hands on is public")
    func publicModules() throws {
        let word = /^\s*(?:public|open class)\s/
        for file in try Tree.sources()
        where !Picture.public.contains(file.module) && !Picture.examples.contains(file.module) {
            for (number, line) in file.code where line.contains(word) {
                Issue.record("\(file.path):\(number): public")
            }
        }
    }

    @Test(
        "nothing but the language models' own folders and the shipped programs speaks of tokens and questions"
    )
    func trainerNeutral() throws {
        let word = /(?i)token|question|llama|prompt|pass@1|passAt1|tokenizer|transformer/
        let files = try Tree.sources().filter { file in
            !Picture.language.contains(file.module)
                && !Picture.languageFolders.contains { file.path.hasPrefix($0) }
        }
        #expect(files.count > 150)
        for file in files {
            // A transformer over the nodes of networks has nothing to do with language.
            let isOfGraphs = Picture.graphFolders.contains { file.path.hasPrefix($0) }
            for (number, line) in file.code
            where line.replacing(/(?i)transformer/, with: isOfGraphs ? "" : "transformer").contains(word) {
                Issue.record("\(file.path):\(number): \(line.drop { $0 == " " })")
            }
        }
    }

    @Test("the picture itself keeps the spines apart and has no cycle")
    func pictureIsSound() throws {
        for module in Picture.shared {
            let siblings = Picture.allowed[module]?.intersection(
                Picture.modules.subtracting(Picture.systemLibraries)
            )
            #expect(siblings == [], "\(module) is a leaf")
        }
        for module in Picture.learning {
            #expect(
                Picture.allowed[module]?.isDisjoint(with: Picture.federation.union(Picture.meeting)) == true
            )
        }
        for module in Picture.federation {
            #expect(
                Picture.allowed[module]?.isDisjoint(with: Picture.learning.union(Picture.meeting)) == true
            )
        }
        var left = Picture.allowed
        while let next = left.first(where: { $0.value.isDisjoint(with: left.keys) })?.key { left[next] = nil }
        #expect(left.isEmpty, "a cycle among \(left.keys.sorted())")
    }
}
