internal import Randomness

// From each layout's fields to a question.

extension Record {
    func generic(fallbackTopic: String) throws(DataError) -> Question {
        var prompt = try prompt(ofOne: ["question", "prompt", "problem"])
        var answer = try text("answer")
        // A solution with its answer in a box is judged by the answer.
        if let boxed = Verifier.lastBoxed(in: answer), !boxed.isEmpty { answer = boxed }
        var isChoice = answer.count == 1 && Record.letters.contains(answer)
        let given = ["options", "choices"].filter { fields[$0] != nil && fields[$0] != .null }
        guard given.count < 2 else { throw error("choices", "'options' as well", "one of the two") }
        if let field = given.first {
            let options = try self.options(field)
            (prompt, answer) = (Record.prompt(prompt, options), try letter(answer, among: options, "answer"))
            isChoice = true
        }
        var kind: AnswerKind = isChoice ? .choice : Record.isPlainNumber(answer) ? .numeric : .exact
        if let name = try optionalText("kind") {
            guard let given = AnswerKind(rawValue: name) else {
                throw error("kind", "'\(name)'", AnswerKind.allCases.map(\.rawValue).joined(separator: ", "))
            }
            kind = given
        }
        if kind == .numeric { answer = try number(answer, "answer") }
        let topic = try optionalText(ofFirst: ["topic", "task"]) ?? fallbackTopic
        return Question(id: try identifier(), topic: topic, prompt: prompt, answer: answer, kind: kind)
    }

    func gsm8k() throws(DataError) -> Question {
        let solution = try text("answer")
        guard let answer = Record.markedAnswer(solution) else {
            throw error("answer", "no '####'", "the number behind '####'")
        }
        return Question(
            id: try identifier(),
            topic: "gsm8k",
            prompt: try text("question"),
            answer: try number(answer, "answer"),
            kind: .numeric
        )
    }

    func svamp() throws(DataError) -> Question {
        let body = Verifier.trimmed(try text("Body"))
        let isSentence = body.last.map { ".?!,;:".contains($0) } ?? true
        return Question(
            id: try identifier(),
            topic: try optionalText("Type") ?? "svamp",
            prompt: "\(body)\(isSentence ? "" : ",") \(Verifier.trimmed(try text("Question")))",
            answer: try number(try wholeText("Answer"), "Answer"),
            kind: .numeric
        )
    }

    func mawps() throws(DataError) -> Question {
        Question(
            id: try identifier(),
            topic: try optionalText("type") ?? "mawps",
            prompt: try text("input"),
            answer: try number(try wholeText("target"), "target"),
            kind: .numeric
        )
    }

    func math() throws(DataError) -> Question {
        guard let boxed = Verifier.lastBoxed(in: try text("solution")) else {
            throw error("solution", "no '\\boxed{}'", "the answer in '\\boxed{}'")
        }
        if let answer = try optionalText("answer"), !MathText.areSame(answer, boxed) {
            throw error("answer", "'\(answer.prefix(40))'", "'\(boxed.prefix(40))' as in 'solution'")
        }
        let isNumber = Rational(parsing: boxed) != nil
        return Question(
            id: try identifier(),
            topic: try optionalText("type") ?? "math",
            prompt: try text("problem"),
            answer: boxed,
            kind: isNumber ? .numeric : .exact
        )
    }

    /// MedMCQA; `cop` counts from 1 as published, from 0 on the Hugging Face hub.
    func medMCQA(from first: Int) throws(DataError) -> Question {
        var options: [String] = []
        for field in ["opa", "opb", "opc", "opd"] { options.append(try text(field)) }
        let given = try text("cop")
        guard let number = Int(given), (first...first + 3).contains(number) else {
            throw error("cop", given, first == 1 ? "1, 2, 3 or 4" : "0, 1, 2 or 3")
        }
        return Question(
            id: try identifier(),
            topic: try optionalText("subject_name") ?? "medmcqa",
            prompt: Record.prompt(try text("question"), options),
            answer: Record.letters[number - first],
            kind: .choice
        )
    }

    func lettered(fallbackTopic: String) throws(DataError) -> Question {
        let options = try self.options("options")
        let answer = try letter(try text("answer_idx"), among: options, "answer_idx")
        let topic = try optionalText(ofFirst: ["domain", "subject", "meta_info"])
        return Question(
            id: try identifier(),
            topic: topic ?? fallbackTopic,
            prompt: Record.prompt(try text("question"), options),
            answer: answer,
            kind: .choice
        )
    }

    /// MMLU as the Hugging Face hub has it: the answer is the number of a choice, from 0.
    func numbered(fallbackTopic: String) throws(DataError) -> Question {
        let options = try self.options("choices")
        let given = try text("answer")
        let answer: String
        if case .number? = fields["answer"] {
            guard let number = Int(given), options.indices.contains(number) else {
                throw error("answer", given, "0 to \(options.count - 1), the number of a choice")
            }
            answer = Record.letters[number]
        } else {
            answer = try letter(given, among: options, "answer")
        }
        return Question(
            id: try identifier(),
            topic: try optionalText("subject") ?? fallbackTopic,
            prompt: Record.prompt(try text("question"), options),
            answer: answer,
            kind: .choice
        )
    }

    func pubMedQA() throws(DataError) -> Question {
        guard case .array(let values)? = fields["CONTEXTS"] else {
            throw error("CONTEXTS", fields["CONTEXTS"]?.kind ?? "nothing", "an array of texts")
        }
        var lines: [String] = []
        for value in values {
            guard let text = value.text else { throw error("CONTEXTS", value.kind, "texts") }
            lines.append(text)
        }
        let decision = try text("final_decision")
        guard ["yes", "no", "maybe"].contains(decision) else {
            throw error("final_decision", "'\(decision)'", "yes, no or maybe")
        }
        lines.append("\nQuestion: \(try text("QUESTION")) Answer with yes, no or maybe.")
        return Question(
            id: try identifier(),
            topic: "pubmedqa",
            prompt: lines.joined(separator: "\n"),
            answer: decision,
            kind: .choice
        )
    }

    /// TruthfulQA as a choice; answers that are given twice, or as right and wrong, stand once.
    func truthfulQA() throws(DataError) -> Question {
        let question = try text("question")
        if fields["mc1_targets"] != nil, fields["best_answer"] == nil {
            return try truthfulQA(question, targets: "mc1_targets")
        }
        let best = try text("best_answer")
        guard case .array(let values)? = fields["incorrect_answers"] else {
            let found = fields["incorrect_answers"]?.kind ?? "nothing"
            throw error("incorrect_answers", found, "an array of texts")
        }
        var options = [best]
        for value in values {
            guard let text = value.text else { throw error("incorrect_answers", value.kind, "texts") }
            if !options.contains(text) { options.append(text) }
        }
        return try truthfulQA(question, best: best, among: options, "incorrect_answers")
    }

    /// TruthfulQA's choice as the Hugging Face hub has it: texts, and a 1 for the right one.
    private func truthfulQA(_ question: String, targets field: String) throws(DataError) -> Question {
        guard case .object(let targets)? = fields[field], case .array(let choices)? = targets["choices"],
            case .array(let labels)? = targets["labels"], choices.count == labels.count
        else {
            throw error(field, fields[field]?.kind ?? "nothing", "as many 'labels' as 'choices'")
        }
        let right = labels.indices.filter { labels[$0] == .number("1") }
        guard right.count == 1, let best = choices[right[0]].text else {
            throw error("\(field).labels", "\(right.count) right ones", "one 1 among 0s")
        }
        var options = [best]
        for choice in choices {
            guard let text = choice.text else { throw error("\(field).choices", choice.kind, "texts") }
            if !options.contains(text) { options.append(text) }
        }
        return try truthfulQA(question, best: best, among: options, "\(field).choices")
    }

    private func truthfulQA(
        _ question: String,
        best: String,
        among given: [String],
        _ field: String
    ) throws(DataError) -> Question {
        var options = given
        guard (2...26).contains(options.count) else {
            throw error(field, "\(options.count - 1) that are not the best one", "1 to 25")
        }
        // The published files put the right one first.
        var stream = RandomStream(seed: 0, "truthfulqa", question)
        stream.shuffle(&options)
        return Question(
            id: try identifier(),
            topic: try optionalText("category") ?? "truthfulqa",
            prompt: Record.prompt(question, options),
            answer: try letter(best, among: options, "best_answer"),
            kind: .choice
        )
    }

    /// AQuA, whose options read `A)5`.
    func aqua() throws(DataError) -> Question {
        var options = try self.options("options")
        for (index, option) in options.enumerated() {
            guard option.hasPrefix(Record.letters[index] + ")") else {
                throw error("options", "'\(option.prefix(40))'", "'\(Record.letters[index]))' and the option")
            }
            options[index] = Verifier.trimmed(String(option.dropFirst(2)))
        }
        let correct = try text("correct")
        guard Record.letters.prefix(options.count).contains(correct) else {
            let letters = Record.letters.prefix(options.count).joined(separator: ", ")
            throw error("correct", "'\(correct.prefix(40))'", "one of \(letters)")
        }
        return Question(
            id: try identifier(),
            topic: "aqua",
            prompt: Record.prompt(Verifier.trimmed(try text("question")), options),
            answer: correct,
            kind: .choice
        )
    }

    private func number(_ text: String, _ field: String) throws(DataError) -> String {
        let trimmed = Verifier.trimmed(text)
        guard Rational(parsing: trimmed) != nil else {
            throw error(field, "'\(trimmed.prefix(40))'", "a number")
        }
        return trimmed
    }

    /// What stands behind the last `####`; nil without one.
    static func markedAnswer(_ solution: String) -> String? {
        let bytes = Array(solution.utf8)
        guard let mark = Verifier.lastRange(of: "####", in: bytes) else { return nil }
        return Verifier.trimmed(String(decoding: bytes[mark.upperBound...], as: UTF8.self))
    }

    /// Whether a text is a number without words: "7 Up" is a name, `7 \text{ cm}` a number.
    static func isPlainNumber(_ text: String) -> Bool {
        let hasWords = !text.contains("\\") && text.contains { $0.isLetter && $0 != "e" && $0 != "E" }
        return !hasWords && Rational(parsing: text) != nil
    }

    /// The text of a number without ".0" behind it, which tables of floating-point numbers write.
    private func wholeText(_ field: String) throws(DataError) -> String {
        let text = try text(field)
        guard case .number? = fields[field], let point = text.firstIndex(of: "."),
            text[text.index(after: point)...].allSatisfy({ $0 == "0" })
        else { return text }
        return String(text[..<point])
    }

    /// The letter of the right option, given as the letter or as the option's text.
    private func letter(
        _ given: String,
        among options: [String],
        _ field: String
    ) throws(DataError) -> String {
        let letters = Array(Record.letters.prefix(options.count))
        if let number = fields[field]?.integer, (0...options.count).contains(number) {
            let expected =
                "a letter or an option's text; or 'layout' 'mmlu' with 'choices', which counts from 0"
            throw error(field, "the number \(number), counted from 0 or from 1", expected)
        }
        let indices = options.indices.filter { options[$0] == given }
        if let byLetter = letters.firstIndex(of: given.uppercased()), given.count == 1 {
            // "B" as the text of option A and the letter of another.
            guard indices.allSatisfy({ $0 == byLetter }) else {
                throw error(
                    field,
                    "'\(given)', a letter and the text of another option",
                    "one that is not both"
                )
            }
            return letters[byLetter]
        }
        guard let index = indices.first else {
            throw error(field, "'\(given.prefix(40))'", "one of \(letters.joined(separator: ", "))")
        }
        guard indices.count == 1 else {
            throw error(field, "'\(given.prefix(40))', the text of \(indices.count) options", "a letter")
        }
        return letters[index]
    }

    private static func prompt(_ question: String, _ options: [String]) -> String {
        zip(letters, options).reduce(question) { "\($0)\n\($1.0). \($1.1)" }
    }
}
