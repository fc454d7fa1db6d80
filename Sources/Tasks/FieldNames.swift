/// What a file calls the fields that a layout knows: `fields: {question: problem, answer: solution}`.
///
/// A field within another is named with a dot, as `reward_model.ground_truth`, an element of a list by its number from 0.
/// Where names are given, a record's other fields count as not there; only `id` and `topic` are still read.
package struct FieldNames: Sendable, Codable, Equatable {
    /// Of what is asked.
    package var question: String?
    /// Of the right answer.
    package var answer: String?
    /// Of the options of a choice.
    package var options: String?
    /// Of the topic.
    package var topic: String?
    /// Of the identifier.
    package var id: String?
    /// Of the kind of the answer.
    package var kind: String?
    /// Of MATH's problem.
    package var problem: String?
    /// Of MATH's solution, whose answer is in a box.
    package var solution: String?
    /// Of the turns of a conversation.
    package var messages: String?
    /// Of a prompt.
    package var prompt: String?
    /// Of what follows a prompt.
    package var completion: String?
    /// Of Alpaca's instruction.
    package var instruction: String?
    /// Of what belongs to an instruction.
    package var input: String?
    /// Of the answer to an instruction.
    package var output: String?
    /// Of the system's turn.
    package var system: String?

    /// Names nothing.
    package init() {}

    /// The names that are given, by the layout's field.
    var given: [String: String] {
        [
            "question": question, "answer": answer, "options": options, "topic": topic, "id": id,
            "kind": kind,
            "problem": problem, "solution": solution, "messages": messages, "prompt": prompt,
            "completion": completion, "instruction": instruction, "input": input, "output": output,
            "system": system,
        ].compactMapValues { $0 }
    }
}
