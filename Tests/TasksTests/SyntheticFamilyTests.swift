import Randomness
import Testing

@testable import Tasks

@Suite struct SyntheticFamilyTests {
    private func find(_ family: SyntheticFamily, _ prompt: String) -> SyntheticProblem? {
        (0..<family.size).lazy.compactMap { family.problem(at: $0) }.first { $0.prompt == prompt }
    }

    @Test(
        "right answers and misconceptions are the recipe's",
        arguments: [
            (SyntheticFamily.inc, "47+5=", "52", ["42"]),
            (.inc, "41+5=", "46", ["36", "56"]),
            (.inc, "99+9=", "108", ["98", "90"]),
            (.dec, "42-5=", "37", ["47"]),
            (.dec, "47-5=", "42", ["52", "32"]),
            (.max, ">47,52=", "52", ["47"]),
            (.max, ">12,98=", "98", ["12", "92", "18"]),
            (.sort, "s3012=", "0123", ["3210", "3012", "2103"]),
            (.rev, "r3012=", "2103", ["3012", "0123"]),
            (.cnt, "c31323=", "2", ["1", "3"]),
        ] as [(SyntheticFamily, String, String, [String])]
    )
    func recipe(family: SyntheticFamily, prompt: String, answer: String, misconceptions: [String]) throws {
        let problem = try #require(find(family, prompt))

        #expect(problem.answer == answer)
        #expect(problem.misconceptions == misconceptions)
    }

    @Test("every character problem fits the small models and no misconception is right or said twice")
    func allProblems() {
        let alphabet = Set("0123456789+-*%=,:><srmckwbxdo")
        for family in SyntheticFamily.characterLevel where family != .cnt {
            var prompts: Set<String> = []
            for index in 0..<family.size {
                guard let problem = family.problem(at: index) else { continue }
                prompts.insert(problem.prompt)
                guard problem.prompt.utf8.count <= 7, problem.answer.utf8.count <= 4,
                    !problem.misconceptions.isEmpty, !problem.misconceptions.contains(problem.answer),
                    Set(problem.misconceptions).count == problem.misconceptions.count,
                    alphabet.isSuperset(of: problem.prompt + problem.answer)
                else {
                    Issue.record("\(problem)")
                    return
                }
            }
            let dropped = family == .max ? 90 : family == .sort || family == .rev ? 10 : 0
            #expect(prompts.count == family.size - dropped, "\(family)")
        }
    }

    @Test("four equal digits have no misconception for sorting and reversing, and are left out")
    func equalDigits() {
        #expect(SyntheticFamily.sort.problem(at: 7777) == nil)
        #expect(SyntheticFamily.rev.problem(at: 0) == nil)
        #expect(SyntheticFamily.sort.problem(at: 7)?.answer == "0007")
    }

    @Test(
        "a fifth of each family is kept for testing and never dealt otherwise",
        arguments: SyntheticFamily.allCases
    )
    func heldOut(family: SyntheticFamily) {
        let kept = family.draw(150, heldOut: true, seed: 1)
        let rest = family.draw(300, heldOut: false, seed: 1)

        #expect(kept.allSatisfy { $0.isHeldOut })
        #expect(!rest.contains { $0.isHeldOut })
        #expect(Set(rest.map(\.prompt)).count == rest.count)
        #expect(Set(kept.map(\.prompt)).count == kept.count)
        #expect(rest.count == (family == .sum1 ? 100 - kept.count : 300))
        if family == .inc || family == .dec {
            let all = family.draw(10_000, heldOut: true, seed: 1).count
            #expect((family.size * 15 / 100..<family.size * 25 / 100).contains(all))
        }
    }

    @Test("the same seed deals the same problems, and a larger count only adds some")
    func determinism() {
        let few = SyntheticFamily.sort.draw(20, heldOut: false, seed: 5)

        #expect(SyntheticFamily.sort.draw(20, heldOut: false, seed: 5) == few)
        #expect(Array(SyntheticFamily.sort.draw(50, heldOut: false, seed: 5).prefix(20)) == few)
        #expect(SyntheticFamily.sort.draw(20, heldOut: false, seed: 6) != few)
    }

    @Test("counting problems have every answer equally often while they last")
    func counting() {
        let problems = SyntheticFamily.cnt.draw(1000, heldOut: false, seed: 3)

        let counts = (0...3).map { wanted in problems.count { $0.answer == "\(wanted)" } }
        #expect(counts.allSatisfy { (180...330).contains($0) }, "\(counts)")
        #expect(problems.count { $0.answer == "4" } <= 10)
    }

    @Test("English problems are right and ask for a number")
    func english() throws {
        let two = try #require(SyntheticFamily.sum2.problem(at: 90 * 24 + 47))
        #expect(two.question.prompt == "What is 34 + 57? Answer with a number only.")
        #expect((two.question.answer, two.question.kind, two.question.topic) == ("91", .numeric, "sum2"))
        for problem in SyntheticFamily.worded.draw(50, heldOut: false, seed: 2) {
            let numbers = problem.prompt.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
            try #require(numbers.count == 2)
            #expect([numbers[0] + numbers[1], numbers[0] - numbers[1]].contains(Int(problem.answer)))
            #expect(problem.prompt.hasSuffix("Answer with a number only."))
        }
    }

    @Test(
        "noisy labels have the preset's odds",
        arguments: [(NoisyLabels.standard, 0.35, 0.45), (.hard, 0.08, 0.60)]
    )
    func labels(labels: NoisyLabels, right: Double, wrong: Double) throws {
        let problem = try #require(find(.sort, "s3012="))
        var stream = RandomStream(seed: 1, "labels")

        let drawn = (0..<4000).map { _ in labels.label(for: problem, from: &stream) }

        let isRight = Double(drawn.count { $0 == problem.answer }) / 4000
        let isMisconception = Double(drawn.count { problem.misconceptions.contains($0) }) / 4000
        #expect(abs(isRight - right) < 0.03)
        #expect(abs(isMisconception - wrong) < 0.03)
        #expect(drawn.allSatisfy { $0.utf8.count == 4 })
    }

    @Test("the held-out rule is zlib's CRC-32")
    func crc() {
        #expect(HeldOutRule.crc32("123456789".utf8) == 0xCBF4_3926)
        #expect(HeldOutRule.crc32("".utf8) == 0)
        #expect(HeldOutRule.holdsOut(""))
    }
}
