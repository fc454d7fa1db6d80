internal import Foundation

/// A judge that is a command: for each question it is run by `/bin/sh`, gets one line of JSON on its standard input and
/// answers `a` or `b` on its standard output.
///
/// Full Foundation for `JSONEncoder`.
struct JudgeProcess {
    /// The command.
    let command: String
    /// The most seconds that an answer takes.
    let secondsMax: Int

    /// What a judge is asked.
    struct Question: Codable, Equatable {
        /// What the group is called.
        var name: String
        /// What a person wrote of it; left out where nobody did.
        var description: String?
        /// Spans of the group.
        var examples: [String]
        /// A span, of the group or of another.
        var a: String
        /// The other span.
        var b: String
    }

    /// The most bytes of an answer; what follows is not read.
    private static let answerBytesMax = 4096

    /// Asks.
    ///
    /// - Returns: Whether the answer is `a`.
    /// - Throws: `JudgeFault` for a command that cannot be run, fails, takes too long or answers something else.
    func choosesFirst(_ question: Question) throws -> Bool {
        let line = try Self.line(question)
        let deadline = ContinuousClock.now + .seconds(secondsMax)
        let (said, status): ([UInt8], Int32)
        do throws(CommandProcess.Failure) {
            (said, status) = try CommandProcess(command).finish(
                giving: line,
                limit: Self.answerBytesMax,
                until: deadline
            )
        } catch {
            throw JudgeFault(command, error, timeout: .seconds(secondsMax))
        }
        guard status == 0 else {
            throw JudgeFault(command: command, reason: CommandProcess.words(status))
        }
        let answer = String(decoding: said, as: UTF8.self)
        switch answer.trimmingCharacters(in: .whitespacesAndNewlines) {
        case "a": return true
        case "b": return false
        case let other:
            throw JudgeFault(
                command: command,
                reason: "answered '\(other.prefix(60))', expected a or b"
            )
        }
    }

    /// A question as the command gets it, ended by a line feed.
    static func line(_ question: Question) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(question) + [UInt8(ascii: "\n")]
    }
}
