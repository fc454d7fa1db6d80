import Testing

@testable import Tasks

@Suite struct TextVerdictTests {
    private func accepts(_ response: String, _ answer: String, _ kind: AnswerKind) -> Bool {
        let question = Question(id: "1", topic: "t", prompt: "p", answer: answer, kind: kind)
        return Verifier.verify(response: response, question: question)
    }

    @Test(
        "texts and formulas are the same in another spelling",
        arguments: [
            (
                "(C)",
                [
                    #"\boxed{\text{(C)}}"#, #"\boxed{C}"#,
                ]
            ),
            (
                #"\text{(C)}"#,
                [
                    #"\boxed{\text{C}}"#, #"\boxed{C}"#, #"\boxed{(C)}"#, #"\boxed{\mathrm{(C)}}"#,
                ]
            ),
            (
                "6, -2",
                [
                    #"\boxed{-2, 6}"#, #"\boxed{6,-2}"#, #"\boxed{6\text{ and }-2}"#,
                ]
            ),
            (
                #"8\sqrt{3} \text { square inches}"#,
                [
                    #"\boxed{8\sqrt3}"#, #"\boxed{8\sqrt{3}}"#, #"\boxed{8 \sqrt{3} \text{ in}^2}"#,
                ]
            ),
            (
                #"x \in [-2,7]"#,
                [
                    #"\boxed{[-2,7]}"#, #"\boxed{x\in[-2,7]}"#,
                ]
            ),
            (
                #"\left(1,\frac{9}{2}\right)"#,
                [
                    #"\boxed{(1, 4.5)}"#, #"\boxed{\left(1,\frac92\right)}"#, #"\boxed{(1,9/2)}"#,
                ]
            ),
            (
                "0.0011_{2}",
                [
                    #"\boxed{0.0011_2}"#
                ]
            ),
            (
                "2112_6",
                [
                    #"\boxed{2112_{6}}"#
                ]
            ),
            (
                #"\frac{\sqrt{3}}{2}"#,
                [
                    #"\boxed{\dfrac{\sqrt3}2}"#, #"$\frac{\sqrt{3}}{2}$"#,
                ]
            ),
            (
                "Evelyn",
                [
                    #"\boxed{\text{Evelyn}}"#, "Evelyn",
                ]
            ),
            (
                #"\text{even}"#,
                [
                    #"\boxed{even}"#, #"\boxed{\text{even}}"#,
                ]
            ),
            (
                "3:1",
                [
                    #"\boxed{3:1}"#
                ]
            ),
            (
                #"(-\infty,0)\cup (0,\infty)"#,
                [
                    #"\boxed{(-\infty, 0) \cup (0, \infty)}"#, "\\boxed{(-∞,0)∪(0,∞)}",
                ]
            ),
            (
                #"45^\circ, 135^\circ"#,
                [
                    #"\boxed{45, 135}"#, #"\boxed{45^{\circ},135^{\circ}}"#,
                ]
            ),
            (
                "café",
                [
                    "cafe\u{301}"
                ]
            ),
            (
                #"\frac{7}{5} + \frac{1}{5} i."#,
                [
                    #"\boxed{\frac75+\frac15i}"#
                ]
            ),
            (
                #"\begin{pmatrix} 1 \\ 4 \end{pmatrix}"#,
                [
                    #"\boxed{\begin{pmatrix}1\\4\end{pmatrix}}"#
                ]
            ),
        ]
    )
    func same(answer: String, responses: [String]) {
        for response in responses {
            #expect(accepts(response, answer, .exact), "\(response)")
        }
    }

    @Test(
        "other texts and formulas are not",
        arguments: [
            (
                "(6,-2)",
                [
                    #"\boxed{(-2,6)}"#
                ]
            ),
            (
                #"x \in [-2,7]"#,
                [
                    #"\boxed{(-2,7)}"#, #"\boxed{[-2,8]}"#,
                ]
            ),
            (
                #"\left(1,\frac{9}{2}\right)"#,
                [
                    #"\boxed{(1,9)}"#
                ]
            ),
            (
                "2112_6",
                [
                    #"\boxed{2112}"#
                ]
            ),
            (
                #"\frac{\sqrt{3}}{2}"#,
                [
                    #"\boxed{\frac{\sqrt{2}}{3}}"#
                ]
            ),
            (
                "0123",
                [
                    "123", "01 23",
                ]
            ),
            (
                #"\text{even}"#,
                [
                    #"\boxed{odd}"#, #"\boxed{}"#,
                ]
            ),
            (
                "3:1",
                [
                    #"\boxed{1:3}"#
                ]
            ),
            (
                "12:00",
                [
                    "1:00"
                ]
            ),
            (
                "café",
                [
                    "cafe"
                ]
            ),
            (
                "x",
                [
                    #"\boxed{}"#, #"\boxed{x"#, " ",
                ]
            ),
        ]
    )
    func different(answer: String, responses: [String]) {
        for response in responses {
            #expect(!accepts(response, answer, .exact), "\(response)")
        }
    }
}
