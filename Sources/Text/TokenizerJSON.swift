/// What a `tokenizer.json` says, read front to back.
struct TokenizerJSON {
    /// A vocabulary in the file's order.
    struct Vocabulary {
        /// The texts, one after the other.
        var bytes: [UInt8] = []
        /// Where each text ends in `bytes`.
        var ends: [Int] = []
        /// The id of each text.
        var ids: [Int] = []
        /// The score of each text, where the file gives one.
        var scores: [Double] = []

        /// Where a text is in `bytes`.
        func range(of entry: Int) -> Range<Int> { (entry == 0 ? 0 : ends[entry - 1])..<ends[entry] }
    }

    /// Merge rules as the file writes them.
    struct Merges {
        /// The texts, one after the other.
        var bytes: [UInt8] = []
        /// Where the first text of each rule ends, or where its only one, "left right", does twice.
        var ends: [(left: Int, right: Int)] = []
    }

    /// The file's name, for errors.
    let name: String
    /// The part behind `added_tokens`.
    private(set) var addedTokens: JSONNode
    /// The part behind `normalizer`.
    private(set) var normalizer: JSONNode
    /// The part behind `pre_tokenizer`.
    private(set) var preTokenizer: JSONNode
    /// The part behind `post_processor`.
    private(set) var postProcessor: JSONNode
    /// The part behind `decoder`.
    private(set) var decoder: JSONNode
    /// The model without its vocabulary and rules.
    private(set) var model: JSONNode
    /// The vocabulary.
    private(set) var vocabulary = Vocabulary()
    /// The merge rules; nil when there are none.
    private(set) var merges: Merges?

    /// Reads a file.
    init(_ bytes: [UInt8], name: String) throws(TokenizerError) {
        self.name = name
        func part(_ field: String) -> JSONNode { JSONNode(.null, field: field, file: name) }
        addedTokens = part("added_tokens")
        normalizer = part("normalizer")
        preTokenizer = part("pre_tokenizer")
        postProcessor = part("post_processor")
        decoder = part("decoder")
        model = part("model")
        // Where the reader is, for errors.
        var field = "file"
        var parts: [String: JSONTree] = [:]
        do {
            var reader = JSONReader(bytes)
            try reader.object { reader, key throws(JSONReader.Fault) in
                field = key
                if key == "model" {
                    parts[key] = .object(try readModel(&reader, &field))
                } else {
                    parts[key] = try reader.value()
                }
                field = "file"
            }
            try reader.end()
        } catch {
            let place = error.key.map { "\(field).\($0)" } ?? field
            throw .malformed(file: name, field: place, found: error.found, expected: error.expected)
        }
        guard parts["model"] != nil else {
            throw .malformed(file: name, field: "model", found: "nothing", expected: "an object")
        }
        for (key, path) in [
            ("added_tokens", \TokenizerJSON.addedTokens), ("normalizer", \.normalizer),
            ("pre_tokenizer", \.preTokenizer), ("post_processor", \.postProcessor), ("decoder", \.decoder),
            ("model", \.model),
        ] {
            if let value = parts[key] { self[keyPath: path] = JSONNode(value, field: key, file: name) }
        }
    }

    private mutating func readModel(
        _ reader: inout JSONReader,
        _ field: inout String
    ) throws(JSONReader.Fault) -> [(key: String, value: JSONTree)] {
        var settings: [(key: String, value: JSONTree)] = []
        var vocabulary = Vocabulary()
        var merges: Merges?
        try reader.object { reader, key throws(JSONReader.Fault) in
            field = "model.\(key)"
            switch key {
            case "vocab":
                vocabulary = Vocabulary()
                try TokenizerJSON.read(&vocabulary, from: &reader)
            case "merges" where reader.peek() == UInt8(ascii: "["):
                var rules = Merges()
                try TokenizerJSON.read(&rules, from: &reader)
                merges = rules
            default: settings.append((key, try reader.value()))
            }
            field = "model"
        }
        (self.vocabulary, self.merges) = (vocabulary, merges)
        return settings
    }

    private static func read(
        _ vocabulary: inout Vocabulary,
        from reader: inout JSONReader
    ) throws(JSONReader.Fault) {
        var (ends, ids): ([Int], [Int]) = ([], [])
        if reader.peek() == UInt8(ascii: "{") {
            try reader.integers(keysTo: &vocabulary.bytes) { end, id in
                ends.append(end)
                ids.append(id)
            }
            (vocabulary.ends, vocabulary.ids) = (ends, ids)
            return
        }
        var texts: [UInt8] = []
        var scores: [Double] = []
        try reader.array { reader throws(JSONReader.Fault) in
            var part = 0
            try reader.array { reader throws(JSONReader.Fault) in
                switch part {
                case 0: try reader.text(appendedTo: &texts)
                case 1: scores.append(try reader.number())
                default: throw JSONReader.Fault(found: "more than two values", expected: "a text and a score")
                }
                part += 1
            }
            guard part == 2 else {
                throw JSONReader.Fault(found: "\(part) values", expected: "a text and a score")
            }
            ids.append(ends.count)
            ends.append(texts.count)
        }
        vocabulary = Vocabulary(bytes: texts, ends: ends, ids: ids, scores: scores)
    }

    private static func read(
        _ merges: inout Merges,
        from reader: inout JSONReader
    ) throws(JSONReader.Fault) {
        var bytes: [UInt8] = []
        var ends: [(left: Int, right: Int)] = []
        try reader.array { reader throws(JSONReader.Fault) in
            guard reader.peek() == UInt8(ascii: "[") else {
                try reader.text(appendedTo: &bytes)
                ends.append((bytes.count, bytes.count))
                return
            }
            var part = 0
            var middle = 0
            try reader.array { reader throws(JSONReader.Fault) in
                try reader.text(appendedTo: &bytes)
                if part == 0 { middle = bytes.count }
                part += 1
            }
            guard part == 2 else { throw JSONReader.Fault(found: "\(part) texts", expected: "two") }
            ends.append((middle, bytes.count))
        }
        merges = Merges(bytes: bytes, ends: ends)
    }
}

/// A part of a file with its place, for reading what a step needs and refusing what is not known.
struct JSONNode {
    /// What is there.
    let value: JSONTree
    /// Where it is.
    let field: String
    /// The file's name.
    let file: String

    /// Makes a node.
    init(_ value: JSONTree, field: String, file: String) {
        self.value = value
        self.field = field
        self.file = file
    }

    /// Whether nothing is there.
    var isNull: Bool { value == .null }

    /// What stands under a key; nil for nothing and for null.
    func child(_ key: String) throws(TokenizerError) -> JSONNode? {
        guard case .object(let members) = value else { throw fault("an object") }
        guard let member = members.last(where: { $0.key == key }), member.value != .null else { return nil }
        return JSONNode(member.value, field: "\(field).\(key)", file: file)
    }

    /// What stands under a key; throws when there is nothing.
    func required(_ key: String) throws(TokenizerError) -> JSONNode {
        guard let child = try child(key) else {
            throw .malformed(file: file, field: "\(field).\(key)", found: "nothing", expected: "a value")
        }
        return child
    }

    /// The keys.
    func keys() throws(TokenizerError) -> [String] {
        guard case .object(let members) = value else { throw fault("an object") }
        return members.map(\.key)
    }

    /// The elements of an array.
    func elements() throws(TokenizerError) -> [JSONNode] {
        guard case .array(let elements) = value else { throw fault("an array") }
        return elements.enumerated().map { JSONNode($1, field: "\(field)[\($0)]", file: file) }
    }

    /// The text that it is.
    func text() throws(TokenizerError) -> String {
        guard case .text(let text) = value else { throw fault("a text") }
        return text
    }

    /// The integer that it is.
    func integer() throws(TokenizerError) -> Int {
        guard case .number(let number) = value, let integer = Int(exactly: number) else {
            throw fault("an integer")
        }
        return integer
    }

    /// A boolean under a key.
    func flag(_ key: String, or standard: Bool) throws(TokenizerError) -> Bool {
        guard let child = try child(key) else { return standard }
        guard case .boolean(let flag) = child.value else { throw child.fault("true or false") }
        return flag
    }

    /// Throws for a key that is not one of some.
    func requireKeys(_ known: Set<String>) throws(TokenizerError) {
        for key in try keys() where !known.contains(key) {
            throw .unsupported(
                file: file,
                field: "\(field).\(key)",
                found: "this key",
                expected: known.sorted().joined(separator: ", ")
            )
        }
    }

    /// That something else was expected here.
    func fault(_ expected: String) -> TokenizerError {
        .malformed(file: file, field: field, found: value.kind, expected: expected)
    }

    /// That this is not known here.
    func unsupported(_ found: String, _ expected: String) -> TokenizerError {
        .unsupported(file: file, field: field, found: found, expected: expected)
    }
}
