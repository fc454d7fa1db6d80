/// The methods of texts, mappings and the like, as Python has them, as far as they change nothing.
enum TemplateMethods {
    private static let ofTexts: Set<String> = [
        "capitalize", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isdigit",
        "islower",
        "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
        "replace",
        "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title",
        "upper", "zfill",
    ]
    private static let unknownOfTexts: Set<String> = [
        "casefold", "center", "encode", "expandtabs", "format_map", "isascii", "isdecimal", "isidentifier",
        "isnumeric", "isprintable", "istitle", "ljust", "maketrans", "rindex", "rjust", "swapcase",
        "translate",
    ]
    private static let ofMappings: Set<String> = ["get", "items", "keys", "values", "copy"]
    private static let changing: [String: Set<String>] = [
        "dict": ["clear", "fromkeys", "pop", "popitem", "setdefault", "update"],
        "list": ["append", "clear", "copy", "extend", "insert", "pop", "remove", "reverse", "sort"],
    ]

    /// Whether a value has a method, one that is refused when it is called included.
    static func has(_ name: String, _ value: TemplateValue) -> Bool {
        switch value {
        case .text: ofTexts.contains(name) || unknownOfTexts.contains(name)
        case .mapping: ofMappings.contains(name) || changing["dict"]?.contains(name) ?? false
        case .list: ["count", "index"].contains(name) || changing["list"]?.contains(name) ?? false
        case .tuple: ["count", "index"].contains(name)
        case .function(.dictionary): name == "fromkeys"
        default: false
        }
    }

    /// What a method returns.
    static func call(
        _ renderer: TemplateRenderer,
        _ name: String,
        _ receiver: TemplateValue,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        switch receiver {
        case .text(let text) where ofTexts.contains(name):
            try renderer.spend(text.count)
            return try TemplateTextMethods(text: text, name: name, arguments: arguments, renderer: renderer)
                .call()
        case .mapping(let mapping) where ofMappings.contains(name):
            try renderer.spend(mapping.count)
            return try call(renderer, name, mapping, arguments)
        case .list(let items) where ["count", "index"].contains(name), .tuple(let items):
            guard let value = try arguments.bound(to: "value", of: name, renderer)[0] else {
                throw renderer.failed("'\(name)' without a value", "a value")
            }
            try renderer.spend(items.count)
            if name == "count" { return .integer(items.count { $0 == value }) }
            guard let index = items.firstIndex(of: value) else {
                throw renderer.failed("'index' of a value that is not there", "one of the list's")
            }
            return .integer(index)
        case .loop(let loop): return try call(renderer, name, loop, arguments)
        default:
            throw renderer.fault(
                .unsupported,
                "the method '\(name)' of \(receiver.described)",
                "one that changes nothing and is known"
            )
        }
    }

    private static func call(
        _ renderer: TemplateRenderer,
        _ name: String,
        _ mapping: TemplateMapping,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        switch name {
        case "get":
            let given = try arguments.bound(to: "key", "default", of: name, renderer)
            guard let value = given[0], let key = TemplateMapping.Key(value) else {
                throw renderer.failed("'get' of \(given[0]?.described ?? "nothing")", "a text or a number")
            }
            return mapping[key] ?? given[1] ?? .none
        case "items": return .iterator(TemplateIterator(.items, mapping.items))
        case "keys": return .iterator(TemplateIterator(.keys, mapping.keys))
        case "values": return .iterator(TemplateIterator(.values, mapping.values))
        default: return .mapping(mapping)
        }
    }

    private static func call(
        _ renderer: TemplateRenderer,
        _ name: String,
        _ loop: TemplateLoop,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        if name == "changed" {
            defer { loop.seen = arguments.values }
            return .boolean(loop.seen != arguments.values)
        }
        guard !arguments.values.isEmpty else { throw renderer.failed("'cycle' of nothing", "values") }
        return arguments.values[loop.index % arguments.values.count]
    }

    // MARK: - Texts

    /// A text escaped for HTML.
    static func escaped(_ text: TemplateText) -> TemplateText {
        guard !text.isEscaped else { return text }
        var result = text.mapped { _, scalar -> [Unicode.Scalar] in
            switch scalar {
            case "&": Array("&amp;".unicodeScalars)
            case "<": Array("&lt;".unicodeScalars)
            case ">": Array("&gt;".unicodeScalars)
            case "'": Array("&#39;".unicodeScalars)
            case "\"": Array("&#34;".unicodeScalars)
            default: [scalar]
            }
        }
        result.isEscaped = true
        return result
    }

    /// Python's `lower`, with the other small sigma at a word's end.
    static func lowered(_ text: TemplateText) -> TemplateText {
        text.mapped { index, _ in lowered(text, at: index) }
    }

    /// A text's character in small letters.
    static func lowered(_ text: TemplateText, at index: Int) -> [Unicode.Scalar] {
        let scalar = text.scalars[index]
        guard scalar == "\u{3A3}" else { return Array(scalar.properties.lowercaseMapping.unicodeScalars) }
        let before = text.scalars[..<index].last { !$0.properties.isCaseIgnorable }
        let after = text.scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal = before?.properties.isCased ?? false && !(after?.properties.isCased ?? false)
        return [isFinal ? "\u{3C2}" : "\u{3C3}"]
    }

    /// Python's `capitalize`.
    static func capitalised(_ text: TemplateText) -> TemplateText {
        text.mapped { index, scalar -> [Unicode.Scalar] in
            index == 0 ? Array(scalar.properties.titlecaseMapping.unicodeScalars) : lowered(text, at: index)
        }
    }

    /// Python's `upper`.
    static func uppered(_ text: TemplateText) -> TemplateText {
        text.mapped { _, scalar in scalar.properties.uppercaseMapping.unicodeScalars }
    }

    /// Whether all letters that have a case have that one, and there are some.
    static func hasCase(_ text: TemplateText, isUpper: Bool) -> Bool {
        var isThere = false
        for scalar in text.scalars {
            let properties = scalar.properties
            let (isLower, isCapital) = (properties.isLowercase, properties.isUppercase)
            if isUpper ? isLower : isCapital || properties.generalCategory == .titlecaseLetter {
                return false
            }
            if isUpper ? isCapital : isLower { isThere = true }
        }
        return isThere
    }

    /// Python's `text % values`, for `%s`, `%d` and `%%`.
    static func percent(
        _ renderer: TemplateRenderer,
        _ text: TemplateText,
        _ value: TemplateValue
    ) throws(TemplateFault) -> TemplateText {
        var values: [TemplateValue]
        if case .tuple(let items) = value { values = items } else { values = [value] }
        guard !text.isEscaped else { throw renderer.fault(.unsupported, "'%' of escaped text", "other text") }
        let given = values.count
        var (result, index) = (TemplateText(), 0)
        while index < text.count {
            guard text.scalars[index] == "%" else {
                try renderer.append(text[index..<index + 1], to: &result)
                index += 1
                continue
            }
            let letter = index + 1 < text.count ? text.scalars[index + 1] : " "
            index += 2
            if letter == "%" {
                result.append("%")
                continue
            }
            guard letter == "s" || letter == "d" || letter == "i" else {
                throw renderer.fault(.unsupported, "the format '%\(letter)'", "%s, %d or %%")
            }
            guard !values.isEmpty else { throw renderer.failed("\(given) values for a format", "more") }
            var next = values.removeFirst()
            if letter != "s" {
                guard
                    let number = next.integer
                        ?? next.double.flatMap({ Int(exactly: $0.rounded(.towardZero)) })
                else { throw renderer.failed("\(next.described) for '%\(letter)'", "a number") }
                next = .integer(number)
            }
            try renderer.append(renderer.text(of: next), to: &result)
        }
        guard values.isEmpty else { throw renderer.failed("\(given) values for a format", "fewer") }
        return result
    }
}
