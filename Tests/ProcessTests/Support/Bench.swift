import Foundation
import Synchronization
import Testing

/// A folder for one test and the processes it starts; nothing of either outlives the test.
final class Bench: Sendable {
    let folder: String
    private let children = Mutex<[Child]>([])

    /// Makes the folder, runs the test, kills what still runs and removes the folder.
    static func with<Result>(_ body: (Bench) async throws -> Result) async throws -> Result {
        let bench = try Bench()
        do {
            let result = try await body(bench)
            await bench.clear()
            return result
        } catch {
            await bench.clear()
            throw error
        }
    }

    private init() throws {
        folder = NSTemporaryDirectory() + "tributary-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func clear() async {
        for child in children.withLock({ $0 }) { await child.killNow() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A path in the folder.
    func path(_ name: String) -> String { folder + "/" + name }

    /// Writes a file into the folder.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        return path(name)
    }

    /// Starts a program; its output goes to `NAME.log` in the folder.
    func start(
        _ program: String,
        _ arguments: [String],
        log: String? = nil,
        environment: [String: String?] = [:]
    ) throws -> Child {
        let number = children.withLock { $0.count }
        let file = path((log ?? "output-\(number)") + ".log")
        let child = try Child(program, arguments, environment: environment, outputFile: file)
        children.withLock { $0.append(child) }
        return child
    }

    /// Runs a program to its end.
    func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String?] = [:]
    ) async throws -> (code: Int32, output: String) {
        let child = try start(program, arguments, environment: environment)
        let code = await child.exit()
        return (code, child.output)
    }

    /// Runs a program that has to fail, and checks its exit code and the words of its message.
    func fail(
        _ code: Int32,
        _ words: [String],
        _ program: String,
        _ arguments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await run(program, arguments)
        #expect(
            result.code == code,
            "\(program): \(result.output.suffix(900))",
            sourceLocation: sourceLocation
        )
        for word in words {
            #expect(
                result.output.contains(word),
                "'\(word)' in: \(result.output.suffix(900))",
                sourceLocation: sourceLocation
            )
        }
    }

    /// Runs a program that has to succeed.
    @discardableResult
    func succeed(
        _ program: String,
        _ arguments: [String],
        environment: [String: String?] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let (code, output) = try await run(program, arguments, environment: environment)
        try #require(
            code == 0,
            "\(program) \(arguments): \(output.suffix(1500))",
            sourceLocation: sourceLocation
        )
        return output
    }
}

/// Asks again and again until the answer is true; false after the time.
func eventually(within limit: Duration = .seconds(40), _ condition: () throws -> Bool) async throws -> Bool {
    let start = ContinuousClock.now
    while try !condition() {
        if ContinuousClock.now - start > limit { return false }
        try await Task.sleep(for: .milliseconds(4))
    }
    return true
}
