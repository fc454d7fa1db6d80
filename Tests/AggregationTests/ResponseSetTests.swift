import Contract
import Testing

@testable import Aggregation

@Suite("A client's responses to a batch")
struct ResponseSetTests {
    let batch = PublicBatch(
        round: 0,
        step: 2,
        items: [
            PublicItem(id: "one", topic: "t", payload: []), PublicItem(id: "two", topic: "t", payload: []),
        ],
        responsesPerItem: 2
    )
    let sound = [
        Response(itemID: "two", index: 1, payload: [4]), Response(itemID: "one", index: 0, payload: [1]),
        Response(itemID: "two", index: 0, payload: [3]), Response(itemID: "one", index: 1, payload: [1]),
    ]

    private func check(_ responses: [Response]) throws(ResponseSetFault) -> ResponseSet {
        try ResponseSet(responses, to: batch, payloadBytesMax: 3)
    }

    @Test("responses in any order come back by item and index; equal answers are legal")
    func arranges() throws {
        let set = try check(sound)

        #expect(set.groups.map { $0.map(\.payload) } == [[[1], [1]], [[3], [4]]])
    }

    @Test("unknown items, bad indices, duplicates, long and missing responses are refused by name")
    func refuses() {
        #expect(throws: ResponseSetFault.unknownItem("three")) {
            try check(sound + [Response(itemID: "three", index: 0, payload: [])])
        }
        #expect(throws: ResponseSetFault.indexOutOfRange(item: "one", index: 2, responsesPerItem: 2)) {
            try check(sound + [Response(itemID: "one", index: 2, payload: [])])
        }
        #expect(throws: ResponseSetFault.indexOutOfRange(item: "one", index: -1, responsesPerItem: 2)) {
            try check([Response(itemID: "one", index: -1, payload: [])])
        }
        #expect(throws: ResponseSetFault.duplicate(item: "one", index: 1)) {
            try check(sound + [Response(itemID: "one", index: 1, payload: [9])])
        }
        #expect(throws: ResponseSetFault.tooLong(item: "two", bytes: 4, limit: 3)) {
            try check([Response(itemID: "two", index: 0, payload: [1, 2, 3, 4])])
        }
        #expect(throws: ResponseSetFault.incomplete(item: "one", found: 1, responsesPerItem: 2)) {
            try check(Array(sound.dropLast()))
        }
    }
}
