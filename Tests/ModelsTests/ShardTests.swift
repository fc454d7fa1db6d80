import Contract
import Foundation
import Tensors
import Testing

@testable import Models

/// Checkpoints in several files: folders as transformers writes them, GGUF as the gguf package splits it.
@Suite struct ShardTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A copy of a folder or of the parts of a split file, in the scratch folder.
    private func copy(_ name: String) throws -> String {
        let source = try Golden.path("checkpoints")
        let target = scratch.path + "/copy"
        if name != "split" {
            try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: target)
            return target
        }
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for part in 1...3 {
            let file = "split-0000\(part)-of-00003.gguf"
            try FileManager.default.copyItem(atPath: "\(source)/\(file)", toPath: "\(target)/\(file)")
        }
        return target
    }

    private func index(_ folder: String, _ change: (inout [String: String]) -> Void) throws {
        let url = URL(filePath: folder + "/model.safetensors.index.json")
        var json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
        )
        var map = try #require(json["weight_map"] as? [String: String])
        change(&map)
        json["weight_map"] = map
        try JSONSerialization.data(withJSONObject: json).write(to: url)
    }

    private func fault(_ source: ModelSource) -> String {
        #expect(throws: CheckpointError.self) { try BaseModel.load(source) }?.description ?? ""
    }

    private func shard(_ number: Int) -> String { "model-0000\(number)-of-00003.safetensors" }
    private func part(_ number: Int) -> String { "split-0000\(number)-of-00003.gguf" }

    @Test("a folder in shards and a split GGUF file are the model that is in one file")
    func whole() throws {
        let base = try BaseModel.load(.directory(Golden.path("tiny-untied")))

        let sharded = try BaseModel.load(.directory(Golden.path("checkpoints/sharded")))
        let split = try BaseModel.load(.gguf(Golden.path("checkpoints/split-00001-of-00003.gguf")))

        for other in [sharded, split] {
            #expect(other.configuration == base.configuration)
            #expect(other.sha256 == base.sha256)
            #expect(DecoderParameters(other).arrays() == DecoderParameters(base).arrays())
        }
    }

    @Test("shards in bfloat16 and binary16 hold the rounded weights")
    func rounded() throws {
        let arrays = DecoderParameters(try BaseModel.load(.directory(Golden.path("tiny-untied")))).arrays()

        let bfloat = try BaseModel.load(.directory(Golden.path("checkpoints/sharded-bf16")))
        let half = try BaseModel.load(.directory(Golden.path("checkpoints/sharded-f16")))

        for (index, array) in arrays.enumerated() {
            let rounded = array.values.map { value in
                let bits = value.bitPattern
                return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
            }
            #expect(DecoderParameters(bfloat).arrays()[index].values == rounded)
            #expect(DecoderParameters(half).arrays()[index].values == Half.values(Half.bits(array.values)))
        }
        #expect(bfloat.sha256 != half.sha256)
    }

    @Test("an index that does not say what is in the shards is refused by name")
    func contradictions() throws {
        let name = "model.norm.weight"
        let folder = try copy("sharded")
        try index(folder) { $0[name] = shard(1) }
        #expect(fault(.directory(folder)).contains("'\(name)' is in \(shard(1)) by model.safetensors.index"))
        try index(folder) { $0[name] = nil }
        #expect(fault(.directory(folder)).contains("'\(name)' is not in model.safetensors.index.json"))
        try index(folder) {
            $0[name] = shard(3)
            $0["more.weight"] = shard(2)
        }
        #expect(fault(.directory(folder)) == "\(folder)/\(shard(2)): tensor 'more.weight' is missing")
    }

    @Test("a tensor in two shards and a shard that is not there are refused by name")
    func shards() throws {
        let folder = try copy("sharded")
        let last = try SafetensorsFile(path: "\(folder)/\(shard(3))").arrays()
        let first = try SafetensorsFile(path: "\(folder)/\(shard(1))").arrays()
        try SafetensorsWriter.write(last + [first[0]], to: "\(folder)/\(shard(3))")
        #expect(fault(.directory(folder)).contains("tensor '\(first[0].name)' is also in \(shard(1))"))
        try FileManager.default.removeItem(atPath: "\(folder)/\(shard(3))")
        #expect(fault(.directory(folder)) == "\(folder)/\(shard(3)): No such file or directory")
    }

    @Test(
        "a file outside the folder is refused by name",
        arguments: ["../x.safetensors", "/tmp/x.safetensors", "a/b.safetensors", "", "..", "x.bin"]
    )
    func outside(name: String) throws {
        let folder = try copy("sharded")
        try index(folder) { $0["model.norm.weight"] = name }
        #expect(fault(.directory(folder)).contains("'\(name)' is not the name of a safetensors file"))
    }

    @Test("an index that is no index, or of absurd size, is refused")
    func hostileIndex() throws {
        let folder = try copy("sharded")
        let path = folder + "/model.safetensors.index.json"
        for text in ["", "[]", "{}", #"{"weight_map": []}"#, #"{"weight_map": {"a": 1}}"#, "{\"weight_map\""]
        {
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(fault(.directory(folder)).hasPrefix(path), "\(text)")
        }
        truncate(path, 100 << 20)
        #expect(fault(.directory(folder)) == "\(path): file size is 104857600, over the limit of 33554432")
        let many = (0..<600).map { #""w\#($0)": "\#($0).safetensors""# }.joined(separator: ",")
        try Data("{\"weight_map\": {\(many)}}".utf8).write(to: URL(filePath: path))
        #expect(fault(.directory(folder)) == "\(path): number of files is 600, over the limit of 512")
    }

    @Test("damage to a shard's bytes is an error or another model, never a trap", arguments: 0..<60)
    func damage(seed: Int) throws {
        let folder = try copy(seed % 2 == 0 ? "sharded" : "split")
        let path = folder + "/" + (seed % 2 == 0 ? shard(2) : part(1 + seed % 3))
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        for _ in 0..<3 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes[Int(state >> 33) % 1500] = UInt8(truncatingIfNeeded: state >> 20)
        }
        try Data(bytes).write(to: URL(filePath: path))
        do {
            _ = try BaseModel.load(seed % 2 == 0 ? .directory(folder) : .gguf("\(folder)/\(part(1))"))
        } catch let error as CheckpointError {
            #expect(error.description.hasPrefix(folder))
        }
    }

    @Test("a split GGUF file is opened by its first part, with all others beside it under their names")
    func parts() throws {
        let folder = try copy("split")
        #expect(fault(.gguf("\(folder)/\(part(2))")).contains("split.no: this is part 2 of a split model"))
        try FileManager.default.moveItem(atPath: "\(folder)/\(part(1))", toPath: "\(folder)/model.gguf")
        #expect(fault(.gguf("\(folder)/model.gguf")).contains("ends in -00001-of-00003.gguf"))
        try FileManager.default.moveItem(atPath: "\(folder)/model.gguf", toPath: "\(folder)/\(part(1))")
        try FileManager.default.removeItem(atPath: "\(folder)/\(part(3))")
        #expect(fault(.gguf("\(folder)/\(part(1))")) == "\(folder)/\(part(3)): No such file or directory")
        try FileManager.default.copyItem(atPath: "\(folder)/\(part(2))", toPath: "\(folder)/\(part(3))")
        #expect(fault(.gguf("\(folder)/\(part(1))")).contains("split.no: is not what the first part"))
    }

    @Test("parts that contradict the first, repeat a tensor or miss one are refused by name")
    func partsOfAnother() throws {
        func model(_ keys: [(String, GGUFWriter.Value)], _ tensor: String, count: UInt32 = 2) throws -> String
        {
            let numbers: [(String, GGUFWriter.Value)] = [
                ("split.count", .word(2)), ("split.tensors.count", .word(count)),
            ]
            var first = GGUFWriter()
            first.keys = numbers + [("split.no", .word(0)), ("general.architecture", .text("llama"))]
            first.add(NamedArray(name: "w", shape: [2], values: [1, 2]), as: "w")
            var second = GGUFWriter()
            second.keys = numbers + [("split.no", .word(1))] + keys
            second.add(NamedArray(name: "w", shape: [2], values: [1, 2]), as: tensor)
            _ = try scratch.write(second.bytes(), "m-00002-of-00002.gguf")
            return try scratch.write(first.bytes(), "m-00001-of-00002.gguf")
        }
        func fault(_ path: String) -> String {
            #expect(throws: CheckpointError.self) { try GGUFCheckpoint(path: path) }?.description ?? ""
        }

        #expect(try GGUFCheckpoint(path: model([], "v")).names == ["v", "w"])
        #expect(
            fault(try model([("llama.block_count", .word(1))], "v")).contains("llama.block_count: is not")
        )
        #expect(
            fault(try model([("general.architecture", .text("x"))], "v")).contains("general.architecture")
        )
        #expect(fault(try model([], "w")).contains("tensor 'w' is also in"))
        #expect(fault(try model([], "v", count: 3)).contains("split.tensors.count: 3, but there are 2 in 2"))
    }
}
