import Foundation
import Testing
import Topology

@testable import tributary

@Suite("Which files a run learns from")
struct DataRecordTests {
    private let folder = NSTemporaryDirectory() + "tributary-data-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write("private.jsonl", "one")
        try write("public.jsonl", "two")
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    private func topology() throws -> Topology {
        try Topology.parse(
            """
            federation: f
            trainer: {name: sft}
            data:
              public: {path: public.jsonl}
            rounds: {count: 1, steps: 1}
            clients:
              - {name: ash, data: {path: private.jsonl}}
              - {name: elm, data: {families: [inc]}}
            """,
            folder: folder
        )
    }

    @Test("the same contents are the same data, wherever they lie; others are named")
    func contents() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let before = try DataRecord(of: topology(), dataFile: nil)
        #expect(before.sources.keys.sorted() == ["clients[ash].data.path", "data.public.path"])
        try write("copy.jsonl", "one")
        #expect(
            try before.difference(to: DataRecord(of: topology(), dataFile: folder + "/copy.jsonl")) == nil
        )

        try write("private.jsonl", "edited")
        let edited = try #require(try before.difference(to: DataRecord(of: topology(), dataFile: nil)))

        #expect(
            edited.hasPrefix("clients[ash].data.path: '\(folder)/private.jsonl' has changed since (SHA-256 ")
        )
        try FileManager.default.removeItem(atPath: folder + "/public.jsonl")
        try write("private.jsonl", "one")
        let gone = try #require(try before.difference(to: DataRecord(of: topology(), dataFile: nil)))
        #expect(gone.contains("data.public.path: it had '\(folder)/public.jsonl', and there is no such file"))
    }

    @Test("a record is what was written, and an older run has none")
    func kept() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let record = try DataRecord(of: topology(), dataFile: nil)
        try record.write(to: folder + "/data.json")

        #expect(try DataRecord.read(from: folder + "/data.json") == record)
        #expect(try DataRecord.read(from: folder + "/nothing.json") == nil)
        try write("data.json", "[]")
        #expect(throws: (any Error).self) { try DataRecord.read(from: folder + "/data.json") }
    }
}
