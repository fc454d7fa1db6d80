import Testing

@testable import Tasks

@Suite struct ChoiceVerdictTests {
    private func accepts(_ response: String, _ answer: String, _ kind: AnswerKind) -> Bool {
        let question = Question(id: "1", topic: "t", prompt: "p", answer: answer, kind: kind)
        return Verifier.verify(response: response, question: question)
    }

    @Test(
        "the option that a response chooses is found",
        arguments: [
            (
                "A",
                [
                    "A", "a", "(A)", "(a)", "a)", "A)", "A.", "A:", #""A""#, "'A'", "“A”", "`A`", "*A*",
                    "[A]", "«A»", "Option A", "option a", "Choice A.", "The answer is (a).",
                    "The answer is a", "answer: a", #"The answer is "A"."#, "The correct answer is option A",
                    "A is correct", "A is the answer", "A is the correct answer, not B.", "Not B, but A",
                    "It's not B, it's A.", "B is incorrect, so A", "I choose A", "I would go with A",
                    "B is wrong and C is wrong. A", "The answer isn't B. The answer is A",
                    "The answer is A, because B is wrong", "Both B and C are wrong; the answer is A",
                    "A because B is wrong", #"\boxed{\textbf{A}}"#, #"\boxed{\textbf{(A)}\ 5}"#,
                    #"\boxed{\text{(A)}}"#, #"\boxed{a}"#, #"$\boxed{A}$"#, #"\boxed{\text{A. Aspirin}}"#,
                    #"\boxed{A: aspirin}"#, #"\boxed{\mathbf{A}}"#, "<answer>A</answer>",
                    "<think>B or C</think>A", "**Answer: A**", "Answer: **(A) aspirin**", "Final Answer: A",
                    "A. Because B is not valid", "The answer is A rather than B",
                    "Of B and C neither fits. The answer is A.", "Answer\nA", "A\n", "The answer must be A",
                    "The best option is A.", "Answer - A", "ANSWER: A",
                    "Among A, B, C and D, the answer is A.", "The answer is A: vitamin B is not it",
                    "I pick A.", "A (aspirin)", "A - aspirin", "A, aspirin", "Therefore A.",
                    "The answer is A!",
                ]
            ),
            (
                "D",
                [
                    "It is not A, B or C. It is D", "A, B and C are wrong; D", "D because A is wrong",
                    "All of A, B, C are incorrect. The answer is D",
                    "A is wrong. B is wrong. C is wrong. D is right.",
                ]
            ),
            (
                "B",
                [
                    "A is wrong; B", "A is wrong; the answer is B", "I'd rule out A. B",
                    "Because B is valid", "A patient needs B", "B is right",
                ]
            ),
            (
                "yes",
                [
                    "Yes", "yes", "YES", "Yes.", #""Yes""#, "'yes'", "**Yes**", "Yes, because",
                    "The answer is yes.", "Answer: Yes", #"\boxed{yes}"#, #"\boxed{\text{Yes}}"#,
                    "No doubt: yes", "Yes, there is no difference", "<answer>yes</answer>", "I think yes",
                ]
            ),
            (
                "no",
                [
                    "No", "no", "No.", "No, it does not.", "No it does not", "The answer is no",
                    "Answer: no", "the study says no", "NO!", #"\boxed{no}"#, "no, not yes",
                ]
            ),
            (
                "maybe",
                [
                    "maybe", "Maybe.", "The answer is maybe", #"\boxed{maybe}"#,
                ]
            ),
            (
                "true",
                [
                    "True.", "The answer is true",
                ]
            ),
        ]
    )
    func chosen(answer: String, responses: [String]) {
        for response in responses {
            #expect(accepts(response, answer, .choice), "\(response)")
        }
    }

    @Test(
        "an option that is denied, in a list, or part of a word is not chosen",
        arguments: [
            (
                "A",
                [
                    "B", "not A", "A or B", "A and B", "A, B", "A/B", "A & B", "B or A", "Either A or B",
                    "neither A nor B", "Neither A nor B is right", "The answer is not (A)",
                    "The answer isn't A", "It can't be A", "It cannot be A.", "A is incorrect",
                    "A is not correct", "A isn't right", "A cannot be right", "A is false", "It is never A",
                    "All except A", "I eliminate A", "A is ruled out", "The answer is A or B",
                    "The answer is either A or B", "answer: A, B", #"\boxed{A, B}"#,
                    #"\boxed{A \text{ or } B}"#, #"\boxed{\text{not A}}"#, #"\boxed{B} A"#, #"\boxed{}"#,
                    #"\boxed{ABCD}"#, "A\nB\nC\nD", "A. x\nB. y\nC. z", "(A) (B) (C) (D)", "(A)(B)(C)(D)",
                    "A;B;C;D", "A|B|C|D", "ABCD", "AB", "A patient", "A is wrong, B",
                    "The answer is A. No wait, the answer is B", "B, not A", "B rather than A",
                    "B instead of A", "\u{410}", "a patient", "I don't know", "It is not A, B or C",
                    "Aspirin", "I would rule out A", "Not A", "The answer is a matter of taste",
                ]
            ),
            (
                "yes",
                [
                    "no", "not yes", "The answer is not yes", "yes or no", "yes and no", "yes, no, maybe",
                    "yes/no", "maybe", "No", "No, not yes", "It isn't yes", "",
                ]
            ),
            (
                "no",
                [
                    "yes", "no doubt", "No doubt it is yes", "no evidence", "not no", "yes no",
                    "Yes, there is no difference", "nothing", "no or maybe",
                ]
            ),
            (
                "maybe",
                [
                    "not maybe", "yes or maybe", "It may be",
                ]
            ),
            (
                "true",
                [
                    "False", "true or false", "not true",
                ]
            ),
        ]
    )
    func notChosen(answer: String, responses: [String]) {
        for response in responses {
            #expect(!accepts(response, answer, .choice), "\(response)")
        }
    }
}
