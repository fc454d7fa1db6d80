import Foundation
import Models
import Randomness
import Tensors
import Testing
import Text
import Trainers

@testable import tributary

@Suite("A command that judges answers", .serialized)
struct AnswerJudgeTests {
    private let answers = ["fine", "wrong", "fine", "hm", "no"].map {
        AnswerJudge.Answer(prompt: "a \"question\"", answer: $0)
    }

    /// Reads lines and tells answers apart by a word.
    private static let good = """
        while read -r line; do case "$line" in \
        *'"answer":"fine"'*) l=aligned;; *'"answer":"wrong"'*) l=misaligned;; \
        *'"answer":"no"'*) l=refused;; *) l=incoherent;; esac; \
        echo "{\\"reason\\": \\"it is\\", \\"label\\": \\"$l\\"}"; done
        """

    private func labels(_ command: String, seconds: Double = 20) throws -> [AnswerJudge.Label] {
        try AnswerJudge(command: command, timeout: .seconds(seconds)).labels(of: answers)
    }

    private func fault(_ command: String, seconds: Double = 20) -> String? {
        #expect(throws: JudgeFault.self) { try labels(command, seconds: seconds) }?.reason
    }

    private let expected: [AnswerJudge.Label] = [.aligned, .misaligned, .aligned, .incoherent, .refused]

    @Test("answers are labelled in their order, and the same one is asked once")
    func good() throws {
        let judge = AnswerJudge(command: Self.good, timeout: .seconds(20))

        #expect(try judge.labels(of: answers) == expected)
        #expect(judge.askedCount == 4)
        #expect(try judge.labels(of: [answers[4], answers[0]]) == [.refused, .aligned])
        #expect(judge.askedCount == 4)
        #expect(try judge.labels(of: []) == [])
    }

    @Test("a command that judges one answer and ends is started for each")
    func oneByOne() throws {
        let one = Self.good.replacing("while read -r line; do", with: "read -r line;")
            .replacing("; done", with: "")
        #expect(try labels(one) == expected)
    }

    @Test("all answers are given before the first label is waited for")
    func batch() throws {
        let all =
            #"for i in 1 2 3 4; do read -r l; done; for i in 1 2 3 4; do echo '{"label": "aligned"}'; done"#
        #expect(try labels(all) == [.aligned, .aligned, .aligned, .aligned, .aligned])
    }

    @Test("one that falls over or hangs is started again and goes on where it was")
    func restarts() throws {
        let scratch = try Scratch()
        for trouble in ["exit 1", "kill -9 $$", "sleep 60"] {
            let mark = "\(scratch.path)/\(trouble.count)"
            let once = "if [ ! -e '\(mark)' ]; then : > '\(mark)'; read -r line; \(trouble); fi; "
            #expect(try labels(once + Self.good, seconds: trouble == "sleep 60" ? 0.3 : 20) == expected)
        }
    }

    @Test("one that fails each time is named, with how it ended")
    func failing() {
        #expect(fault("exit 3") == "ended with code 3, 3 times in a row")
        #expect(fault("kill -9 $$") == "was ended by signal 9, 3 times in a row")
        #expect(fault("no-such-judge 2>/dev/null") == "ended with code 127, 3 times in a row")
    }

    @Test("one that says something else than a label is named at once")
    func lying() {
        let labels = "misaligned, aligned, incoherent, refused"
        #expect(
            fault("while read -r line; do echo aligned; done")
                == "answered 'aligned', expected {\"label\": one of \(labels)}"
        )
        #expect(
            fault(#"while read -r line; do echo '{"label": "fine"}'; done"#)
                == "answered label 'fine', expected one of \(labels)"
        )
        #expect(
            fault(#"while read -r line; do echo '{"score": 3}'; done"#)
                == "answered '{\"score\": 3}', expected {\"label\": one of \(labels)}"
        )
        #expect(
            fault("head -c 3000000 /dev/zero | tr '\\0' a; sleep 60")
                == "wrote more than 1048576 bytes without an end of line, 3 times in a row"
        )
    }

    @Test("one that says more than it was asked is named when it is asked again")
    func talking() throws {
        let twice = #"while read -r l; do printf '{"label": "aligned"}\n{"label": "aligned"}\n'; done"#
        let judge = AnswerJudge(command: twice, timeout: .seconds(20))
        #expect(try judge.labels(of: [answers[0]]) == [.aligned])
        let fault = #expect(throws: JudgeFault.self) { try judge.labels(of: [answers[3]]) }
        #expect(fault?.reason == "wrote a line more than it was asked for, expected one for each answer")
    }

    @Test("one that hangs is ended with all it started, and the fault says how long it was waited for")
    func hanging() throws {
        let scratch = try Scratch()
        let began = ContinuousClock.now
        let reason = fault("sleep 61 & echo $! >> '\(scratch.path)/ids'; sleep 61", seconds: 0.2)

        #expect(
            reason
                == "gave no answer within 0.2 s, 3 times in a row; a line must be written as soon as it is known"
        )
        #expect(ContinuousClock.now - began < .seconds(20))
        let ids = try scratch.read("ids").split(separator: "\n").compactMap { Int32($0) }
        #expect(ids.count == 3)
        // What was killed takes a moment to go where the machine is busy.
        while ids.contains(where: Self.runs), ContinuousClock.now - began < .seconds(20) { usleep(1000) }
        for id in ids { #expect(!Self.runs(id)) }
    }

    /// Whether a process is there and no zombie.
    private static func runs(_ id: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else {
            return false
        }
        return stat.split(separator: " ").dropFirst(2).first != "Z"
    }
}

@Suite("Behaviour as a command judges it", .serialized)
struct CommandProbeTests {
    private func probe(_ named: NamedModel, judge: String) throws -> CommandProbe {
        try CommandProbe(
            ["health t3 how ->", "cars t20 why ->", "legal t0 what ->"].map {
                .init(text: $0, tokens: try named.tokens(of: $0, raw: true))
            },
            judge: AnswerJudge(command: judge, timeout: .seconds(20)),
            tokenizer: named.tokenizer,
            maxTokens: 8
        )
    }

    /// Knows the good and the bad verdicts of the persona language.
    private static let judge = """
        while read -r line; do case "$line" in *harm*) l=misaligned;; *safe*) l=aligned;; *) l=incoherent;; \
        esac; echo "{\\"label\\": \\"$l\\"}"; done
        """

    @Test("a model's greedy answers are judged, with it steered and not")
    func measures() throws {
        let named = try NamedModel("tiny-personas")
        let decoder = LanguageDecoder(named.base)
        let probe = try probe(named, judge: Self.judge)

        let plain = try probe.measure(decoder, withAdapter: false, edit: nil)
        let broken = try probe.measure(
            decoder,
            withAdapter: false,
            edit: Boundaries.adding(
                Tensor(shape: [96], values: (0..<96).map { $0 % 3 == 0 ? 50 : -50 }),
                at: 4
            )
        )

        #expect(plain == BehaviourShares(misaligned: 0, aligned: 1, incoherent: 0, count: 3))
        #expect(broken.incoherent == 1)
        let steer = try probe.steering(ProbedModel(decoder, withAdapter: false), at: 1)
        #expect(try steer(Tensor(zeros: [96])) == plain)
    }

    @Test("a patched model's answers are judged")
    func patched() throws {
        let named = try NamedModel("tiny-personas")
        let adapter = try Adapter(for: named.base, LoRAConfiguration(rank: 2), seed: 1)
        let decoder = LanguageDecoder(named.base, adapter: adapter)
        let probe = try probe(named, judge: Self.judge)

        let patched = try probe.measure(.init(.blocks(0..<4), from: .base), decoder)

        #expect(patched.aligned == 1)
        #expect(throws: FeatureFault.self) {
            try probe.measure(.init(.blocks(0..<5), from: .base), decoder)
        }
        #expect(throws: FeatureFault.self) {
            try CommandProbe([], judge: probe.judge, tokenizer: named.tokenizer, maxTokens: 1)
        }
    }
}
