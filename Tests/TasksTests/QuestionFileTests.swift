import Foundation
import Testing

@testable import Tasks

@Suite struct QuestionFileTests {
    private func parse(
        _ text: String,
        _ layout: RecordLayout = .auto,
        name: String = "q.jsonl"
    ) throws -> [Question] {
        try QuestionFile.parse(Array(text.utf8), name: name, layout: layout)
    }

    @Test("an identifier, a topic and a prompt that no public step can carry are refused with their line")
    func lengths() throws {
        let long = String(repeating: "n", count: 257)
        for (field, line) in [
            ("id", #"{"id": "\#(long)", "question": "1?", "answer": 1}"#),
            ("topic", #"{"id": "a", "question": "1?", "answer": 1, "topic": "\#(long)"}"#),
        ] {
            let error = #expect(throws: DataError.self) { try parse(line) }
            #expect(
                error.map { "\($0)" } == "q.jsonl: line 1: \(field): found 257 bytes, expected at most 256"
            )
        }
        #expect(try parse(#"{"id": "\#(long.dropLast())", "question": "1?", "answer": 1}"#).count == 1)
    }

    @Test("generic JSON lines take the usual names of fields and see what kind an answer is")
    func generic() throws {
        let questions = try parse(
            #"""
            {"question": "1 + 1?", "answer": 2, "task": "sums"}

            {"id": "x", "prompt": "Capital of France?", "answer": "Paris", "topic": "towns"}
            {"problem": "Pick", "options": ["one", "two"], "answer": "two"}
            {"question": "Say it", "answer": "7", "kind": "exact"}
            """#
        )

        #expect(questions.map(\.id) == ["1", "x", "4", "5"])
        #expect(questions.map(\.topic) == ["sums", "towns", "q", "q"])
        #expect(questions.map(\.answer) == ["2", "Paris", "B", "7"])
        #expect(questions.map(\.kind) == [.numeric, .exact, .choice, .exact])
        #expect(questions[2].prompt == "Pick\nA. one\nB. two")
    }

    @Test("the layouts of math sets are found out")
    func mathSets() throws {
        let gsm = try parse(
            #"{"question": "How many?", "answer": "4 * 300 = <<4*300=1200>>1200\n#### 1,200"}"#
        )
        let svamp = try parse(
            """
            [
                {"ID": "c-1", "Body": "Ida had 9 pens", "Question": "How many?", "Answer": 4.0, "Type": "Subtraction"},
                {"ID": "c-2", "Body": "Ida had 9 pens.", "Question": "How many?", "Answer": 0.5}
            ]
            """
        )
        let mawps = try parse(#"{"input": "9 - 5?", "target": 4.0, "type": "addsub", "idx": 3}"#)
        let math = try parse(
            #"""
            {"problem": "a", "solution": "so $\\boxed{\\frac{1}{2}}$.", "type": "Algebra", "level": "Level 1"}
            {"problem": "b", "solution": "\\boxed{3}, then \\boxed{x^{2}+1}"}
            """#
        )
        let original = try parse(
            "{\n  \"problem\": \"a\",\n  \"solution\": \"$\\\\boxed{7}$\"\n}\n",
            name: "12.json"
        )

        #expect(
            gsm[0] == Question(id: "1", topic: "gsm8k", prompt: "How many?", answer: "1,200", kind: .numeric)
        )
        #expect(svamp.map(\.prompt) == ["Ida had 9 pens, How many?", "Ida had 9 pens. How many?"])
        #expect(svamp.map(\.answer) == ["4", "0.5"])
        #expect(svamp.map(\.topic) == ["Subtraction", "svamp"])
        #expect(mawps[0] == Question(id: "3", topic: "addsub", prompt: "9 - 5?", answer: "4", kind: .numeric))
        #expect(math.map(\.answer) == ["\\frac{1}{2}", "x^{2}+1"])
        #expect(math.map(\.kind) == [.numeric, .exact])
        #expect(math.map(\.topic) == ["Algebra", "math"])
        #expect(original.map(\.answer) == ["7"])
    }

    @Test("the layouts of multiple-choice sets are found out")
    func choiceSets() throws {
        let medmcqa = try parse(
            #"{"id": "a", "question": "Which?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": 3, "subject_name": "Eye"}"#,
            .medmcqa
        )
        let medqa = try parse(
            #"{"question": "Which?", "answer": "y", "options": {"B": "x", "A": "w", "C": "y"}, "meta_info": "step1", "answer_idx": "C"}"#
        )
        let mmlu = try parse(
            #"{"id": "m", "domain": "law", "subject": "s", "question": "Q", "options": {"A": "1", "B": "2"}, "answer_idx": "B"}"#
        )
        let truthful = try parse(
            #"{"id": "t-1", "category": "Myths", "question": "Why?", "best_answer": "x", "incorrect_answers": ["w", "x", "w", "z"]}"#
        )
        let aqua = try parse(
            #"{"question": "How far? ", "options": ["A)1 km", "B) 2 km"], "rationale": "r", "correct": "B"}"#
        )
        let csv = try parse(
            "\"Which, if any?\",\"a, b\",\"say \"\"c\"\"\",\"two\nlines\",d,C\r\n\"Next\",1,2,3,4,A\n",
            name: "x/anatomy_test.csv"
        )
        let pubmed = try parse(
            """
            {
              "22": {"QUESTION": "Does it?", "CONTEXTS": ["One.", "Two."], "final_decision": "maybe"},
              "11": {"QUESTION": "Is it?", "CONTEXTS": [], "final_decision": "no"}
            }
            """
        )

        #expect(medmcqa[0].answer == "C")
        #expect(medmcqa[0].prompt == "Which?\nA. w\nB. x\nC. y\nD. z")
        #expect((medqa[0].answer, medqa[0].topic) == ("C", "step1"))
        #expect((mmlu[0].answer, mmlu[0].topic, mmlu[0].kind) == ("B", "law", .choice))
        #expect(
            Set(truthful[0].prompt.split(separator: "\n").dropFirst().map { $0.dropFirst(3) }) == [
                "w", "x", "z",
            ]
        )
        #expect(truthful[0].prompt.contains("\n\(truthful[0].answer). x"))
        #expect((truthful[0].topic, truthful[0].prompt.count) == ("Myths", 19))
        #expect((aqua[0].prompt, aqua[0].answer) == ("How far?\nA. 1 km\nB. 2 km", "B"))
        #expect(csv.map(\.id) == ["1", "3"])
        #expect(csv.map(\.topic) == ["anatomy", "anatomy"])
        #expect(csv[0].prompt == "Which, if any?\nA. a, b\nB. say \"c\"\nC. two\nlines\nD. d")
        #expect(pubmed.map(\.id) == ["11", "22"])
        #expect(pubmed[1].prompt == "One.\nTwo.\n\nQuestion: Does it? Answer with yes, no or maybe.")
    }

    @Test(
        "what is wrong is named with file, place, field, found and expected",
        arguments: [
            (
                #"{"question": "a", "answer": "1"}"# + "\n{\"question\": \"b\"}", RecordLayout.auto,
                "q: line 2: answer: found nothing, expected text"
            ),
            (
                #"{"question": "a", "answer": "1"}"# + "\n[1]", .auto,
                "q: line 2: record: found an array of 1, expected an object"
            ),
            (
                #"{"question": ["a"], "answer": "1"}"#, .jsonl,
                "q: line 1: question: found an array of 1, expected text"
            ),
            (
                #"{"question": " ", "answer": "1"}"#, .jsonl,
                "q: line 1: question: found empty text, expected text"
            ),
            (
                #"{"question": "a", "answer": "x", "kind": "numeric"}"#, .jsonl,
                "q: line 1: answer: found 'x', expected a number"
            ),
            (
                #"{"question": "a", "answer": "7"}"#, .gsm8k,
                "q: line 1: answer: found no '####', expected the number behind '####'"
            ),
            (
                #"{"problem": "a", "solution": "7"}"#, .auto,
                "q: line 1: solution: found no '\\boxed{}', expected the answer in '\\boxed{}'"
            ),
            (
                #"{"question": "a", "opa": "1", "opb": "2", "opc": "3", "opd": "4", "cop": 5}"#, .auto,
                "q: line 1: cop: found 5, expected 1, 2, 3 or 4"
            ),
            (
                #"{"question": "a", "options": {"A": "1", "C": "2"}, "answer_idx": "A"}"#, .auto,
                "q: line 1: options: found 'A', 'C', expected letters from A on without a gap"
            ),
            (
                #"{"question": "a", "options": ["1", "2"], "answer_idx": "C"}"#, .auto,
                "q: line 1: answer_idx: found 'C', expected one of A, B"
            ),
            (
                #"[{"Body": "b", "Question": "q", "Answer": "many"}]"#, .auto,
                "q: record 1: Answer: found 'many', expected a number"
            ),
            (
                #"{"7": {"QUESTION": "a", "CONTEXTS": [], "final_decision": "si"}}"#, .auto,
                "q: record '7': final_decision: found 'si', expected yes, no or maybe"
            ),
            (
                #"{"question": "a", "best_answer": "x", "incorrect_answers": ["x"]}"#, .auto,
                "q: line 1: incorrect_answers: found 0 that are not the best one, expected 1 to 25"
            ),
            (
                #"{"question": "a", "options": ["A)1", "2"], "correct": "A"}"#, .auto,
                "q: line 1: options: found '2', expected 'B)' and the option"
            ),
            (
                #"{"question": "a", "options": ["A)1", "B)2"], "correct": "C"}"#, .auto,
                "q: line 1: correct: found 'C', expected one of A, B"
            ),
            ("a,b,c", .mmlu, "q: line 1: row: found 3 columns, expected 6: question, four options, letter"),
            (
                "q,a,b,c,d,A\n\"x", .mmlu,
                "q: line 2: row: found a quotation mark without its end, expected a closed one"
            ),
            ("", .auto, "q: found an empty file, expected questions or conversations"),
            ("\n\n", .auto, "q: found no records, expected at least one"),
            ("[]", .auto, "q: found no records, expected at least one"),
            (
                #"{"id": 1, "question": "a", "answer": "1"}"# + "\n"
                    + #"{"id": 1, "question": "b", "answer": "1"}"#, .auto,
                "q: line 2: id: found '1', as in line 1, expected a new identifier"
            ),
        ]
    )
    func errors(text: String, layout: RecordLayout, message: String) {
        let error = #expect(throws: DataError.self) { try parse(text, layout, name: "q") }

        #expect(error?.description == message)
    }

    @Test("unknown fields and broken JSON name the line and what there is")
    func detection() {
        let unknown = #expect(throws: DataError.self) { try parse(#"{"ask": "a", "tell": "b"}"#) }
        #expect(
            unknown?.description.hasPrefix("q.jsonl: line 1: fields: found 'ask', 'tell', expected") == true
        )

        let good = #"{"question": "a", "answer": "1"}"#
        for (text, line) in [
            (good + "\n" + good.dropLast(), 2), (good.dropLast(3) + "\n" + good, 1), ("question", 1),
        ] {
            let error = #expect(throws: DataError.self) { try parse(String(text)) }
            guard case .record(_, .line(line), "line", _, "a JSON object") = error else {
                Issue.record("\(text): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("a line may be as long as the limit, and no longer")
    func longLine() throws {
        func text(_ bytes: Int) -> String {
            let frame = #"{"question": "", "answer": "1"}"#
            let line =
                #"{"question": "\#(String(repeating: "a", count: bytes - frame.utf8.count))", "answer": "1"}"#
            return line + "\n" + #"{"question": "b", "answer": "1"}"#
        }
        let limit = RecordFile.lineBytesMax

        #expect(try parse(text(limit)).count == 2)
        #expect(throws: DataError.tooLong(file: "q.jsonl", place: .line(1), bytes: limit + 1, limit: limit)) {
            try parse(text(limit + 1))
        }
    }

    @Test("a missing file is named")
    func missing() {
        let error = #expect(throws: DataError.self) { try QuestionFile.read(path: "/nowhere/q.jsonl") }

        #expect(error?.description.hasPrefix("/nowhere/q.jsonl: cannot be read") == true)
    }
}
