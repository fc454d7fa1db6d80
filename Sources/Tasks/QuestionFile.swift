internal import Contract

/// Reads questions from files.
package enum QuestionFile {
    /// The questions of a file, in its order, with identifiers unique within it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - layout: How it is laid out.
    ///   - fields: What it calls the layout's fields; nil for the layout's own names.
    /// - Throws: `DataError`, which names the file, the line or record, and the field.
    package static func read(
        path: String,
        layout: RecordLayout = .auto,
        fields: FieldNames? = nil
    ) throws(DataError) -> [Question] {
        try parse(try RecordFile.load(path), name: path, layout: layout, fields: fields)
    }

    /// The questions in the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for errors and, with MMLU's CSV, for the topic.
    ///   - layout: How it is laid out.
    ///   - fields: What it calls the layout's fields; nil for the layout's own names.
    package static func parse(
        _ bytes: [UInt8],
        name: String,
        layout: RecordLayout = .auto,
        fields: FieldNames? = nil
    ) throws(DataError) -> [Question] {
        let file = try RecordFile.parse(bytes, name: name, layout: layout, fields: fields)
        var questions: [Question] = []
        questions.reserveCapacity(file.records.count)
        var places: [String: DataError.Place] = [:]
        for record in file.records {
            let question = try file.layout.question(from: record, fallbackTopic: file.topic)
            for (field, text, limit) in [
                ("id", question.id, ExchangeLimits.itemNameBytesMax),
                ("topic", question.topic, ExchangeLimits.itemNameBytesMax),
                ("question", question.prompt, ExchangeLimits.itemBytesMax),
            ] where text.utf8.count > limit {
                throw record.error(field, "\(text.utf8.count) bytes", "at most \(limit)")
            }
            if let other = places.updateValue(record.place, forKey: question.id) {
                throw record.error("id", "'\(question.id)', as in \(other)", "a new identifier")
            }
            questions.append(question)
        }
        return questions
    }
}
