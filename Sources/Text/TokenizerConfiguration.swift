/// What a `tokenizer_config.json` says that decides which ids a text gets.
///
/// Whether `bos` and `eos` are put around a text is the post-processor's to say: beside a `tokenizer.json`
/// the reference
/// does not look at `add_bos_token` and `add_eos_token`, and `legacy` has only to do with making that file.
struct TokenizerConfiguration {
    /// The tokens that begin, end and fill sequences.
    private(set) var names = SpecialNames()
    private var addsPrefixSpace: Bool?
    private var addedTokens: JSONNode?

    /// Nothing said.
    init() {}

    /// Reads a file.
    init(_ bytes: [UInt8], name: String) throws(TokenizerError) {
        let root: JSONNode
        do {
            root = JSONNode(try JSONReader.value(of: bytes), field: "file", file: name)
        } catch {
            throw .malformed(file: name, field: "file", found: error.found, expected: error.expected)
        }
        func token(_ key: String) throws(TokenizerError) -> String? {
            guard let node = try root.child(key) else { return nil }
            if case .text(let text) = node.value { return text }
            return try node.required("content").text()
        }
        names = SpecialNames(
            bos: try token("bos_token"),
            eos: try token("eos_token"),
            pad: try token("pad_token"),
            unk: try token("unk_token")
        )
        if let flag = try root.child("add_prefix_space") {
            guard case .boolean(let value) = flag.value else { throw flag.fault("true, false or null") }
            addsPrefixSpace = value
        }
        addedTokens = try root.child("added_tokens_decoder")
    }

    /// The added tokens with the flags that the configuration gives them, which go before the file's own.
    ///
    /// - Throws: For a token that is not the vocabulary's of that id.
    func entries(
        _ entries: [AddedTokens.Entry],
        _ tokens: TokenTable,
        file: String
    ) throws(TokenizerError) -> [AddedTokens.Entry] {
        guard let addedTokens else { return entries }
        var entries = entries
        var places: [Int32: Int] = [:]
        for (place, entry) in entries.enumerated() { places[entry.id] = place }
        for key in try addedTokens.keys() {
            guard let node = try addedTokens.child(key) else { continue }
            let content = try node.required("content").text()
            guard let id = Int32(key), id >= 0, id < tokens.count,
                tokens[Int(id)].elementsEqual(content.utf8)
            else { throw node.fault("the token that \(file) has under this id") }
            let entry = try TokenizerJSON.entry(node, content, id)
            if let place = places[id] { entries[place] = entry } else { entries.append(entry) }
        }
        return entries
    }

    /// Throws where the configuration wants another space before a text than the file puts there.
    func check(_ stages: SubwordTokenizer.Stages, file: String) throws(TokenizerError) {
        guard let addsPrefixSpace else { return }
        var adds = false
        for step in stages.preTokenizers {
            switch step {
            case .prefixSpace: adds = true
            case .metaspace(_, let prepending): adds = prepending != .never
            case .split: continue
            }
        }
        for case .prepend in stages.normalizers { adds = true }
        guard adds != addsPrefixSpace else { return }
        throw .unsupported(
            file: "tokenizer_config.json beside \(file)",
            field: "add_prefix_space",
            found: "\(addsPrefixSpace)",
            expected: "\(adds), as the file itself does"
        )
    }
}

/// The tokens that begin, end and fill sequences, where they are named.
struct SpecialNames {
    var bos: String?
    var eos: String?
    var pad: String?
    var unk: String?

    /// The id of a named token, or of the first of the usual ones that there is.
    static func id(_ name: String?, or usual: [String], in ids: [String: Int32]) -> Int32? {
        if let name { return ids[name] }
        return usual.lazy.compactMap { ids[$0] }.first
    }

    /// The id of a named token, or of the first of the usual ones that there is.
    static func id(_ name: String?, or usual: [String], in tokens: TokenTable) -> Int32? {
        if let name { return tokens.id(of: name) }
        return usual.lazy.compactMap { tokens.id(of: $0) }.first
    }
}
