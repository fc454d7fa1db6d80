import Foundation
import Testing

@testable import Tasks

@Suite struct LayoutTests {
    private func parse(_ text: String, _ layout: RecordLayout = .auto) throws -> [Question] {
        try QuestionFile.parse(Array(text.utf8), name: "q.jsonl", layout: layout)
    }

    private func message(_ text: String, _ layout: RecordLayout = .auto) -> String? {
        #expect(throws: DataError.self) { try parse(text, layout) }?.description
    }

    private func cop(_ numbers: Int...) -> String {
        numbers.enumerated().map {
            #"{"id": \#($0), "question": "Which?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": \#($1)}"#
        }.joined(separator: "\n")
    }

    @Test("MMLU with choices and the number of the right one is multiple choice")
    func numberedChoices() throws {
        let questions = try parse(
            """
            {"question": "Which planet is largest?", "subject": "astronomy", "choices": ["Mars", "Venus", "Jupiter"], "answer": 2}
            {"question": "How many moons has Mars?", "subject": "astronomy", "choices": ["2", "1", "0"], "answer": 0}
            """
        )

        #expect(questions.map(\.kind) == [.choice, .choice])
        #expect(questions.map(\.answer) == ["C", "A"])
        #expect(questions.map(\.topic) == ["astronomy", "astronomy"])
        #expect(questions[0].prompt == "Which planet is largest?\nA. Mars\nB. Venus\nC. Jupiter")
        #expect(
            message(#"{"question": "a", "subject": "s", "choices": ["x", "y"], "answer": 2}"#)
                == "q.jsonl: line 1: answer: found 2, expected 0 to 1, the number of a choice"
        )
    }

    @Test("a number among options that could count from 0 or from 1 is not guessed at")
    func ambiguousNumber() throws {
        for text in [
            #"{"question": "a", "options": ["x", "y"], "answer": 1}"#,
            #"{"question": "a", "choices": ["1", "2"], "answer": 1}"#,
            #"{"question": "a", "options": ["x", "y"], "answer_idx": 1}"#,
        ] {
            #expect(message(text)?.contains("found the number 1, counted from 0 or from 1") == true)
        }
        let asText = try parse(#"{"question": "a", "options": [50, 60], "answer": 60}"#)
        #expect(asText[0].answer == "B")
        #expect(
            message(#"{"question": "a", "options": ["B", "C"], "answer": "B"}"#)?.contains("text of another")
                == true
        )
        #expect(
            message(#"{"question": "a", "options": ["x", "x"], "answer": "x"}"#)?.contains("2 options")
                == true
        )
    }

    @Test("MedMCQA counts from 0 or from 1 as the whole file shows, and asks where it does not")
    func medMCQA() throws {
        #expect(try parse(cop(0, 3, 2)).map(\.answer) == ["A", "D", "C"])
        #expect(try parse(cop(1, 4, 2)).map(\.answer) == ["A", "D", "B"])
        #expect(try parse(cop(2, 3), .medmcqa).map(\.answer) == ["B", "C"])
        #expect(try parse(cop(2, 3), .medmcqaFromZero).map(\.answer) == ["C", "D"])
        #expect(
            message(cop(2, 3))
                == "q.jsonl: line 1: cop: found neither 0 nor 4 in any record, expected 'layout': 'medmcqa' if it "
                + "counts from 1, 'medmcqaFromZero' if from 0"
        )
        #expect(
            message(cop(4, 1, 0))
                == "q.jsonl: line 3: cop: found 0 here and 4 in line 1, expected numbers from 0 to 3 or from 1 to 4"
        )
        #expect(message(cop(0, -1))?.hasSuffix("cop: found -1, expected 0, 1, 2 or 3") == true)
    }

    @Test(
        "a file has one layout, and a record in another is named",
        arguments: [
            (
                #"{"question": "a", "answer": "so\n#### 7"}"# + "\n" + #"{"question": "b", "answer": "8"}"#,
                "line 2: fields: found those of the layout 'jsonl', expected those of 'gsm8k' as in line 1"
            ),
            (
                #"{"question": "a", "answer": "8"}"# + "\n" + "{\"question\": \"b\", \"answer\": \"#### 7\"}",
                "line 2: fields: found those of the layout 'gsm8k', expected those of 'jsonl' as in line 1"
            ),
            (
                #"[{"question": "a", "answer": "8"}, {"problem": "b", "solution": "\\boxed{7}"}]"#,
                "record 2: fields: found those of the layout 'math', expected those of 'jsonl' as in record 1"
            ),
            (
                #"{"question": "a", "answer": "8"}"# + "\n" + #"{"ask": "b", "answer": "7"}"#,
                "line 2: question or prompt or problem: found nothing, expected text"
            ),
            (
                #"{"problem": "a", "solution": "\\boxed{7}", "messages": []}"#,
                "line 1: fields: found those of the layouts 'math' and 'messages', expected those of one"
            ),
            (
                #"{"prompt": "a", "completion": "b", "answer": "c"}"#,
                "line 1: fields: found those of the layouts 'jsonl' and 'completion', expected those of one"
            ),
            (
                #"{"question": "a", "options": ["A)1", "B)2"], "correct": "A", "answer_idx": "A"}"#,
                "line 1: fields: found those of the layouts 'medqa' and 'aqua', expected those of one"
            ),
            (
                #"{"question": "a", "prompt": "b", "answer": "c"}"#,
                "line 1: prompt: found another text than in 'question', expected one of question, prompt, problem"
            ),
            (
                #"{"problem": "a", "solution": "\\boxed{7}", "answer": "8"}"#,
                "line 1: answer: found '8', expected '7' as in 'solution'"
            ),
        ]
    )
    func oneLayout(text: String, expected: String) {
        #expect(message(text)?.hasPrefix("q.jsonl: " + expected) == true, "\(message(text) ?? "")")
    }

    @Test("a byte order mark of UTF-8 is no part of any file, and other encodings are refused")
    func byteOrderMarks() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        for (text, name) in [
            (#"{"question": "a", "answer": "1"}"# + "\n" + #"{"question": "b", "answer": "2"}"#, "q.jsonl"),
            (#"[{"question": "a", "answer": "1"}, {"question": "b", "answer": "2"}]"#, "q.json"),
            ("a,1,2,3,4,A\nb,1,2,3,4,B\n", "q.csv"),
            (
                #"{"1": {"QUESTION": "a", "CONTEXTS": [], "final_decision": "no"}, "#
                    + #""2": {"QUESTION": "b", "CONTEXTS": [], "final_decision": "no"}}"#, "q.json"
            ),
        ] {
            let plain = try QuestionFile.parse(Array(text.utf8), name: name)
            #expect(plain.count == 2)
            #expect(try QuestionFile.parse(mark + Array(text.utf8), name: name) == plain)
        }
    }

    @Test(
        "another encoding is named with its line and how to convert it",
        arguments: [
            ([0xFF, 0xFE], .utf16LittleEndian, "found a byte order mark of UTF-16", "-f UTF-16 "),
            ([0xFE, 0xFF], .utf16BigEndian, "found a byte order mark of UTF-16", "-f UTF-16 "),
            ([], .utf16LittleEndian, "found UTF-16LE without a byte order mark", "-f UTF-16LE "),
            ([], .utf16BigEndian, "found UTF-16BE without a byte order mark", "-f UTF-16BE "),
            ([], .isoLatin1, "line 2: found bytes that are not UTF-8, as in Latin-1", "-f ISO-8859-1 "),
            (
                [], .windowsCP1252, "line 2: found bytes that are not UTF-8, as in Windows-1252",
                "-f WINDOWS-1252 "
            ),
        ] as [([UInt8], String.Encoding, String, String)]
    )
    func encodings(mark: [UInt8], encoding: String.Encoding, found: String, remedy: String) throws {
        let last = encoding == .windowsCP1252 ? "5 \u{20AC}" : "f\u{FC}nf"
        let text =
            #"{"question": "a", "answer": "1"}"# + "\n" + #"{"question": "b", "answer": "\#(last)"}"# + "\n"
        let bytes = mark + Array(try #require(text.data(using: encoding)))

        let error = #expect(throws: DataError.self) { try QuestionFile.parse(bytes, name: "q.jsonl") }

        let words = "\(try #require(error))"
        #expect(words.hasPrefix("q.jsonl: " + found), "\(words)")
        #expect(
            words.hasSuffix("expected UTF-8; convert it: iconv \(remedy)-t UTF-8 'q.jsonl' > NEW"),
            "\(words)"
        )
    }

    @Test("a file that breaks off within a character is called that, and no other encoding")
    func brokenOff() throws {
        let whole = Array(#"{"question": "a", "answer": "fünf"#.utf8)

        let error = #expect(throws: DataError.self) {
            try QuestionFile.parse(Array(whole.dropLast(3)), name: "q.jsonl")
        }

        #expect("\(try #require(error))".contains("line 1: found an end of the file within a character"))
    }

    @Test("a solution with its answer behind #### on the same line is judged by the number")
    func markedOnOneLine() throws {
        let question = try parse(#"{"question": "a", "answer": "4 + 5 is nine #### 9"}"#)[0]
        #expect(question.answer == "9" && question.kind == .numeric)
        #expect(try parse(#"{"question": "a", "answer": "the sign #### is a heading"}"#)[0].kind == .exact)
    }

    @Test("fields under any name, nested ones too, are found; what is missing is named with what there is")
    func namedFields() throws {
        var fields = FieldNames()
        fields.question = "ask.0.content"
        fields.answer = "reward_model.ground_truth"
        let text =
            #"{"ask": [{"content": "2+2"}], "reward_model": {"ground_truth": "4"}, "answer": "no", "id": "x"}"#

        let question = try QuestionFile.parse(Array(text.utf8), name: "q", fields: fields)[0]

        #expect(question == Question(id: "x", topic: "q", prompt: "2+2", answer: "4", kind: .numeric))
        fields.answer = "truth"
        let error = #expect(throws: DataError.self) {
            try QuestionFile.parse(Array(text.utf8), name: "q", layout: .jsonl, fields: fields)
        }
        #expect(
            "\(try #require(error))"
                == "q: line 1: truth (fields.answer): found nothing; the record has 'answer', 'ask', 'id', 'reward_model', "
                + "expected text"
        )
    }

    @Test("a record of no layout lists its keys and says how to name them")
    func unknownKeys() throws {
        let words = try #require(message(#"{"ask": "a", "reply": "b"}"#))
        #expect(
            words.hasPrefix("q.jsonl: line 1: fields: found 'ask', 'reply', expected those of a known layout")
        )
        #expect(words.hasSuffix("fields: {question: NAME, answer: NAME}"))
    }

    @Test("a prompt with a system turn is refused with the setting for it")
    func systemTurn() throws {
        let text =
            #"{"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], "answer": "1"}"#
        #expect(
            message(text)?.contains(
                "found turns of 'system', 'user', expected one of 'user'; 'prompt.system'"
            ) == true
        )
    }

    @Test("numbers keep the digits they are written with")
    func digits() throws {
        for number in [
            "12345678901234567890123", "0.1234567890123456789012", "2.50", "-7", "1e3", "1.5E-7", "-0.0",
            "100000000000000000000",
        ] {
            let question = try parse(#"{"question": "a", "answer": \#(number)}"#)[0]
            #expect(question.answer == number)
            #expect(question.kind == .numeric)
            #expect(Verifier.verify(response: number, question: question))
        }
        let other = try parse(#"{"question": "a", "answer": 12345678901234567890123}"#)[0]
        #expect(!Verifier.verify(response: "12345678901234567890124", question: other))
        #expect(
            try parse(#"{"id": 12345678901234567890, "question": "a", "answer": 1}"#)[0].id
                == "12345678901234567890"
        )
    }

    @Test(
        "a name that begins with a number is no number",
        arguments: ["7 Up", "50 Cent", "4 cm", "e", "10:30"]
    )
    func names(answer: String) throws {
        #expect(try parse(#"{"question": "a", "answer": "\#(answer)"}"#)[0].kind == .exact)
    }

    @Test(
        "text that is not JSON is refused",
        arguments: [
            #"{"question": "a", "answer": 01}"#, #"{"question": "a", "answer": 1.}"#,
            #"{"question": "a", "answer": +1}"#,
            #"{"question": "a", "answer": NaN}"#, #"{"question": "a", "answer": .5}"#, #"{"question": "a",}"#,
            #"{"question": "a" "answer": 1}"#, #"{"question": "\x", "answer": 1}"#,
            #"{"question": "\ud800", "answer": 1}"#,
            #"{"question": "a", "answer": 1} x"#, #"{"question": "a\#t", "answer": 1}"#, #"{"question"#,
            #"{"question": tru}"#,
            #"{"question": "a", "answer": "8", "answer": "9"}"#,
            #"{"question": "a", "answer": \#(String(repeating: "[", count: 100_000))"#,
        ]
    )
    func notJSON(text: String) {
        #expect(throws: DataError.self) { try parse(text + "\n{}") }
        #expect(throws: DataError.self) { try parse(text) }
    }

    @Test("escapes, pairs and other languages are read")
    func escapes() throws {
        let question = try parse(#"{"question": "\u00e9\ud83d\ude00\n\t\"\\\/ ü", "answer": "x"}"#)[0]

        #expect(question.prompt == "é😀\n\t\"\\/ ü")
    }
}
