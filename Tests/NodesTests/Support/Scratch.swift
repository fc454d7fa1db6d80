import Foundation
import Models
import Text

/// A folder that goes with the test that made it.
final class Scratch: Sendable {
    let path: String

    init(_ name: String = #function) throws {
        let words = name.unicodeScalars.filter { CharacterSet.alphanumerics.contains($0) }
        let unique =
            "tributary-nodes-\(String(String.UnicodeScalarView(words)).prefix(24))-\(UUID().uuidString)"
        path = FileManager.default.temporaryDirectory.appending(path: unique).path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// A base model of random weights: one block of width 16 over the characters of the arithmetic families.
enum RandomModel {
    /// Its directory, made once for each process.
    static let directory = make(seed: 7)
    /// The same shape with other weights.
    static let otherDirectory = make(seed: 8)

    private static func make(seed: UInt64) -> String {
        let identifier = ProcessInfo.processInfo.processIdentifier
        let path = FileManager.default.temporaryDirectory.appending(
            path: "tributary-random-\(seed)-\(identifier)"
        ).path()
        let configuration = DecoderConfiguration(
            hiddenSize: 16,
            layerCount: 1,
            headCount: 2,
            intermediateSize: 32,
            vocabularySize: 32,
            positionsMax: 64
        )
        do {
            try DecoderParameters(random: configuration, seed: seed)
                .write(toDirectory: path, tokenizer: CharacterTokenizer.arithmetic)
            let question = #"{"id": "q1", "prompt": "1+1=", "answer": "2"}"#
            try Data(question.utf8).write(to: URL(filePath: path + "/questions.jsonl"))
        } catch {
            preconditionFailure("no model in \(path): \(error)")
        }
        return path
    }
}
