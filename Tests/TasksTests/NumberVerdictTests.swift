import Foundation
import Testing

@testable import Tasks

@Suite struct NumberVerdictTests {
    private func accepts(_ response: String, _ answer: String, _ kind: AnswerKind) -> Bool {
        let question = Question(id: "1", topic: "t", prompt: "p", answer: answer, kind: kind)
        return Verifier.verify(response: response, question: question)
    }

    @Test(
        "a number is read in every spelling that people and models write",
        arguments: [
            (
                "1/3",
                [
                    #"\boxed{\frac13}"#, #"\boxed{\cfrac{1}{3}}"#, #"\boxed{\tfrac13}"#, #"$\frac13 $"#,
                    #"\boxed{\left(\frac{1}{3}\right)}"#, #"\boxed{\frac{1}{3} \text{ meters}}"#,
                    #"$k = \frac{1}{3}$"#, #"\boxed{x=\frac13\approx 0.333}"#, "⅓",
                    #"\boxed{0.\overline{3}}"#, #"\boxed{-\frac{-1}{3}}"#,
                ]
            ),
            (
                "-1/3",
                [
                    #"\boxed{-\frac{1}{3}}"#, #"\boxed{\frac{1}{-3}}"#, #"\boxed{\dfrac{-1}{3}}"#, "-1/3",
                    "x = -1/3", #"\boxed{-1/3}"#, #"\boxed{\left(-\frac{1}{3}\right)}"#,
                ]
            ),
            (
                "1.5",
                [
                    #"\boxed{1\frac12}"#, "1 1/2", "1½", #"\boxed{1 \frac{1}{2}}"#,
                    "The answer is 1 1/2 cups.", "3/2", #"\boxed{\frac{3}{2}}"#,
                ]
            ),
            (
                "-1.5",
                [
                    #"\boxed{-1\frac12}"#, "-1 1/2",
                ]
            ),
            (
                "150000",
                [
                    "1.5e5", "1.5E5", "1.5 × 10^5", #"\boxed{1.5 \times 10^5}"#, #"\boxed{1.5\cdot 10^{5}}"#,
                    "1.5*10^5", "1.5 x 10^5", "150,000", "150 000", "1.5×10⁵", "150{,}000",
                    #"\boxed{150\,000}"#, "150'000", "1.5e+5",
                ]
            ),
            (
                "0.0015",
                [
                    "1.5e-3", #"\boxed{1.5 \times 10^{-3}}"#, "1.5 × 10⁻³", ".0015",
                ]
            ),
            (
                "7",
                [
                    #"\boxed{3+4=7}"#, "3+4=7", #"\boxed{x = 7}"#, #"\boxed{f(2) = 7}"#,
                    #"\boxed{\angle ABC = 7^\circ}"#, #"\boxed{AB = 7\text{ cm}}"#, #"$\boxed{7}$."#,
                    #"\fbox{7}"#, #"\boxed{ 7 }"#, #"\boxed{7.}"#, #"\boxed{\textbf{7}}"#,
                    #"\boxed{\mathbf{7}}"#, #"\boxed{{7}}"#, #"\boxed{$7$}"#, #"\boxed{\$7}"#,
                    #"\boxed{7\%}"#, #"\boxed{7 \%}"#, #"\boxed{7 percent}"#, #"\boxed{7 pct}"#, "7 percent",
                    "7 %", "$7$ %", #"\boxed{7 cm}"#, #"\boxed{7\,\text{cm}^2}"#, #"\boxed{7 \mathrm{~m}}"#,
                    #"\boxed{7\ \mathrm{m/s}}"#, #"\boxed{7 \text{ km}/\text{h}}"#,
                    #"\boxed{7 square units}"#, #"\boxed{7 apples}"#, #"\boxed{7^{\circ}}"#,
                    #"\boxed{7 \text{ degrees}}"#, "\\boxed{7°}", #"\boxed{7^\circ\text{C}}"#,
                    #"\boxed{7 m^2}"#, #"\boxed{7\text{ cm}^{2}}"#, "7 cm²", "7m²", "7°C", "7€", "€7",
                    "£7.00", "Rs. 7", "USD 7", "７", "Let me see. 3 + 4 = 7", "**Answer:** 7", "Answer: $7$",
                    #"The final answer is $\boxed{7}$"#, "The answer is 7, which I checked 3 times.",
                    "The answer is 7. I checked it 3 times.", "Answer:\n7", "So the answer is **7**.",
                    "answer = 7", "The answer is 3 + 4 = 7", "The answer is: 7",
                    "Therefore, there are 7 of them.", "#### Final step\nthe total is 7",
                    "#### Step 2: 3 apples\n\\boxed{7}", "<think>it is 12</think>7",
                    #"<think>\boxed{3}</think> It is 7"#, "<answer>7</answer> ok 9", "7",
                    "#### 7 (12 in all)", "#### $7", "#### **7**", "####7", "####\n7",
                ]
            ),
            (
                "1000.99",
                [
                    "1,000.99", "$1,000.99", "1,000.99$", "the number is not 10 which is 1,000.99€",
                    "so the number is 10 which is 1,000.99m²", "1000,99", "1.000,99",
                ]
            ),
            (
                "7425000",
                [
                    "7,425,000", "7.425.000", "74,25,000",
                ]
            ),
            (
                "1.22",
                [
                    "1,22"
                ]
            ),
            (
                "2.74",
                [
                    "Soucis : 2,74 $ a.."
                ]
            ),
            (
                "0.111",
                [
                    "0,111"
                ]
            ),
            (
                "14916",
                [
                    #"\boxed{14{,}916}"#, "The final answer is $14 {, }916$.", #"\boxed{14,\!916}"#,
                    #"\boxed{14, \! 916}"#,
                ]
            ),
            (
                "11111111100",
                [
                    #"\boxed{11,\! 111,\! 111,\! 100}"#
                ]
            ),
            (
                "28%",
                [
                    "28 percent", "28 pct", "28 %", "$28$ %", #"\boxed{28} pct"#, #"\boxed{28 percentage}"#,
                    #"$28\%$"#,
                ]
            ),
            (
                "-5",
                [
                    "-5", "−5", "–5", "－5", "x = - 5", "= -5", "(-5)", #"\boxed{-5}"#, "\\boxed{−5}", "-$5",
                    "$-5", #"-\$5"#, "-5°", #"\boxed{-5^\circ}"#, "temperature: -5", #"\boxed{(-5)}"#,
                    "#### -5", "The answer is -5.", "**-5**",
                ]
            ),
            (
                "5",
                [
                    "- 5 apples", "7-5", "range 3–5", "5", "5!", "5?", "five (5)", "5 (five)",
                    "There are (5).", "5 apples (out of 12)", "It takes 5 days (120 hours).",
                ]
            ),
            (
                "0",
                [
                    "0", "-0", "0.00", "0/7", #"\boxed{0}"#,
                ]
            ),
            (
                "2^{2005}",
                [
                    #"\boxed{2^{2005}}"#, "2^2005",
                ]
            ),
        ]
    )
    func spellings(answer: String, responses: [String]) {
        for response in responses {
            #expect(accepts(response, answer, .numeric), "\(response)")
        }
    }

    @Test(
        "what is no number, another one, or left open is not accepted",
        arguments: [
            (
                "1/3",
                [
                    #"\boxed{-\frac13}"#, #"\boxed{\frac{1}{33}}"#, #"\boxed{\frac{\sqrt1}{3}}"#,
                ]
            ),
            (
                "5.5",
                [
                    "1 1/2", "11/2 or 12",
                ]
            ),
            (
                "2",
                [
                    "1 1/2", "AZYUK2A",
                ]
            ),
            (
                "5",
                [
                    #"\boxed{1.5 \times 10^5}"#, "1.5 × 10^5", "10^5", "2^5", #"\boxed{1.5e5}"#,
                ]
            ),
            (
                "3",
                [
                    #"\boxed{10^{-3}}"#, "10^-3", #"2\sqrt{3}"#, #"the answer is $2\sqrt{3}$"#, "√3", "2√3",
                    "x^3", #"\boxed{\sqrt[3]{3}}"#, #"\boxed{\log 3}"#, #"\boxed{\pi/3}"#, #"\boxed{3!}"#,
                    #"\boxed{3x}"#, #"\boxed{a_3}"#, #"\boxed{2,3}"#, #"\boxed{(1,3)}"#, #"\boxed{[0,3]}"#,
                    #"\boxed{\{3\}}"#, #"\boxed{1:3}"#, #"\boxed{\text{none of 3}}"#, #"\boxed{\pm 3}"#,
                    #"\boxed{x \le 3}"#, #"\boxed{2 \text{ and } 3}"#, #"\boxed{2 \text{ or } 3}"#,
                    #"\boxed{3 \text{ or } 4}"#, #"\boxed{4x+3}"#, #"\boxed{2+1}"#, #"\boxed{4x-5y=3}"#,
                    #"\boxed{3i}"#, #"\boxed{3"#, #"3 \boxed{x}"#, #"\boxed{212_3}"#,
                ]
            ),
            (
                "7",
                [
                    "The answer is not 7", "The answer is 7 or 8", "7 or 8", "8 or 7", "7:30",
                    "the time is 4:7", "2.7", "v1.7", "x7", "AZ7", "7/0", "The answer is unknown. 7",
                    "1/2/7", "70%", "7.1.2",
                ]
            ),
            (
                "8",
                [
                    "7 or 8", "The answer is 7 or 8",
                ]
            ),
            (
                "32349",
                [
                    #"\boxed{32, 349}"#
                ]
            ),
            (
                "-5",
                [
                    "5", "- 5 apples", "7-5", "7 - 5", #"\boxed{5}"#,
                ]
            ),
            (
                "0",
                [
                    "", "none", "x",
                ]
            ),
            (
                "2^{2005}",
                [
                    #"\boxed{2^{2004}}"#, #"\boxed{2005}"#,
                ]
            ),
            (
                "1",
                [
                    "1e999999999", "9^999999", "10^99999999999999999999",
                ]
            ),
        ]
    )
    func others(answer: String, responses: [String]) {
        for response in responses {
            #expect(!accepts(response, answer, .numeric), "\(response)")
        }
    }

    @Test("absurd numbers are no numbers, and are refused quickly")
    func absurd() {
        let many = String(repeating: "9", count: 3_000)
        for response in [
            many, "1e999999999", "9^999999", "10^99999999999999999999", "\\boxed{1\(many)}",
            String(repeating: "\\frac{", count: 3_000), String(repeating: "(", count: 5_000),
            String(repeating: "{", count: 5_000) + "1", "\\boxed{" + String(repeating: "(", count: 5_000),
        ] {
            #expect(!accepts(response, "1", .numeric))
        }
    }

    @Test(
        "an answer with degrees, a unit, a currency or a name is a number, and answered by the number alone",
        arguments: [
            ("52^\\circ", "52"), ("116^{\\circ}", "116"), ("64\\text{ degrees}", "64"), ("52°", "52"),
            ("\\frac{250}7\\text{ degrees}", "250/7"), ("330 \\text{ cm}^2", "330"),
            ("27 \\mbox{ m}^3", "27"),
            ("21\\text{ ways.}", "21"), ("45 \\text{ adult tickets }", "45"), ("0.75\\,\\text{ cm}", "0.75"),
            ("\\$24,\\!310", "24310"), ("-\\$0.75", "-0.75"), ("63\\%", "63"), ("4\\frac15", "4.2"),
            ("c=8", "8"), ("y = -\\frac{1}{8}", "-1/8"), ("\\text{17}", "17"), ("3^{1207}", "3^{1207}"),
            ("80{,}900{,}809", "80900809"), ("22,\\! 333,\\! 100", "22333100"), ("\\cfrac{36}{25}", "1.44"),
            ("35\\text{ square\nunits}", "35"),
        ]
    )
    func golds(gold: String, number: String) throws {
        let record = ["problem": "p", "solution": "Thus $\\boxed{\(gold)}$."]
        let question = try QuestionFile.parse(
            Array(JSONEncoder().encode(record)),
            name: "m",
            layout: .math
        )[0]

        #expect(question.kind == .numeric)
        for response in ["\\boxed{\(number)}", "\\boxed{\(gold)}", "The answer is \(number).", number] {
            #expect(Verifier.verify(response: response, question: question), "\(response)")
        }
    }

    @Test(
        "an answer that only begins with a number is none",
        arguments: [
            "8\\text{ a.m.}", "17 \\text{ and }41", "2:1", "2013_6", "x + 5", "5x", "4, 7", "(3,4)", "6\\pi",
            "5x-2y=-40", "\\text{2:05 PM}", "\\text{May 20}",
        ]
    )
    func noNumbers(answer: String) {
        #expect(Rational(parsing: answer) == nil)
    }
}
