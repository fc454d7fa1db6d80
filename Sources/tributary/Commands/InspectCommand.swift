internal import ArgumentParser
internal import TributaryKit
internal import Contract
internal import Foundation
internal import Models
internal import Nodes
internal import Trainers
internal import Wire

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Describes a model, an adapter, a coordinator's state directory, or a captured frame.",
        discussion: """
            EXAMPLES
              tributary inspect tiny-arithmetic
              tributary inspect models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf
              tributary inspect run/demo/coordinator
              tributary inspect run/demo/coordinator/adapter --format json
              tributary inspect protocol/vectors/frame.bin
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Argument(
        help:
            "A model (an embedded one's name, a folder, a GGUF file), a state directory, an adapter's or macrostates' folder, or a file with the bytes of frames."
    )
    var path: String

    @Option(help: ArgumentHelp("text or json.", valueName: "format"))
    var format = Format.text

    func run() async throws {
        try await Failure.reporting("tributary inspect") {
            let found = try InspectCommand.inspection(of: path)
            switch format {
            case .text: for line in found.lines { try StandardOutput.write(line + "\n") }
            case .json: try StandardOutput.write(found.json + "\n")
            }
        }
    }

    /// Finds out what something is and describes it.
    ///
    /// - Throws: `NodeError` that says what was looked for, where it is nothing that is known.
    static func inspection(of path: String) throws -> Inspection {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let model = NamedModel.source(path)
        if case .embedded = model, !isThere { return try describe(model) }
        guard isThere else {
            throw NodeError(
                .input,
                "'\(path)' does not exist, and is no embedded model; these are \(EmbeddedModels.names.joined(separator: ", "))"
            )
        }
        guard isFolder.boolValue else {
            if case .gguf = model { return try describe(model) }
            return try frames(path)
        }
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
        if has("config.json") { return try describe(model) }
        if has("ledger.sqlite") { return try StateInspection.inspection(of: path) }
        if AdapterDirectory.isThere(path) { return try adapter(path) }
        if MacrostateFolder.isThere(path) { return try macrostates(path) }
        if has("adapter.safetensors") { return try denseAdapter(path) }
        throw NodeError(.data, unknown(path, has))
    }

    /// What to say of a folder that is none of these, with the command that does describe it, if there is one.
    private static func unknown(_ path: String, _ has: (String) -> Bool) -> String {
        let others = [
            ("trajectories.json", "trajectories", "trajectories info \(path)"),
            ("policy.json", "a policy", "network evaluate \(path)"),
            ("features.json", "features", "features show \(path)"),
            ("coordinator", "a run", "inspect \(path)/coordinator` or `tributary report \(path)"),
        ]
        if let (_, what, command) = others.first(where: { has($0.0) }) {
            return "\(path) holds \(what): use `tributary \(command)`"
        }
        return """
            \(path) holds nothing that is known: found none of config.json (a model), ledger.sqlite (a coordinator's \
            state), adapter_config.json and adapter.json (an adapter), macrostates.json (macrostates)
            """
    }

    private static func describe(_ model: ModelSource) throws -> Inspection {
        Inspection(kind: "model", entries: try ModelDescription(model).entries)
    }

    private static func frames(_ path: String) throws -> Inspection {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw NodeError(.input, "\(path) is not readable")
        }
        defer { try? file.close() }
        let limit = Frame.headerBytes + Limits.chunkBytesMax + 1024
        let bytes = Array(try file.read(upToCount: limit + 1) ?? Data())
        guard bytes.starts(with: Frame.magicBytes) else {
            throw NodeError(.data, "\(path) is nothing that is known: \(hint(path, bytes))")
        }
        guard bytes.count <= limit else {
            throw NodeError(.data, "\(path): more than \(limit) B, which no frame has")
        }
        return Inspection(frames: FrameInspection.describe(bytes))
    }

    /// What was looked for in a file, and what to do with one of another kind that has its own command.
    private static func hint(_ path: String, _ bytes: [UInt8]) -> String {
        let begin =
            bytes.isEmpty
            ? "it is empty"
            : "it begins with \(bytes.prefix(4).map { hexadecimal($0) }.joined(separator: " "))"
        let expected =
            "expected a GGUF file whose name ends in .gguf, or frames, which begin with 54 52 49 42"
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            return "a topology is checked with `tributary validate \(path)`"
        }
        if path.hasSuffix(".safetensors") { return "name the folder of the model or adapter, not its file" }
        if bytes.starts(with: Array("GGUF".utf8)) { return "it is a GGUF file, whose name must end in .gguf" }
        return "\(begin), \(expected)"
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func adapter(_ path: String) throws -> Inspection {
        var found = Inspection(kind: "adapter")
        if let (key, arrays) = try AdapterDirectory.forGeneratingOnly(path) {
            found.say(
                "lora adapter: \(arrays.arrays.count) arrays, \(arrays.valueCount) values",
                "use: for generating only, because of \(key); it cannot be trained or federated"
            )
            found.append("adapter", .text("lora"))
            found.append("generatingOnly", .text(key))
            found.append(arrays)
            return found
        }
        let (weights, kind) = try AdapterDirectory.read(from: path)
        let name = type(of: kind).name
        found.say("\(name) adapter: \(weights.arrays.count) arrays, \(weights.valueCount) values")
        found.append("adapter", .text(name))
        let settings = try Mapping(json: kind.json())
        settings.members.forEach { found.say("\($0.key): \($0.value)") }
        found.append("settings", settings.value)
        found.append(weights)
        return found
    }

    private static func denseAdapter(_ path: String) throws -> Inspection {
        let weights = try Job.denseAdapter(in: path)
        var found = Inspection(kind: "adapter")
        found.say("adapter: \(weights.arrays.count) arrays, \(weights.valueCount) values")
        found.append(weights)
        return found
    }

    private static func macrostates(_ path: String) throws -> Inspection {
        let macrostates = try MacrostateFolder.read(from: path)
        let (weights, source) = (macrostates.net, macrostates.source)
        let names = macrostates.groups.indices.map { macrostates.name(of: $0) }
        var found = Inspection(kind: "macrostates")
        found.say(
            "macrostates: \(names.count) groups of \(macrostates.shape.outputs) values, \(weights.valueCount) weights",
            "model: \(source.name), \(source.model)",
            "layers: \(source.layers.map(String.init).joined(separator: ", ")) of width \(source.width)",
            "groups: \(names.joined(separator: ", "))"
        )
        found.append("model", .text("\(source.name), \(source.model)"))
        found.append("layers", .sequence(source.layers.map { .integer(Int64($0)) }))
        found.append("width", .integer(Int64(source.width)))
        found.append("groups", .sequence(names.map { .text($0) }))
        found.append(weights)
        return found
    }
}
