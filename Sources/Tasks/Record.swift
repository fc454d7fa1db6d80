/// One record of a file of questions, with its place for errors.
struct Record {
    let file: String
    let place: DataError.Place
    let fields: [String: JSONValue]
    /// What the file calls fields, where it was told, by the layout's name.
    private var names: [String: String] = [:]
    /// The keys that the record has in the file.
    private var keys: [String]

    init(file: String, place: DataError.Place, value: JSONValue) throws(DataError) {
        guard case .object(let fields) = value else {
            throw .record(file: file, place: place, field: "record", found: value.kind, expected: "an object")
        }
        self.init(file: file, place: place, fields: fields)
    }

    init(file: String, place: DataError.Place, fields: [String: JSONValue]) {
        self.file = file
        self.place = place
        self.fields = fields
        keys = Array(fields.keys)
    }

    /// The record with the fields that a file calls by names of its own, under the layout's names; others are left out.
    func renamed(_ names: FieldNames) -> Record {
        let given = names.given
        var renamed = fields.filter { ["id", "topic"].contains($0.key) }
        for (field, name) in given { renamed[field] = value(at: name) }
        var record = Record(file: file, place: place, fields: renamed)
        record.names = given
        record.keys = keys
        return record
    }

    /// The value of a field, or with dots in its name of one within others.
    private func value(at name: String) -> JSONValue? {
        if let value = fields[name] { return value }
        var value = JSONValue.object(fields)
        for part in name.split(separator: ".") {
            switch value {
            case .object(let members):
                guard let inner = members[String(part)] else { return nil }
                value = inner
            case .array(let elements):
                guard let index = Int(part), elements.indices.contains(index) else { return nil }
                value = elements[index]
            case .null, .bool, .number, .string: return nil
            }
        }
        return value
    }

    /// The text of a field; numbers count as text.
    func text(_ field: String) throws(DataError) -> String {
        guard let value = fields[field] else { throw error(field, nothing, "text") }
        guard let text = value.text else { throw error(field, value.kind, "text") }
        guard !text.allSatisfy(\.isWhitespace) else { throw error(field, "empty text", "text") }
        return text
    }

    /// The text of a field that may be missing.
    func optionalText(_ field: String) throws(DataError) -> String? {
        guard let value = fields[field], value != .null else { return nil }
        guard let text = value.text else { throw error(field, value.kind, "text") }
        return text.isEmpty ? nil : text
    }

    /// The text of the one field of several names that is there; two that differ are an error.
    func text(ofOne names: [String]) throws(DataError) -> String {
        let there = names.filter { fields[$0] != nil && fields[$0] != .null }
        guard let field = there.first ?? names.first(where: { fields[$0] != nil }) else {
            throw error(names.joined(separator: " or "), nothing, "text")
        }
        if let other = there.dropFirst().first(where: { fields[$0] != fields[field] }) {
            throw error(other, "another text than in '\(field)'", "one of \(names.joined(separator: ", "))")
        }
        return try text(field)
    }

    /// The text of the first field that has one; nil if none has.
    func optionalText(ofFirst names: [String]) throws(DataError) -> String? {
        for name in names {
            if let text = try optionalText(name) { return text }
        }
        return nil
    }

    /// The options by letter, from an object keyed by letters or an array.
    func options(_ field: String) throws(DataError) -> [String] {
        switch fields[field] {
        case .array(let values):
            guard (2...26).contains(values.count) else {
                throw error(field, "\(values.count) options", "2 to 26")
            }
            var options: [String] = []
            for value in values {
                guard let text = value.text else { throw error(field, value.kind, "texts") }
                options.append(text)
            }
            return options
        case .object(let values):
            guard (2...26).contains(values.count) else {
                throw error(field, "\(values.count) options", "2 to 26")
            }
            var options: [String] = []
            for letter in Record.letters.prefix(values.count) {
                guard let value = values[letter] else {
                    let found = "'\(values.keys.sorted().joined(separator: "', '"))'"
                    throw error(field, found, "letters from A on without a gap")
                }
                guard let text = value.text else { throw error("\(field).\(letter)", value.kind, "text") }
                options.append(text)
            }
            return options
        case let other:
            throw error(field, other?.kind ?? "nothing", "options by letter")
        }
    }

    /// What is wrong with a field, which is called as the file calls it.
    func error(_ field: String, _ found: String, _ expected: String) -> DataError {
        let name = names[field].map { "\($0) (fields.\(field))" } ?? field
        return .record(file: file, place: place, field: name, found: found, expected: expected)
    }

    /// That a field is missing, and what there is.
    private var nothing: String { names.isEmpty ? "nothing" : "nothing; the record has \(keyList)" }

    /// The keys of the record as it is in the file.
    var keyList: String {
        let some = keys.sorted().prefix(12).map { "'\($0.prefix(40))'" }.joined(separator: ", ")
        return keys.isEmpty ? "no keys" : some
    }

    /// The record's own identifier, or one made of its place.
    func identifier() throws(DataError) -> String {
        if let id = try optionalText(ofFirst: ["id", "ID", "idx"]) { return id }
        return switch place {
        case .line(let number), .record(let number): "\(number)"
        case .key(let key): key
        }
    }

    static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map(String.init)
}
