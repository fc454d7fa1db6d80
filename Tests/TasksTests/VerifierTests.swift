import Testing

@testable import Tasks

@Suite struct VerifierTests {
    private func verify(_ response: String, _ answer: String, _ kind: AnswerKind) -> Bool {
        let question = Question(id: "1", topic: "t", prompt: "p", answer: answer, kind: kind)
        return Verifier.verify(response: response, question: question)
    }

    @Test(
        "the final number is found and compared by value",
        arguments: [
            ("18", "18"), ("The answer is 18.", "18"), ("18.0", "18"), ("$18.00", "18"),
            ("9 * 2 = 18 dollars", "18"),
            ("3 + 4 = 7\n#### 7", "7"), ("#### 1,234", "1234"), ("#### 1234 apples, or 2 bags", "1,234"),
            ("so \\boxed{42} it is, not 43", "42"), ("\\boxed{x = 42}", "42"), ("\\boxed{1,000}", "1000"),
            ("1/2", "0.5"), ("\\boxed{\\frac{1}{2}}", "0.5"), ("it is \\dfrac{3}{4}", "0.75"), (".5", "1/2"),
            ("-7", "-7"), ("-$7", "-7"), ("−7", "-7"), ("= -7.50", "-7.5"), ("16-3", "3"), ("(16)-3", "3"),
            ("3,4 and 1,234,567", "1234567"), ("12,34", "12.34"), ("50%", "50"), ("+5", "5"), ("0007", "7"),
            ("#### 3 #### 4", "4"), ("x = 2", "2"), ("2.", "2"), ("\\boxed 5", "5"), ("10/4", "2.5"),
            ("\\boxed{-\\frac{1}{3}}", "-1/3"), ("999999999999999999", "999999999999999999"),
        ]
    )
    func numbers(response: String, answer: String) {
        #expect(verify(response, answer, .numeric))
    }

    @Test(
        "other numbers are wrong",
        arguments: [
            ("", "18"), ("eighteen", "18"), ("18 or 19", "18"), ("-18", "18"), ("1.8", "18"),
            ("#### 17 (18)", "18"),
            ("\\boxed{17} 18", "18"), ("1,8", "18"), ("1/0", "0"), ("0/0", "0"), ("18", ""), ("180", "18"),
            ("1000000000000000000000000000000000000000", "1"), ("18/1000000000000000000000", "18"),
        ]
    )
    func wrongNumbers(response: String, answer: String) {
        #expect(!verify(response, answer, .numeric))
    }

    @Test(
        "the letter chosen is found",
        arguments: [
            "B", "b", "(B)", "B.", "B) Ceftriaxone", "**B**", "The answer is B", "Answer: (B)",
            "The correct answer is B.",
            "A is wrong; the answer is B", "\\boxed{B}", "\\boxed{\\text{B}}",
            "I would pick B because it fits.",
            "A patient with fever needs B", "Final answer: B\n", "B is right", "The answer would be option B",
        ]
    )
    func letters(response: String) {
        #expect(verify(response, "B", .choice), "\(response)")
    }

    @Test(
        "another letter, several or none are wrong",
        arguments: [
            "", "C", "A or B", "A is right", "I is right", "The answer is C, not B", "Both", "A patient",
            "\\boxed{C} B", "because",
            "ABCD",
        ]
    )
    func wrongLetters(response: String) {
        #expect(!verify(response, "B", .choice), "\(response)")
    }

    @Test("yes, no and maybe are found as words")
    func words() {
        #expect(verify("Yes, it does.", "yes", .choice))
        #expect(verify("The answer is maybe.", "maybe", .choice))
        #expect(verify("I think the study says no", "no", .choice))
        #expect(verify("Answer: no. (yes would need more data)", "no", .choice))
        #expect(!verify("yes and no", "no", .choice))
        #expect(!verify("It may or may not.", "maybe", .choice))
        #expect(!verify("nothing known", "no", .choice))
        #expect(!verify("", "no", .choice))
    }

    @Test("exact answers are compared as text, white space around them apart")
    func exact() {
        #expect(verify("0123", "0123", .exact))
        #expect(verify(" 0123\n", "0123", .exact))
        #expect(!verify("123", "0123", .exact))
        #expect(!verify("01 23", "0123", .exact))
        #expect(!verify("", "0123", .exact))
        #expect(verify("é", "e\u{301}", .exact))
    }

    @Test("formulas in a box are compared without spacing and sizes")
    func formulas() {
        #expect(verify("Thus $\\boxed{\\left( x+1 \\right)}$.", "(x+1)", .exact))
        #expect(verify("\\boxed{\\dfrac{x}{2}}", "\\frac{x}{2}", .exact))
        #expect(verify("\\boxed{a}, no, \\boxed{\\{b\\}}", "\\{b\\}", .exact))
        #expect(!verify("\\boxed{x+1", "x+1", .exact))
        #expect(!verify("\\boxed{}", "x", .exact))
    }
}
