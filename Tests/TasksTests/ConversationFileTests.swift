import Foundation
import Testing
import Text

@testable import Tasks

@Suite struct ConversationFileTests {
    private func parse(
        _ text: String,
        _ layout: RecordLayout = .auto,
        name: String = "c.jsonl"
    ) throws -> [Conversation] {
        try ConversationFile.parse(Array(text.utf8), name: name, layout: layout)
    }

    private func turns(_ conversation: Conversation) -> [String] {
        conversation.messages.map { "\($0.role): \($0.content)" }
    }

    @Test("messages are turns in order, every answer of which is learned from")
    func messages() throws {
        let conversations = try parse(
            #"""
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}, {"role": "assistant", "content": " b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d\n"}]}

            {"id": "x", "topic": "t", "messages": [{"role": "user", "content": "e"}, {"role": "assistant", "content": "f", "name": null}]}
            """#
        )

        #expect(conversations.map(\.id) == ["1", "x"])
        #expect(conversations.map(\.topic) == ["c", "t"])
        #expect(
            turns(conversations[0]) == [
                "system: Be brief.", "user: a", "assistant:  b", "user: c", "assistant: d\n",
            ]
        )
        #expect(conversations.map(\.answers) == [[2, 4], [1]])
        #expect(conversations.map(\.opening) == ["a", "e"])
    }

    @Test("an answer of weight 0 is context, and an empty turn of the system is kept")
    func weight() throws {
        let conversation = try parse(
            #"{"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 1}]}"#
        )[0]

        #expect(conversation.answers == [4])
        #expect(conversation.messages[0].content.isEmpty)
    }

    @Test("content may come in parts")
    func parts() throws {
        let conversation = try parse(
            #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]}, {"role": "assistant", "content": {"content_type": "text", "parts": ["c", "d"]}}]}"#
        )[0]

        #expect(turns(conversation) == ["user: a b", "assistant: cd"])
    }

    @Test("a prompt and its completion may be texts or lists, and only the completion is learned from")
    func completion() throws {
        let conversations = try parse(
            #"""
            {"prompt": "1 + 1 =", "completion": " 2"}
            {"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "completion": [{"role": "assistant", "content": "d"}]}
            """#
        )

        #expect(
            conversations.map(turns) == [
                ["user: 1 + 1 =", "assistant:  2"], ["user: a", "assistant: b", "user: c", "assistant: d"],
            ]
        )
        #expect(conversations.map(\.answers) == [[1], [3]])
    }

    @Test("instructions have their input below them, and ShareGPT's names are the usual ones")
    func instructions() throws {
        let alpaca = try parse(
            #"""
            {"instruction": "Add.", "input": "1, 2", "output": "3", "system": "Be brief."}
            {"instruction": "Hi", "input": "", "output": "Hello"}
            {"instruction": "Say", "context": "x", "response": "y", "category": "qa"}
            """#
        )
        let shared = try parse(
            #"[{"id": "s", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, {"conversations": [{"from": "system", "value": "s"}, {"role": "user", "content": "c"}, {"from": "assistant", "value": "d"}]}]"#
        )

        #expect(
            alpaca.prefix(2).map(turns) == [
                ["system: Be brief.", "user: Add.\n1, 2", "assistant: 3"], ["user: Hi", "assistant: Hello"],
            ]
        )
        #expect(throws: DataError.self) { try parse(#"{"instruction": "Say", "response": ""}"#) }
        #expect(turns(alpaca[2]) == ["user: Say\nx", "assistant: y"])
        #expect(alpaca.map(\.answers) == [[2], [1], [1]])
        #expect(shared.map(\.id) == ["s", "2"])
        #expect(
            shared.map(turns) == [
                ["user: a", "assistant: b"], ["system: s", "user: c", "assistant: d"],
            ]
        )
    }

    @Test("a question and its answer are a conversation of two turns, wherever questions come from")
    func questions() throws {
        let conversation = try parse(
            #"{"id": "q", "question": "Pick", "options": ["one", "two"], "answer": "two", "topic": "t"}"#
        )
        let draw = DataSource.synthetic(MixedDraw(families: [.inc], clients: 1))

        #expect(conversation.map(turns) == [["user: Pick\nA. one\nB. two", "assistant: B"]])
        #expect(conversation[0].topic == "t")
        #expect(
            try draw.conversations(for: .client(0), seed: 1)
                == draw.questions(for: .client(0), seed: 1).map { Conversation($0) }
        )
    }

    @Test(
        "what is wrong is named with file, place, field, found and expected",
        arguments: [
            ("", "c: found an empty file, expected questions or conversations"),
            ("\n \n", "c: found no records, expected at least one"),
            (
                #"{"messages": [{"role": "user", "content": "a"}]}"#,
                "c: line 1: messages: found no answer, expected a turn of 'assistant'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}"#,
                "c: line 1: messages: found no answer to learn from, expected a turn of 'assistant'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
                    + "\n"
                    + #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": " \n"}]}"#,
                "c: line 2: messages[1].content: found empty text, expected what 'assistant' says"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null}]}"#,
                "c: line 1: messages[1].content: found null, expected text"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant"}]}"#,
                "c: line 1: messages[1].content: found nothing, expected text"
            ),
            (
                #"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#,
                "c: line 1: messages[0].content[0]: found an object, expected an object with 'text'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]}"#,
                "c: line 1: messages[1].role: found 'tool', expected 'system', 'user' (or 'human') or 'assistant' (or 'gpt')"
            ),
            (
                #"{"messages": [{"content": "a"}]}"#,
                "c: line 1: messages[0].role: found nothing, expected 'system', 'user' (or 'human') or 'assistant' (or 'gpt')"
            ),
            (
                #"{"messages": [{"role": "assistant", "content": "a"}]}"#,
                "c: line 1: messages[0].role: found 'assistant' first, expected 'user'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}"#,
                "c: line 1: messages[1].role: found 'user' after 'user', expected 'assistant'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}"#,
                "c: line 1: messages[1].role: found 'system' after 'user', expected 'system' only as the first turn"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]}"#,
                "c: line 1: messages: found 'user' as the last turn, expected an answer of 'assistant'"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0.5}]}"#,
                "c: line 1: messages[1].weight: found the number 0.5, expected 0 or 1"
            ),
            (
                #"{"messages": "a"}"#, "c: line 1: messages: found a string, expected a list of turns"
            ),
            (
                #"{"messages": []}"#,
                "c: line 1: messages: found an empty list, expected turns of 'user' and 'assistant'"
            ),
            (#"{"messages": ["a"]}"#, "c: line 1: messages[0]: found a string, expected an object"),
            (
                #"{"prompt": "a", "completion": " "}"#,
                "c: line 1: completion: found empty text, expected text"
            ),
            (
                #"{"prompt": "a", "completion": [{"role": "user", "content": "b"}]}"#,
                "c: line 1: completion[0].role: found 'user' after 'user', expected 'assistant'"
            ),
            (
                #"{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "completion": [{"role": "user", "content": "c"}]}"#,
                "c: line 1: completion: found no answer to learn from, expected a turn of 'assistant'"
            ),
            (
                #"{"instruction": "a", "output": "b"}"# + "\n" + #"{"instruction": "a"}"#,
                "c: line 2: response: found nothing, expected text"
            ),
            (
                #"{"conversations": [{"from": "human", "value": "a"}, {"from": "bing", "value": "b"}]}"#,
                "c: line 1: conversations[1].from: found 'bing', expected 'system', 'user' (or 'human') or 'assistant' (or 'gpt')"
            ),
            (
                #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
                    + "\n{\"messages\": [",
                "c: line 2: line: found text that is not JSON, expected a JSON object"
            ),
        ]
    )
    func errors(text: String, message: String) {
        let error = #expect(throws: DataError.self) { try parse(text, name: "c") }

        #expect(error?.description == message)
    }

    @Test(
        "a conversation of one prompt and a short answer is a question",
        arguments: [
            (#"{"prompt": "2+2=", "completion": " 4 "}"#, "4", AnswerKind.numeric),
            (#"{"instruction": "Plural", "input": "mouse", "output": "mice"}"#, "mice", .exact),
            (
                #"{"messages": [{"role": "user", "content": "A or B?"}, {"role": "assistant", "content": "B"}]}"#,
                "B", .choice
            ),
            (#"{"prompt": "2+2=", "completion": "We add.\n#### 4"}"#, "4", .numeric),
            (
                #"{"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "So \\boxed{7}."}]}"#,
                "7", .numeric
            ),
        ]
    )
    func shortAnswers(text: String, answer: String, kind: AnswerKind) throws {
        let question = try #require(try QuestionFile.parse(Array(text.utf8), name: "c.jsonl").first)

        #expect(question.answer == answer && question.kind == kind && !question.prompt.isEmpty)
    }

    @Test(
        "a conversation that no response can be compared with is no question, and says why",
        arguments: [
            (
                #"{"prompt": "a", "completion": "one\ntwo"}"#,
                "answer: found a text of 7 characters, expected what a response"
            ),
            (
                #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#,
                "turns: found 'system', 'user', 'assistant', expected one of 'user' and one of 'assistant'"
            ),
        ]
    )
    func noQuestions(text: String, message: String) throws {
        let error = #expect(throws: DataError.self) {
            try QuestionFile.parse(Array(text.utf8), name: "c.jsonl")
        }

        #expect("\(try #require(error))".hasPrefix("c.jsonl: line 1: " + message))
    }
}
