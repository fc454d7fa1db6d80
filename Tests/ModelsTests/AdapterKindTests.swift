import Contract
import Foundation
import Tensors
import Testing

@testable import Models

@Suite("Adapters of every kind")
struct AdapterKindTests {
    private static let kinds: [any AdapterKind] = [
        LoRAConfiguration(rank: 4), FactorConfiguration(rank: 4), FactorConfiguration(rank: 3, rotary: false),
        WholeConfiguration(),
    ]

    @Test("one that is fresh changes nothing; one that learns does", arguments: 0..<4)
    func start(index: Int) throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let adapter = try Adapter(for: base, AdapterKindTests.kinds[index], seed: 3)
        let decoder = LanguageDecoder(base, adapter: adapter)
        let batch = try PackedBatch(groups: Golden.groups())
        let plain = decoder.scores(of: batch, withAdapter: false)
        let fresh = decoder.scores(of: batch).joined().map { Float($0.logProb) }
        #expect(distance(fresh, plain.joined().map { Float($0.logProb) }) < 1e-6)

        var optimiser = AdamW(learningRate: 1e-2)
        func step() -> Double {
            zeroGradients(adapter.parameters)
            let tape = Tape(workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
            let sum = logProbs.toArray().reduce(0) { $0 + Double($1) }
            tape.backward(from: logProbs, seed: [Float](repeating: -1, count: logProbs.count))
            optimiser.step(parameters: adapter.parameters)
            return sum
        }
        let first = step()
        for _ in 0..<8 { _ = step() }

        #expect(step() > first + 0.1)
        #expect(decoder.scores(of: batch, withAdapter: false) == plain)
    }

    @Test(
        "an adapter is written and read back, and refused by a model that it does not fit",
        arguments: 0..<4
    )
    func directories(index: Int) throws {
        let scratch = try Scratch()
        let kind = AdapterKindTests.kinds[index]
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let weights = try Adapter(for: base, kind, seed: 3).weights
        try AdapterDirectory.write(weights, kind, baseModelName: "x/y", to: scratch.path)

        let (read, found) = try AdapterDirectory.read(from: scratch.path, for: base.configuration)

        #expect(try weights.layout.apply(to: read) == weights)
        #expect(type(of: found).name == type(of: kind).name)
        #expect(try found.json() == kind.json())
        var other = base.configuration
        other.hiddenSize += 8
        let error = #expect(throws: CheckpointError.self) {
            try AdapterDirectory.read(from: scratch.path, for: other)
        }
        #expect(error?.description.contains(scratch.path) == true)
    }

    @Test(
        "a directory holds one adapter: writing one of another format takes the other away, two are refused"
    )
    func formats() throws {
        let scratch = try Scratch()
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        func write(_ kind: any AdapterKind) throws {
            let weights = try Adapter(for: base, kind, seed: 1).weights
            try AdapterDirectory.write(weights, kind, baseModelName: "x", to: scratch.path)
            let (read, found) = try AdapterDirectory.read(from: scratch.path, for: base.configuration)
            #expect(type(of: found).name == type(of: kind).name)
            #expect(read.hasSameLayout(as: weights))
        }
        try write(FactorConfiguration(rank: 2))
        try write(LoRAConfiguration(rank: 2))
        try write(FactorConfiguration(rank: 4))
        _ = try scratch.write(Array("{}".utf8), "adapter_config.json")
        let error = #expect(throws: CheckpointError.self) { try AdapterDirectory.read(from: scratch.path) }
        #expect(error?.description.contains("two adapters") == true)
    }

    @Test("LoRA on a map that some blocks have is written and read back; targets are paths' last parts")
    func partial() throws {
        let scratch = try Scratch()
        let model = AttentionKindTests.model(AnyAttention(SoftmaxAttention()))
            .with(attention: [HyperFeatureAttention(), SoftmaxAttention()])
        for target in ["q_proj_2", "self_attn.q_proj_2"] {
            let kind = LoRAConfiguration(rank: 2, targets: [target])
            let weights = try Adapter(for: model, kind, seed: 1).weights
            #expect(weights.arrays.count == 2)
            try AdapterDirectory.write(weights, kind, baseModelName: "x", to: scratch.path)
            #expect(try AdapterDirectory.read(from: scratch.path, for: model).0.hasSameLayout(as: weights))
        }
    }

    @Test("an extra factor has C·r·(H + Hkv) values in a block")
    func count() throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-tied")))
        let model = base.configuration
        let adapter = try Adapter(for: model, FactorConfiguration(rank: 4), seed: 1)
        let heads = model.headCount + model.keyValueHeadCount
        #expect(adapter.weights.valueCount == model.layerCount * model.hiddenSize * 4 * heads)
        #expect(adapter.names.first == "model.layers.0.self_attn.k_proj_2.weight")
    }

    @Test("directories and settings that cannot be used are refused with the file and the key")
    func faults() throws {
        let scratch = try Scratch()
        func fault(_ json: String) throws -> String {
            _ = try scratch.write(Array(json.utf8), "adapter.json")
            let error = #expect(throws: CheckpointError.self) {
                try AdapterDirectory.read(from: scratch.path)
            }
            return try #require(error).description
        }
        let other = #"{"format":"tributary-adapter","kind":"prefix"}"#
        #expect(try fault(other).contains("'prefix' is not one of lora, hyperFeature, whole"))
        #expect(try fault(#"{"format":"tributary-adapter"}"#).contains("kind"))
        #expect(try fault(#"{"format":"v9","kind":"whole"}"#).contains("format: 'v9'"))
        let odd =
            #"{"format":"tributary-adapter","kind":"hyperFeature","base_model_name_or_path":"","settings":{"rank":3,"rotary":true}}"#
        #expect(try fault(odd).contains("rank: 3 is odd"))
        let empty = try Scratch()
        let error = #expect(throws: CheckpointError.self) { try AdapterDirectory.read(from: empty.path) }
        #expect(error?.description.contains("holds no adapter") == true)
        let model = AttentionKindTests.model(AnyAttention(LinearAttention()))
        let wrong = #expect(throws: AdapterError.self) {
            try Adapter(for: model, FactorConfiguration(), seed: 1)
        }
        #expect(wrong?.description == "adapter: kind: block 0 has no softmax attention")
        #expect(throws: AdapterError.self) { try Adapter(for: model, WholeConfiguration(), seed: 1) }
    }
}
