import Foundation
import Testing

@testable import Text

/// The committed fixtures, made by Fixtures/make_fixtures.py.
enum Fixture {
    struct Vector: Decodable {
        var text: String
        var ids: [Int32]
        var idsPlain: [Int32]?
        var decoded: String?
        var decodedPlain: String?

        private enum CodingKeys: String, CodingKey {
            case text, ids, decoded
            case idsPlain = "ids_plain"
            case decodedPlain = "decoded_plain"
        }
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)")
        return [UInt8](try Data(contentsOf: url))
    }

    static func vectors(_ name: String) throws -> [Vector] {
        try lines(Vector.self, in: bytes(name))
    }

    static func tokenizer(_ name: String) throws -> any Tokenizer {
        try TokenizerFile.load(bytes: bytes(name), name: name)
    }

    static func lines<Value: Decodable>(_ type: Value.Type, in bytes: [UInt8]) throws -> [Value] {
        try bytes.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(type, from: Data($0)) }
    }

    /// The fixture file as a dictionary, changed, as bytes.
    static func edited(_ name: String, _ edit: (inout [String: Any]) -> Void) throws -> [UInt8] {
        let object = try JSONSerialization.jsonObject(with: Data(try bytes(name)))
        var file = try #require(object as? [String: Any])
        edit(&file)
        return [UInt8](try JSONSerialization.data(withJSONObject: file))
    }
}

/// The vocabulary and rules of a fixture as arrays, as GGUF metadata has them.
struct FixtureFile {
    var tokens: [String]
    var types: [Int32]
    var merges: [String]

    init(_ bytes: [UInt8]) throws {
        let object = try JSONSerialization.jsonObject(with: Data(bytes))
        let file = try #require(object as? [String: Any])
        let model = try #require(file["model"] as? [String: Any])
        var ids = try #require(model["vocab"] as? [String: Int])
        for added in try #require(file["added_tokens"] as? [[String: Any]]) {
            ids[try #require(added["content"] as? String)] = try #require(added["id"] as? Int)
        }
        tokens = ids.sorted { $0.value < $1.value }.map(\.key)
        types = tokens.map { _ in 1 }
        for added in try #require(file["added_tokens"] as? [[String: Any]]) {
            types[try #require(added["id"] as? Int)] = added["special"] as? Bool == true ? 3 : 4
        }
        merges = try #require(model["merges"] as? [[String]]).map { $0.joined(separator: " ") }
    }
}
