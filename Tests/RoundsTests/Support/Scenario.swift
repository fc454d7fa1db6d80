import Foundation
import Rounds

/// A scenario file: commands, each followed by the lines it must give, marked by `>`.
///
///     # comment
///     plan clients=alpha,beta rounds=1
///     0 start
///     > note ...
///
/// The number before a command is the time in milliseconds.
struct Scenario {
    struct Entry {
        var lineNumber: Int
        var command: String
        var expected: [String]
    }

    var path: String
    var heading: [String] = []
    var entries: [Entry] = []

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Scenarios")

    static func names(_ prefix: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".scenario") }.sorted()
    }

    init(_ name: String) throws {
        path = Self.folder.appending(path: name).path()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("> ") {
                guard !entries.isEmpty else {
                    throw ScenarioError("\(name):\(index + 1): output before a command")
                }
                entries[entries.count - 1].expected.append(String(line.dropFirst(2)))
            } else if line.hasPrefix("#") || line.isEmpty {
                if entries.isEmpty {
                    heading.append(String(line))
                } else {
                    entries.append(Entry(lineNumber: index + 1, command: String(line), expected: []))
                }
            } else {
                entries.append(Entry(lineNumber: index + 1, command: String(line), expected: []))
            }
        }
    }

    /// Runs every command; returns the differences, or with `TRIBUTARY_RECORD_SCENARIOS` set writes what
    /// came out into the file.
    func run(_ perform: (String) throws -> [String]) throws -> [String] {
        var differences: [String] = []
        var recorded = heading
        for entry in entries {
            recorded.append(entry.command)
            if entry.command.hasPrefix("#") || entry.command.isEmpty { continue }
            let found: [String]
            do {
                found = try perform(entry.command)
            } catch {
                throw ScenarioError("\(path):\(entry.lineNumber): \(error)")
            }
            recorded += found.map { "> \($0)" }
            if found != entry.expected {
                differences.append(
                    "line \(entry.lineNumber), '\(entry.command)': expected \(entry.expected), found \(found)"
                )
            }
        }
        guard ProcessInfo.processInfo.environment["TRIBUTARY_RECORD_SCENARIOS"] != nil else {
            return differences
        }
        var text = recorded.joined(separator: "\n")
        while text.hasSuffix("\n\n") { text.removeLast() }
        if !text.hasSuffix("\n") { text += "\n" }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return []
    }
}

struct ScenarioError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The words of a command, taken one by one.
struct Command {
    let text: String
    private var words: ArraySlice<Substring>

    init(_ text: String) {
        self.text = text
        words = text.split(separator: " ")[...]
    }

    mutating func word() throws -> String {
        guard let word = words.popFirst() else { throw ScenarioError("'\(text)' lacks a word") }
        return String(word)
    }

    mutating func number() throws -> Int {
        let word = try word()
        guard let number = Int(word) else { throw ScenarioError("'\(word)' in '\(text)' is no number") }
        return number
    }

    mutating func optionalNumber() -> Int? { words.popFirst().flatMap { Int($0) } }

    /// `key=value` words that are left.
    mutating func options() -> [String: String] {
        var options: [String: String] = [:]
        while let word = words.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { options[String(parts[0])] = String(parts[1]) }
        }
        return options
    }

    /// A leading time.
    mutating func time() -> Int64? {
        guard let first = words.first, let time = Int64(first) else { return nil }
        words.removeFirst()
        return time
    }
}

func testPlan(_ options: [String: String]) -> RunPlan {
    func number(_ key: String, _ fallback: Int) -> Int { options[key].flatMap { Int($0) } ?? fallback }
    return RunPlan.test(
        clients: options["clients"]?.split(separator: ",").map(String.init) ?? ["alpha", "beta"],
        rounds: number("rounds", 1),
        steps: number("steps", 3),
        localPerPublic: number("q", 2),
        quorum: number("quorum", 1),
        deadlines: PhaseDeadlines(
            startMs: Int64(number("start", 1_000)),
            publicStepMs: Int64(number("publicStep", 1_000)),
            updateMs: Int64(number("update", 1_000))
        ),
        heartbeatMs: Int64(number("heartbeat", 100_000)),
        idleMs: Int64(number("idle", 1_000_000)),
        lingerMs: Int64(number("linger", 5_000))
    )
}
