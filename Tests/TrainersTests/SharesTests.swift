import Contract
import Testing

@testable import Trainers

/// Whose share of divided data is whose.
@Suite struct SharesTests {
    private func questions(
        _ name: String,
        of clients: [String],
        _ data: String
    ) throws -> [String] {
        let run = RunContext(
            seed: 3,
            schedule: Schedule(stepsPerRound: 1, localPerPublic: nil),
            clients: clients
        )
        let mapping = try Mapping(json: Array(data.utf8), file: "data")
        return try LanguageData.questions(of: ClientContext(run: run, name: name, data: mapping)).map(
            \.prompt
        )
    }

    @Test("data divided among another number than there are members are refused, with the way out")
    func count() throws {
        let draw =
            #"{"families": ["inc", "dec"], "clients": 3, "privateCount": 12, "ownFraction": 1, "publicPerFamily": 4, "heldOutPerFamily": 4}"#
        let members = ["ash", "birch", "maple"]
        let all = try members.map { try questions($0, of: members, draw) }
        #expect(Set(all.joined()).count == 36)

        let error = #expect(throws: ConfigurationError.self) {
            try questions("ash", of: ["ash", "birch"], draw)
        }
        #expect(error?.description.contains("found 3, expected one share for each of the 2 members") == true)
        #expect(error?.description.contains("data.members") == true)
        let file =
            #"{"path": "/nowhere.jsonl", "division": {"partition": {"rule": "iid"}, "clients": 4}}"#
        let other = #expect(throws: ConfigurationError.self) { try questions("ash", of: members, file) }
        #expect(other?.description.contains("division.clients") == true)
    }
}
