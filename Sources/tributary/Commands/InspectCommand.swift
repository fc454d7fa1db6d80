internal import ArgumentParser
internal import TributaryKit
internal import Contract
internal import Foundation
internal import Ledger
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
              tributary inspect run/demo/coordinator/adapter
              tributary inspect protocol/vectors/frame.bin
            """
    )

    @Argument(
        help:
            "A model (an embedded one's name, a folder, a GGUF file), a state directory, an adapter's or macrostates' folder, or a file with the bytes of a frame."
    )
    var path: String

    func run() async throws {
        try await Failure.reporting("tributary inspect") {
            var isFolder: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            let model = NamedModel.source(path)
            if case .embedded = model, !isThere {
                try ModelDescription(model).lines.forEach { print($0) }
                return
            }
            guard isThere else {
                throw NodeError(
                    .input,
                    "\(path) does not exist, and is no embedded model; these are \(EmbeddedModels.names.joined(separator: ", "))"
                )
            }
            let lines: [String] =
                if case .gguf = model, !isFolder.boolValue {
                    try ModelDescription(model).lines
                } else if !isFolder.boolValue {
                    try frame()
                } else if FileManager.default.fileExists(atPath: path + "/config.json") {
                    try ModelDescription(model).lines
                } else if FileManager.default.fileExists(atPath: path + "/ledger.sqlite") {
                    try state()
                } else {
                    try adapter()
                }
            lines.forEach { print($0) }
        }
    }

    private func frame() throws -> [String] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw NodeError(.input, "\(path) is not readable")
        }
        guard data.count <= Frame.headerBytes + Limits.chunkBytesMax + 1024 else {
            throw NodeError(.data, "\(path): \(data.count) B is more than any frame has")
        }
        let lines = FrameInspection.describe(Array(data))
        // Nothing of it was a frame.
        if lines.count == 1, lines[0].hasPrefix("error ") {
            throw NodeError(.data, "\(path): neither a frame nor anything else that is known: \(lines[0])")
        }
        return lines
    }

    private func adapter() throws -> [String] {
        let weights: AdapterWeights
        var head: [String]
        if AdapterDirectory.isThere(path) {
            let (arrays, kind) = try AdapterDirectory.read(from: path)
            weights = arrays
            head = [
                "\(type(of: kind).name) adapter: \(weights.arrays.count) arrays, \(weights.valueCount) values"
            ]
            head += try Mapping(json: kind.json()).members.map { "\($0.key): \($0.value)" }
        } else if MacrostateFolder.isThere(path) {
            let found = try MacrostateFolder.read(from: path)
            weights = found.net
            head = [
                "macrostates: \(found.groups.count) groups of \(found.shape.outputs) values, \(weights.valueCount) weights",
                "model: \(found.source.name), \(found.source.model)",
                "layers: \(found.source.layers.map(String.init).joined(separator: ", ")) of width \(found.source.width)",
                "groups: \(found.groups.indices.map { found.name(of: $0) }.joined(separator: ", "))",
            ]
        } else {
            weights = try Job.denseAdapter(in: path)
            head = ["adapter: \(weights.arrays.count) arrays, \(weights.valueCount) values"]
        }
        head.append("adapter digest: \(weights.digest)")
        head += weights.arrays.map { array in
            let square = array.values.reduce(0.0) { $0 + Double($1) * Double($1) }
            return "  \(array.name)  \(array.shape)  norm \(ProgressDisplay.fixed(square.squareRoot(), 4))"
        }
        return head
    }

    private func state() throws -> [String] {
        let ledger = try Ledger.inspect(path)
        let identity = ledger.identity
        var lines = [
            "federation \(identity.federation), seed \(identity.seed), fingerprint \(identity.fingerprint)",
            "topology digest \(identity.topology)",
        ]
        if let (version, _) = try ledger.latestAdapter() {
            let digest = try ledger.adapterDigest(round: version)
            lines.append("newest adapter: after \(version) rounds, adapter digest \(digest)")
        }
        let vetoes = try RunMetrics(reading: ledger).vetoes
        for round in try ledger.rounds() {
            let updates = try ledger.updates(round: round.round)
            let state = round.isFinished ? "finished" : "under way"
            let clients = updates.map { "\($0.client) (\($0.examples) examples)" }.joined(separator: ", ")
            let steps = try ledger.closedSteps(round: round.round).count
            lines.append("round \(round.round): \(state), \(steps) public steps, updates from \(clients)")
            if let veto = vetoes.last(where: { $0.round == round.round }) {
                lines.append("round \(round.round): not taken, \(veto.reason)")
            }
        }
        for (round, result) in try ledger.evaluations() {
            let name = round < 0 ? "before round 0" : "after round \(round)"
            lines.append("evaluation, \(name): \(String(decoding: result, as: UTF8.self))")
        }
        for record in try ledger.traffic() {
            let way = record.direction == .up ? "up" : "down"
            lines.append(
                "round \(record.round) \(way) \(record.kind): \(record.bytes) B in \(record.messages) frames"
            )
        }
        return lines
    }
}
