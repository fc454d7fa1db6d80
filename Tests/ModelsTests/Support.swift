import Contract
import Foundation
import Models
import Tensors
import Testing

/// The files that `Golden/make_goldens.py` makes.
enum Golden {
    static func path(_ name: String) throws -> String {
        let root = try #require(Bundle.module.resourceURL)
        return root.appending(path: "files/\(name)").path
    }

    struct Group: Decodable {
        let prompt: [Int32]
        let responses: [[Int32]]
    }

    static func groups() throws -> [(prompt: [Int32], responses: [[Int32]])] {
        let data = try Data(contentsOf: URL(filePath: path("groups.json")))
        return try JSONDecoder().decode([Group].self, from: data).map { ($0.prompt, $0.responses) }
    }
}

/// A tiny model with what Python computed for it.
struct GoldenModel {
    let base: BaseModel
    let numbers: SafetensorsFile
    let adapter: Adapter

    init(_ name: String) throws {
        base = try BaseModel.load(.directory(Golden.path(name)))
        numbers = try SafetensorsFile(path: Golden.path("\(name)/golden.safetensors"))
        let (weights, configuration) = try AdapterDirectory.read(
            from: Golden.path("\(name)/adapter"),
            for: base.configuration
        )
        adapter = try Adapter(for: base, configuration, seed: 1)
        try adapter.load(weights)
    }
}

/// The largest |a − b| / (1 + |b|).
func distance(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / (1 + abs($1.1))) }
}

/// A fresh directory that is removed when the value goes.
final class Scratch {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }
}

/// Files outside of the package that a test needs; a test that lacks them says so and is skipped.
enum Outside {
    static var package: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    /// SmolLM2 as `deploy/fetch-model smollm2-135m` puts it down, or the file that `TRIBUTARY_SMOLLM2` names.
    static var smolLM2: String? {
        let name = "SmolLM2-135M-Instruct.Q4_1.gguf"
        let local = package.appending(path: "models/smollm2-135m/\(name)").path
        return [environment("TRIBUTARY_SMOLLM2"), local].compactMap { $0 }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// A Python that has transformers and peft.
    static var python: String? { environment("TRIBUTARY_PEFT_PYTHON") }
}

extension [UInt8] {
    mutating func append<Integer: FixedWidthInteger>(integer value: Integer) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
