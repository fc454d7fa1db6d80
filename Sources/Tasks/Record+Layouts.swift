internal import Randomness

// From each layout's fields to a question.

extension Record {
    func generic(fallbackTopic: String) throws(DataError) -> Question {
        var prompt = try text(ofFirst: ["question", "prompt", "problem"])
        var answer = try text("answer")
        var isChoice = answer.count == 1 && Record.letters.contains(answer)
        if let options = fields["options"], options != .null {
            let options = try self.options("options")
            (prompt, answer) = (Record.prompt(prompt, options), try letter(answer, among: options, "answer"))
            isChoice = true
        }
        var kind: AnswerKind = isChoice ? .choice : Rational(parsing: answer) == nil ? .exact : .numeric
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
        guard let mark = Verifier.lastRange(of: "####", in: Array(solution.utf8)) else {
            throw error("answer", "no '####'", "the number behind '####'")
        }
        let answer = String(decoding: Array(solution.utf8)[mark.upperBound...], as: UTF8.self)
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
            answer: try number(try text("Answer"), "Answer"),
            kind: .numeric
        )
    }

    func mawps() throws(DataError) -> Question {
        Question(
            id: try identifier(),
            topic: try optionalText("type") ?? "mawps",
            prompt: try text("input"),
            answer: try number(try text("target"), "target"),
            kind: .numeric
        )
    }

    func math() throws(DataError) -> Question {
        guard let boxed = Verifier.lastBoxed(in: try text("solution")) else {
            throw error("solution", "no '\\boxed{}'", "the answer in '\\boxed{}'")
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

    /// MedMCQA as published; `cop` counts from 1.
    func medMCQA() throws(DataError) -> Question {
        var options: [String] = []
        for field in ["opa", "opb", "opc", "opd"] { options.append(try text(field)) }
        let given = try text("cop")
        guard let number = Int(given), (1...4).contains(number) else {
            throw error("cop", given, "1, 2, 3 or 4")
        }
        return Question(
            id: try identifier(),
            topic: try optionalText("subject_name") ?? "medmcqa",
            prompt: Record.prompt(try text("question"), options),
            answer: Record.letters[number - 1],
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
        guard (2...26).contains(options.count) else {
            throw error("incorrect_answers", "\(options.count - 1) that are not the best one", "1 to 25")
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

    /// The letter of the right option, given as the letter or as the option's text.
    private func letter(
        _ given: String,
        among options: [String],
        _ field: String
    ) throws(DataError) -> String {
        let letters = Record.letters.prefix(options.count)
        if letters.contains(given) { return given }
        guard let index = options.firstIndex(of: given) else {
            throw error(field, "'\(given.prefix(40))'", "one of \(letters.joined(separator: ", "))")
        }
        return Record.letters[index]
    }

    private static func prompt(_ question: String, _ options: [String]) -> String {
        zip(letters, options).reduce(question) { "\($0)\n\($1.0). \($1.1)" }
    }
}
