internal import FoundationEssentials

// What happens around the model, step by step; a step that is not known is refused.

extension TokenizerJSON {
    /// The steps before the model.
    func normalizers() throws(TokenizerError) -> [Normalizer] {
        let steps = try Self.steps(normalizer, "normalizers").flatMap(orThrow: Self.normalizer)
        let growth = steps.reduce(1.0) { $0 * $1.growth }
        guard growth <= Normalizer.growthMax else {
            throw .unsupported(
                file: normalizer.file,
                field: normalizer.field,
                found: "steps that make a text up to \(growth) times as long",
                expected: "at most \(Int(Normalizer.growthMax)) times"
            )
        }
        return steps
    }

    /// The steps of cutting, and whether pieces are read as bytes.
    ///
    /// - Parameter normalizers: The steps before, which may have left nothing for a cut to do.
    func preTokenizers(
        after normalizers: [Normalizer]
    ) throws(TokenizerError) -> (steps: [PreTokenizer], isByteLevel: Bool) {
        let nodes = try Self.steps(preTokenizer, "pretokenizers")
        var steps: [PreTokenizer] = []
        var isByteLevel = false
        for node in nodes {
            guard !isByteLevel else {
                throw node.unsupported("a step after ByteLevel", "ByteLevel as the last step")
            }
            isByteLevel = try node.required("type").text() == "ByteLevel"
            steps += try Self.preTokenizer(node, after: normalizers)
        }
        return (steps, isByteLevel)
    }

    /// The steps from tokens to text.
    func decoders() throws(TokenizerError) -> [TokenDecoder] {
        try Self.steps(decoder, "decoders").flatMap(orThrow: Self.decoder)
    }

    /// What stands before and behind a text that is encoded on its own.
    func sequenceEnds() throws(TokenizerError) -> (start: [Int32], end: [Int32]) {
        var ends: (start: [Int32], end: [Int32]) = ([], [])
        for node in try Self.steps(postProcessor, "processors") {
            switch try node.required("type").text() {
            // It moves offsets, which are not kept here.
            case "ByteLevel": continue
            case "TemplateProcessing":
                let more = try Self.template(node)
                ends = (more.start + ends.start, ends.end + more.end)
            case let type:
                throw node.unsupported("'\(type)'", "TemplateProcessing, ByteLevel or a Sequence of them")
            }
        }
        return ends
    }

    /// The steps of a part: none, one, or those of a sequence.
    private static func steps(_ node: JSONNode, _ key: String) throws(TokenizerError) -> [JSONNode] {
        if node.isNull { return [] }
        guard try node.required("type").text() == "Sequence" else { return [node] }
        try node.requireKeys(["type", key])
        let steps = try node.required(key).elements()
        for step in steps where try step.required("type").text() == "Sequence" {
            throw step.unsupported("a Sequence in a Sequence", "single steps")
        }
        return steps
    }

    private static func normalizer(_ node: JSONNode) throws(TokenizerError) -> [Normalizer] {
        switch try node.required("type").text() {
        case "NFC":
            try node.requireKeys(["type"])
            return [.composed]
        case "Prepend":
            try node.requireKeys(["type", "prepend"])
            return [.prepend(Array(try node.required("prepend").text().utf8))]
        case "Replace":
            try node.requireKeys(["type", "pattern", "content"])
            let content = Array(try node.required("content").text().utf8)
            switch try pattern(node.required("pattern")) {
            case .text(let text): return [.replace(Array(text.utf8), with: content)]
            case .automaton(let automaton): return [.replacePattern(automaton, with: content)]
            }
        case "Precompiled":
            try node.requireKeys(["type", "precompiled_charsmap"])
            let text = try node.required("precompiled_charsmap")
            guard let data = Data(base64Encoded: try text.text()),
                let map = PrecompiledCharacterMap([UInt8](data))
            else {
                throw .malformed(
                    file: node.file,
                    field: text.field,
                    found: "something else",
                    expected: "a table of SentencePiece in base64"
                )
            }
            return [.precompiled(map)]
        case "Strip":
            try node.requireKeys(["type", "strip_left", "strip_right"])
            return [
                .strip(
                    left: try node.flag("strip_left", or: true),
                    right: try node.flag("strip_right", or: true)
                )
            ]
        case let type:
            throw node.unsupported(
                "'\(type)'",
                "NFC, Prepend, Replace, Precompiled, Strip or a Sequence of them"
            )
        }
    }

    private static func preTokenizer(
        _ node: JSONNode,
        after normalizers: [Normalizer]
    ) throws(TokenizerError) -> [PreTokenizer] {
        switch try node.required("type").text() {
        case "ByteLevel":
            try node.requireKeys(["type", "add_prefix_space", "trim_offsets", "use_regex"])
            var steps: [PreTokenizer] = try node.flag("add_prefix_space", or: true) ? [.prefixSpace] : []
            if try node.flag("use_regex", or: true) {
                steps.append(.split(try automaton(KnownPatterns.gpt2, node), .isolated, inverted: false))
            }
            return steps
        case "Digits":
            try node.requireKeys(["type", "individual_digits"])
            let pattern = try node.flag("individual_digits", or: false) ? "\\p{N}" : "\\p{N}+"
            return [.split(try automaton(pattern, node), .isolated, inverted: false)]
        case "Punctuation":
            try node.requireKeys(["type", "behavior"])
            let pattern = #"[\p{P}!-/:-@\[-`{-~]"#
            return [.split(try automaton(pattern, node), try behavior(node), inverted: false)]
        case "WhitespaceSplit":
            try node.requireKeys(["type"])
            return [.split(try automaton("\\s+", node), .removed, inverted: false)]
        case "Metaspace": return try metaspace(node)
        case "Split":
            try node.requireKeys(["type", "pattern", "behavior", "invert"])
            let behavior = try behavior(node)
            let inverted = try node.flag("invert", or: false)
            switch try pattern(node.required("pattern")) {
            case .automaton(let automaton): return [.split(automaton, behavior, inverted: inverted)]
            case .text(let text):
                // Where every occurrence has been replaced before, there is nothing to cut.
                let isGone = normalizers.contains {
                    guard case .replace(Array(text.utf8), let content) = $0 else { return false }
                    return Normalizer.replace(Array(text.utf8), with: [], in: content) == content
                }
                if isGone, !inverted { return [] }
                return [.split(try automaton(escaped(text), node), behavior, inverted: inverted)]
            }
        case let type:
            let known =
                "ByteLevel, Digits, Punctuation, WhitespaceSplit, Metaspace, Split or a Sequence of them"
            throw node.unsupported("'\(type)'", known)
        }
    }

    private static func metaspace(_ node: JSONNode) throws(TokenizerError) -> [PreTokenizer] {
        let (sign, prepending) = try metaspaceSettings(node)
        let step = PreTokenizer.metaspace(sign: Array(sign.utf8), prepending)
        guard try node.flag("split", or: true) else { return [step] }
        return [step, .split(try automaton(escaped(sign), node), .mergedWithNext, inverted: false)]
    }

    private static func metaspaceSettings(
        _ node: JSONNode
    ) throws(TokenizerError) -> (sign: String, PreTokenizer.Prepending) {
        try node.requireKeys([
            "type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep",
        ])
        let sign = try node.required("replacement").text()
        let scheme = try node.child("prepend_scheme")?.text()
        guard let prepending = PreTokenizer.Prepending(rawValue: scheme ?? "always"),
            sign.unicodeScalars.count == 1
        else {
            throw node.unsupported(
                "'\(sign)' with '\(scheme ?? "")'",
                "a character with first, never or always"
            )
        }
        guard try !node.flag("add_prefix_space", or: true) else { return (sign, prepending) }
        guard scheme == nil || prepending == .never else {
            throw node.unsupported("add_prefix_space false with '\(scheme ?? "")'", "prepend_scheme never")
        }
        return (sign, .never)
    }

    private static func decoder(_ node: JSONNode) throws(TokenizerError) -> [TokenDecoder] {
        switch try node.required("type").text() {
        case "ByteLevel": return [.byteLevel]
        case "ByteFallback": return [.byteFallback]
        case "Fuse": return [.fuse]
        case "Metaspace":
            let (sign, prepending) = try metaspaceSettings(node)
            return [.metaspace(sign: Array(sign.utf8), isPrepended: prepending != .never)]
        case "Replace":
            try node.requireKeys(["type", "pattern", "content"])
            guard case .text(let text) = try pattern(node.required("pattern")) else {
                throw node.unsupported("a Regex", "a String")
            }
            return [.replace(Array(text.utf8), with: Array(try node.required("content").text().utf8))]
        case "Strip":
            try node.requireKeys(["type", "content", "start", "stop"])
            let content = try node.required("content")
            let scalars = Array(try content.text().unicodeScalars)
            let start = try node.required("start").integer()
            let stop = try node.required("stop").integer()
            guard scalars.count == 1, (0...64).contains(start), (0...64).contains(stop) else {
                throw content.unsupported(content.value.kind, "one character, up to 64 times")
            }
            return [.strip(scalars[0], start: start, stop: stop)]
        case let type:
            let known = "ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip or a Sequence of them"
            throw node.unsupported("'\(type)'", known)
        }
    }

    private enum PatternText {
        case text(String)
        case automaton(PatternAutomaton)
    }

    private static func pattern(_ node: JSONNode) throws(TokenizerError) -> PatternText {
        if let text = try node.child("String") {
            let text = try text.text()
            guard !text.isEmpty else { throw node.unsupported("an empty text", "a text") }
            return .text(text)
        }
        let regex = try node.required("Regex")
        return .automaton(try automaton(regex.text(), regex))
    }

    private static func automaton(_ pattern: String, _ node: JSONNode) throws(TokenizerError)
        -> PatternAutomaton
    {
        do {
            return try PatternAutomaton(pattern)
        } catch {
            throw node.unsupported("\(error.construct) in the pattern", "a pattern without it")
        }
    }

    /// A pattern that matches a text.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map {
            $0.isASCII && $0.properties.generalCategory != .uppercaseLetter
                && !"abcdefghijklmnopqrstuvwxyz0123456789 ".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)"
        }.joined()
    }

    private static func behavior(_ node: JSONNode) throws(TokenizerError) -> PreTokenizer.Behavior {
        guard let text = try node.child("behavior")?.text() else { return .isolated }
        guard let behavior = PreTokenizer.Behavior(rawValue: text) else {
            throw node.unsupported(
                "behavior '\(text)'",
                "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous"
            )
        }
        return behavior
    }

    private static func template(_ node: JSONNode) throws(TokenizerError) -> (start: [Int32], end: [Int32]) {
        try node.requireKeys(["type", "single", "pair", "special_tokens"])
        let names = try node.required("special_tokens")
        var ends: (start: [Int32], end: [Int32]) = ([], [])
        var isBehind = false
        for part in try node.required("single").elements() {
            if let special = try part.child("SpecialToken") {
                for id in try names.required(special.required("id").text()).required("ids").elements() {
                    guard let number = Int32(exactly: try id.integer()), number >= 0 else {
                        throw id.fault("an id")
                    }
                    if isBehind { ends.end.append(number) } else { ends.start.append(number) }
                }
            } else {
                guard try part.required("Sequence").required("id").text() == "A", !isBehind else {
                    throw part.unsupported("another text", "the text A once")
                }
                isBehind = true
            }
        }
        return ends
    }
}

extension Array {
    /// The elements' results, joined.
    fileprivate func flatMap<Result>(
        orThrow transform: (Element) throws(TokenizerError) -> [Result]
    ) throws(TokenizerError) -> [Result] {
        var result: [Result] = []
        for element in self { result += try transform(element) }
        return result
    }
}
