// Which layout records show. A file has one; a record that fits none or two is not guessed at.

extension RecordLayout {
    /// The layout that all records of a file show.
    static func detect(_ records: [Record]) throws(DataError) -> RecordLayout {
        var known: (layout: RecordLayout, record: Record)?
        for record in records {
            let found = candidates(record)
            guard let first = known else {
                known = (try only(found, record), record)
                continue
            }
            // A record that shows no layout lacks a field of the file's, which its reading names.
            guard !found.isEmpty else { continue }
            let layout = try only(found, record)
            guard first.layout == layout else {
                throw record.error(
                    "fields",
                    "those of the layout '\(layout.rawValue)'",
                    "those of '\(first.layout.rawValue)' as in \(first.record.place): one layout a file"
                )
            }
        }
        guard let known else { preconditionFailure("RecordLayout.detect: there is a record") }
        return known.layout == .medmcqa ? try medMCQA(records) : known.layout
    }

    /// The layouts that one record's fields show.
    private static func candidates(_ record: Record) -> [RecordLayout] {
        let fields = Set(record.fields.filter { $0.value != .null }.keys)
        var found = layouts.filter { layout in layout.signs.contains { fields.isSuperset(of: $0) } }.map(
            \.layout
        )
        if isGSM8K(record) { found.append(.gsm8k) }
        if isMMLU(record, fields) { found.append(.mmlu) }
        if found.isEmpty, !fields.isDisjoint(with: ["question", "prompt", "problem"]),
            fields.contains("answer")
        {
            found = [.jsonl]
        }
        // With conversations beside a question, either could be meant.
        found += conversations.filter { layout in layout.signs.contains { fields.isSuperset(of: $0) } }.map(
            \.layout
        )
        return found
    }

    /// The one layout that was found.
    private static func only(_ found: [RecordLayout], _ record: Record) throws(DataError) -> RecordLayout {
        guard let layout = found.first else {
            throw record.error(
                "fields",
                record.keyList,
                "those of a known layout (\(allCases.dropFirst().map(\.rawValue).joined(separator: ", "))), or beside "
                    + "'path' what the file calls them: fields: {question: NAME, answer: NAME}"
            )
        }
        guard found.count == 1 else {
            throw record.error(
                "fields",
                "those of the layouts '\(found.map(\.rawValue).joined(separator: "' and '"))'",
                "those of one, or which one to take as 'layout'"
            )
        }
        return layout
    }

    private typealias Signs = (layout: RecordLayout, signs: [Set<String>])

    private static let layouts: [Signs] = [
        (.svamp, [["Body", "Question", "Answer"]]),
        (.math, [["problem", "solution"]]),
        (.mawps, [["input", "target"]]),
        (.medmcqa, [["question", "opa", "cop"]]),
        (.pubmedqa, [["QUESTION", "final_decision"]]),
        (.medqa, [["question", "options", "answer_idx"]]),
        (.truthfulqa, [["question", "best_answer", "incorrect_answers"], ["question", "mc1_targets"]]),
        (.aqua, [["question", "options", "correct"]]),
    ]

    private static let conversations: [Signs] = [
        (.messages, [["messages"]]),
        (.sharegpt, [["conversations"]]),
        (.completion, [["prompt", "completion"]]),
        (.alpaca, [["instruction", "output"], ["instruction", "response"]]),
    ]

    private static func isGSM8K(_ record: Record) -> Bool {
        guard record.fields["question"] != nil, case .string(let answer)? = record.fields["answer"] else {
            return false
        }
        if answer.hasPrefix("####") || answer.contains("\n####") { return true }
        // On the line of the solution too, where a number is all that follows.
        return Record.markedAnswer(answer).map { Rational(parsing: $0) != nil } ?? false
    }

    /// A number counts from 0 here alone; elsewhere it could count from 1.
    private static func isMMLU(_ record: Record, _ fields: Set<String>) -> Bool {
        guard case .number? = record.fields["answer"], case .array? = record.fields["choices"] else {
            return false
        }
        return fields.isSuperset(of: ["question", "subject"])
    }

    /// Whether MedMCQA's `cop` counts from 0 or from 1: only a 0 or a 4 tells.
    private static func medMCQA(_ records: [Record]) throws(DataError) -> RecordLayout {
        let numbers = records.map { $0.fields["cop"].flatMap { $0.integer ?? $0.text.flatMap { Int($0) } } }
        let zero = numbers.firstIndex(of: 0)
        let four = numbers.firstIndex(of: 4)
        switch (zero, four) {
        case (let zero?, let four?):
            let record = records[Swift.max(zero, four)]
            throw record.error(
                "cop",
                "\(zero < four ? 4 : 0) here and \(zero < four ? 0 : 4) in \(records[Swift.min(zero, four)].place)",
                "numbers from 0 to 3 or from 1 to 4"
            )
        case (_?, nil): return .medmcqaFromZero
        case (nil, _?): return .medmcqa
        case (nil, nil):
            // A number out of both ranges is the better error.
            guard numbers.allSatisfy({ $0.map { (1...3).contains($0) } ?? false }) else { return .medmcqa }
            throw records[0].error(
                "cop",
                "neither 0 nor 4 in any record",
                "'layout': 'medmcqa' if it counts from 1, 'medmcqaFromZero' if from 0"
            )
        }
    }
}
