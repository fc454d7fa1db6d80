/// Reads conversations from files.
package enum ConversationFile {
    /// The conversations of a file, in its order; a question and its answer are one of two turns.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - layout: How it is laid out.
    ///   - fields: What it calls the layout's fields; nil for the layout's own names.
    /// - Throws: `DataError`, which names the file, the line or record, and the field: text that is not JSON, a
    ///   conversation without an answer, turns out of order, an unknown role, a turn that says nothing.
    package static func read(
        path: String,
        layout: RecordLayout = .auto,
        fields: FieldNames? = nil
    ) throws(DataError) -> [Conversation] {
        try parse(try RecordFile.load(path), name: path, layout: layout, fields: fields)
    }

    /// The conversations in the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for errors and for the topic of records that name none.
    ///   - layout: How it is laid out.
    ///   - fields: What it calls the layout's fields; nil for the layout's own names.
    package static func parse(
        _ bytes: [UInt8],
        name: String,
        layout: RecordLayout = .auto,
        fields: FieldNames? = nil
    ) throws(DataError) -> [Conversation] {
        let file = try RecordFile.parse(bytes, name: name, layout: layout, fields: fields)
        var conversations: [Conversation] = []
        conversations.reserveCapacity(file.records.count)
        for record in file.records {
            conversations.append(try file.layout.conversation(from: record, fallbackTopic: file.topic))
        }
        return conversations
    }
}
