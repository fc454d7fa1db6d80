import Contract
import Foundation
import Testing
import Wire

@testable import Nodes

@Suite("Digests of held-out items")
struct ItemDigestTests {
    @Test("letter case and white space do not count, the federation's name does")
    func normalised() {
        let digests = ItemDigests(of: ["What is 2 + 2?", "A  B", "a b"], federation: "f")

        #expect(digests.count == 2)
        #expect(digests.count(among: ["what is\n2 + 2? ", "other"]) == 1)
        let elsewhere = ItemDigests(bytes: digests.bytes, federation: "g")
        #expect(elsewhere.count(among: ["What is 2 + 2?"]) == 0)
    }

    @Test("they travel as they are, and of more than a message holds a part does")
    func travelling() {
        let few = ItemDigests(of: ["a", "b", "c"], federation: "f")
        #expect(few.bytes.count == 24)
        #expect(ItemDigests(bytes: few.bytes, federation: "f").count(among: ["b", "x", "c"]) == 2)

        let texts = (0..<3_000).map { "question \($0)" }
        let many = ItemDigests(of: texts, federation: "f")
        #expect(many.count == 3_000 && many.bytes.count == Limits.heldOutBytesMax)
        #expect(
            ItemDigests(bytes: many.bytes, federation: "f").count(among: texts) == Limits.heldOutBytesMax / 8
        )
    }

    @Test("a client finds the coordinator's held-out items among its own by their digests")
    func betweenHosts() throws {
        let job = try Recipe.rlvr.job()
        let held = try job.entry.judgedTexts(job.coordinatorContext).heldOut
        let lines = ["9999", held[0], held[1]].enumerated().map {
            #"{"id": "\#($0)", "question": "\#($1)", "answer": "1", "kind": "exact"}"#
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(lines.joined(separator: "\n").utf8).write(to: file)

        let digests = try job.heldOutDigests()

        #expect(try job.overlap(with: digests, client: "ash", dataFile: nil)?.isFound == false)
        let found = try job.overlap(with: digests, client: "ash", dataFile: file.path)
        #expect(found == HeldOutOverlap(heldOut: Set(held).count, clients: ["ash": 2]))
        #expect(try job.overlap(with: [], client: "ash", dataFile: nil) == nil)
    }

    @Test("what was found is said with its counts")
    func words() {
        #expect(
            HeldOutOverlap(heldOut: 9, asked: 0, clients: ["b": 0]).description
                == "of 9 held-out items none is among the public ones or the private ones of b"
        )
        let found = HeldOutOverlap(heldOut: 9, asked: 1, clients: ["b": 2, "a": 0])
        #expect(found.isFound)
        #expect(
            found.description
                == "of 9 held-out items 1 is among the public ones, 2 are among the private ones of b"
        )
    }
}
