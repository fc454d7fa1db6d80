import Contract
import Foundation
import Models
import Randomness
import Tensors
import Testing

/// What this code writes, `transformers` and `peft` load.
@Suite(
    "PEFT loads what is written",
    .enabled(
        if: Outside.python != nil,
        "set TRIBUTARY_PEFT_PYTHON to a Python with torch, transformers and peft"
    )
)
struct PEFTInteroperabilityTests {
    /// The logits of Python for a base model and an adapter on disk: with the adapter, and without.
    private func pythonLogits(
        base: String,
        adapter: String,
        ids: [Int32],
        _ scratch: Scratch
    ) throws -> (logits: [Float], disabled: [Float]) {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Golden/check_peft.py"
        )
        let process = Process()
        process.executableURL = URL(filePath: try #require(Outside.python))
        let output = scratch.path + "/logits.safetensors"
        process.arguments = [script.path, base, adapter, output] + ids.map { "\($0)" }
        process.environment = ProcessInfo.processInfo.environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 }
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let file = try SafetensorsFile(path: output)
        return (try file.values(of: "logits"), try file.values(of: "disabled"))
    }

    private func randomise(_ adapter: Adapter, deviation: Float) {
        var stream = RandomStream(seed: 21, "test")
        for parameter in adapter.parameters {
            for index in 0..<parameter.count {
                parameter.values[index] = Float(stream.uniform() - 0.5) * 2 * deviation
            }
        }
    }

    @Test("a pretrained tiny model and its adapter give the same logits in Python")
    func tiny() throws {
        let scratch = try Scratch()
        let model = DecoderConfiguration(
            hiddenSize: 96,
            layerCount: 2,
            headCount: 4,
            intermediateSize: 256,
            vocabularySize: 32,
            positionsMax: 64
        )
        try DecoderParameters(random: model, seed: 1).write(toDirectory: scratch.path + "/base")
        let base = try BaseModel.load(.directory(scratch.path + "/base"))
        let configuration = LoRAConfiguration()
        let adapter = try Adapter(for: base, configuration, seed: 2)
        randomise(adapter, deviation: 0.1)
        try AdapterDirectory.write(
            adapter.weights,
            configuration,
            baseModelName: "tiny",
            to: scratch.path + "/adapter"
        )
        let ids: [Int32] = [1, 4, 5, 13, 9, 18]

        let python = try pythonLogits(
            base: scratch.path + "/base",
            adapter: scratch.path + "/adapter",
            ids: ids,
            scratch
        )

        try compare(python, LanguageDecoder(base, adapter: adapter), ids, tolerance: 1e-5)
    }

    @Test(
        "SmolLM2's GGUF weights, written as a checkpoint, and an adapter give the same logits in Python",
        .needsSmolLM2
    )
    func smolLM2() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.gguf(try #require(Outside.smolLM2)))
        try DecoderParameters(base).write(toDirectory: scratch.path + "/base")
        let configuration = LoRAConfiguration(rank: 8, alpha: 16)
        let adapter = try Adapter(for: base, configuration, seed: 2)
        randomise(adapter, deviation: 0.02)
        try AdapterDirectory.write(
            adapter.weights,
            configuration,
            baseModelName: "smol",
            to: scratch.path + "/adapter"
        )
        let ids: [Int32] = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198]

        let python = try pythonLogits(
            base: scratch.path + "/base",
            adapter: scratch.path + "/adapter",
            ids: ids,
            scratch
        )

        try compare(python, LanguageDecoder(base, adapter: adapter), ids, tolerance: 1e-3)
    }

    private func compare(
        _ python: (logits: [Float], disabled: [Float]),
        _ decoder: LanguageDecoder,
        _ ids: [Int32],
        tolerance: Float
    ) throws {
        let batch = PackedBatch(groups: [(ids, [])])
        let rows = ids.indices.map { Int32($0) }
        let adapted = decoder.logits(batch: batch, rows: rows)
        let plain = decoder.logits(batch: batch, rows: rows, withAdapter: false)
        #expect(distance(adapted.values, python.logits) < tolerance)
        #expect(distance(plain.values, python.disabled) < tolerance)
        #expect(distance(adapted.values, plain.values) > 0.1)
    }
}
