import Foundation
import Glibc
import Testing

@testable import Contract

/// What Foundation and the system say, in words for people.
@Suite struct FaultTextTests {
    private enum Colour: String, Decodable { case red, blue }

    private struct Settings: Decodable {
        var count: Int
        var colour: Colour
        var names: [String]
        var inner: [String: Double]
    }

    private func sentence(_ json: String) -> String {
        do {
            _ = try JSONDecoder().decode(Settings.self, from: Data(json.utf8))
            return ""
        } catch {
            return FaultText.sentence(error)
        }
    }

    @Test(
        "what is wrong with JSON is said with its key, what was found and what was expected",
        arguments: [
            (#"{"count":"x"}"#, "count: found a text, expected a whole number"),
            (#"{"count":[]}"#, "count: found a list, expected a whole number"),
            (#"{"count":null}"#, "count: found null, expected a whole number"),
            (#"{"colour":"red"}"#, "count: is missing"),
            (#"{"count":1,"colour":"green"}"#, "colour: found 'green', which is not known"),
            (#"{"count":1,"colour":"red","names":{}}"#, "names: found an object, expected a list"),
            (#"{"count":1,"colour":"red","names":[1]}"#, "names.0: found a number, expected a text"),
            (
                #"{"count":1,"colour":"red","names":[],"inner":3}"#,
                "inner: found a number, expected an object"
            ),
            ("[]", "found a list, expected an object"), ("", "is not JSON"),
        ]
    )
    func decoding(json: String, expected: String) {
        let said = sentence(json)
        #expect(said.hasPrefix(expected), "\(said)")
        for word in ["Swift", "NSCocoa", "Dictionary", "Int", "Colour", "Cannot initialize", "Domain"] {
            #expect(!said.contains(word), "\(said)")
        }
    }

    @Test("what the system refuses is said as a sentence, with the place and the cause")
    func system() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/fault-text-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("x".utf8).write(to: URL(filePath: folder + "/file"))
        func fault(_ path: String, _ body: () throws -> Void) -> OutputFault? {
            #expect(throws: OutputFault.self) { try OutputFault.wrap(path, body) }
        }

        let missing = fault("p") { try Data().write(to: URL(filePath: folder + "/none/file")) }
        #expect(missing?.description == "p: cannot be written: no such file or directory")
        #expect(missing?.faultKind == .uncreatable)
        let below = fault("p") {
            try FileManager.default.createDirectory(
                atPath: folder + "/file/inner",
                withIntermediateDirectories: true
            )
        }
        for word in ["NSCocoa", "Domain", "Code="] { #expect(below?.description.contains(word) == false) }
        #expect(OutputFault("p", cause: ENOSPC).faultKind == .inputOutput)
        #expect(OutputFault("p", cause: EACCES).description == "p: cannot be written: permission denied")
    }

    @Test("an error that says itself what is wrong is passed on as it is")
    func given() {
        #expect(throws: SettingsFault(key: "a", reason: "b")) {
            try OutputFault.wrap("p") { throw SettingsFault(key: "a", reason: "b") }
        }
    }
}
