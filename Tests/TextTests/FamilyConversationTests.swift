import Testing

@testable import Text

/// Conversations to learn from with the vocabularies of each family.
@Suite struct FamilyConversationTests {
    /// In Mistral's manner: an answer stands behind a bracket that is no token, and its end is one.
    private let template = """
        {{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} \
        {{ m.content.strip() }}{{ eos_token }}{% endif %}{% endfor %}
        """
    private let talk = [
        Message(role: "user", content: "What is 2+2?"),
        Message(role: "assistant", content: " Four</s>, it is. "),
        Message(role: "user", content: "And 3+3?"), Message(role: "assistant", content: "Six."),
    ]

    @Test(
        "a conversation's tokens are those of its text, and an answer's are its text's and the end",
        // "llama2-normalized" knows its special tokens at a text's start alone, as the reference does.
        arguments: FamilyTests.names.filter { $0 != "llama2-normalized" }
    )
    func conversation(name: String) throws {
        let tokenizer = try Fixture.tokenizer("Families/\(name).json")
        try #require(tokenizer.eos != nil)
        let template = try ChatTemplate(ChatTemplate.Source(text: template, file: "f"), tokenizer: tokenizer)

        let made = try template.tokenise(talk, answers: [1, 3], tokenizer: tokenizer)

        let all = try template.render(talk, addGenerationPrompt: false)
        #expect(made.tokens == tokenizer.encode(all.text, plain: all.plain))
        for (range, text) in zip(made.answers, ["Four</s>, it is.", "Six."]) {
            let ids = Array(made.tokens[range])
            #expect(ids.last == tokenizer.eos)
            guard tokenizer.firstUnencodable(in: text) == nil else { continue }
            #expect(
                tokenizer.decode(Array(ids.dropLast())).split(separator: " ").joined(separator: " ") == text
            )
        }
    }
}
