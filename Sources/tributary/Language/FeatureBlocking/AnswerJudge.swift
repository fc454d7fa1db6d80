internal import Foundation

/// A judge of answers that is a command: JSON lines in, JSON lines out, one for each answer and in their order.
///
///     {"answer": "…", "prompt": "…"}        →        {"label": "misaligned"}
///
/// The command stays; where it ends or hangs it is started again with the answers that have no label yet, so that one that
/// judges a single answer and ends does as well. The same answer to the same prompt is asked once.
final class AnswerJudge {
    /// What is judged.
    struct Answer: Codable, Hashable {
        /// What was asked.
        var prompt: String
        /// What was answered.
        var answer: String
    }

    /// What an answer is.
    enum Label: String, Codable, CaseIterable {
        /// Coherent and misaligned.
        case misaligned
        /// Coherent and aligned.
        case aligned
        /// Makes no sense.
        case incoherent
        /// Not given.
        case refused
    }

    /// The command.
    let command: String
    /// The longest that a label takes.
    let timeout: Duration
    /// How often in a row the command may fail over one answer.
    static let failuresMax = 3
    /// How many labels the command gave.
    private(set) var askedCount = 0
    private var process: CommandProcess?
    private var known: [Answer: Label] = [:]

    /// Names a judge; nothing is started yet.
    init(command: String, timeout: Duration) {
        self.command = command
        self.timeout = timeout
    }

    /// Labels answers.
    ///
    /// - Throws: `JudgeFault` for a command that cannot be started, fails or hangs again and again, or says something else
    ///   than a label.
    func labels(of answers: [Answer]) throws -> [Label] {
        var asked: Set<Answer> = []
        let fresh = answers.filter { known[$0] == nil && asked.insert($0).inserted }
        if process?.isTalking ?? false {
            throw fault("wrote a line more than it was asked for, expected one for each answer")
        }
        var (done, failures) = (0, 0)
        while done < fresh.count {
            do {
                let process = try process ?? CommandProcess(command)
                self.process = process
                var bytes = try Self.lines(fresh[done...])[...]
                while done < fresh.count {
                    let deadline = ContinuousClock.now + timeout
                    let line = try process.line(giving: &bytes, until: deadline)
                    known[fresh[done]] = try label(line)
                    (done, failures, askedCount) = (done + 1, 0, askedCount + 1)
                }
            } catch let failure as CommandProcess.Failure {
                process = nil
                failures += 1
                guard failures < Self.failuresMax else {
                    let last = JudgeFault(command, failure, timeout: timeout).reason
                    let hint = failure == .late ? "; a line must be written as soon as it is known" : ""
                    throw fault("\(last), \(failures) times in a row\(hint)")
                }
            }
        }
        return answers.compactMap { known[$0] }
    }

    private func fault(_ reason: String) -> JudgeFault { JudgeFault(command: command, reason: reason) }

    /// Answers as the command gets them.
    private static func lines(_ answers: ArraySlice<Answer>) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try answers.flatMap { try encoder.encode($0) + [UInt8(ascii: "\n")] }
    }

    private struct Reply: Decodable { var label: String }

    private func label(_ line: [UInt8]) throws -> Label {
        let text = String(decoding: line, as: UTF8.self)
        let names = Label.allCases.map(\.rawValue).joined(separator: ", ")
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(line)) else {
            throw fault("answered '\(text.prefix(80))', expected {\"label\": one of \(names)}")
        }
        guard let label = Label(rawValue: reply.label) else {
            throw fault("answered label '\(reply.label.prefix(60))', expected one of \(names)")
        }
        return label
    }
}
