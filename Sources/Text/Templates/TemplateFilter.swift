/// A filter, which stands behind `|`.
struct TemplateFilter: Sendable {
    /// What filters are.
    typealias Function =
        @Sendable (TemplateRenderer, TemplateValue, TemplateCall) throws(TemplateFault) ->
        TemplateValue

    /// Its name.
    let name: String
    /// What it makes of a value.
    let apply: Function

    /// Makes a filter.
    init(_ name: String, _ apply: @escaping Function) { (self.name, self.apply) = (name, apply) }

    /// A filter of a value's text alone.
    static func text(
        _ name: String,
        _ change: @escaping @Sendable (TemplateText) -> TemplateText
    ) -> TemplateFilter {
        TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
            _ = try arguments.bound(of: name, renderer)
            let text = try renderer.text(of: value)
            try renderer.spend(text.count)
            return .text(change(text))
        }
    }

    private static let all: [TemplateFilter] = ofTexts + ofNumbers + ofSequences + ofMappings

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// A filter by its name.
    static func named(_ name: String) -> TemplateFilter? { byName[name] }

    /// A filter that is not known: a template may name one where it is not reached.
    static func unknown(_ name: String) -> TemplateFilter {
        TemplateFilter(name) { renderer, _, _ throws(TemplateFault) in
            throw renderer.fault(.unsupported, "the filter '\(name)'", "one of \(known)")
        }
    }

    /// The names of all, for errors.
    static let known = all.map(\.name).sorted().joined(separator: ", ")

    // MARK: - Texts

    private static let ofTexts: [TemplateFilter] =
        [
            text("upper", TemplateMethods.uppered), text("lower", TemplateMethods.lowered),
            text("title", titled), text("string") { $0 },
            text("safe") { escaped($0) }, text("capitalize", TemplateMethods.capitalised),
        ] + ["e", "escape"].map { text($0, TemplateMethods.escaped) } + [
            TemplateFilter("trim") { renderer, value, arguments throws(TemplateFault) in
                let text = try renderer.text(of: value)
                try renderer.spend(text.count)
                let given = try arguments.bound(to: "chars", of: "trim", renderer)[0]
                guard let characters = try renderer.textArgument(given, of: "trim") else {
                    return .text(text.trimmed())
                }
                let set = Set(characters.scalars)
                return .text(text.trimmed(set.contains))
            },
            TemplateFilter("replace") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "old", "new", "count", of: "replace", renderer)
                guard let old = given[0], let new = given[1] else {
                    throw renderer.failed("'replace' without two texts", "old and new")
                }
                var text = try renderer.text(of: value)
                text.isEscaped = false
                return .text(
                    try TemplateTextMethods.replaced(
                        text,
                        renderer.text(of: old),
                        renderer.text(of: new),
                        limit: renderer.integerArgument(given[2], of: "replace") ?? -1,
                        renderer
                    )
                )
            },
            TemplateFilter("format") { renderer, value, arguments throws(TemplateFault) in
                guard arguments.named.isEmpty else {
                    throw renderer.fault(.unsupported, "'format' with names", "values by place")
                }
                let text = try renderer.text(of: value)
                return .text(try TemplateMethods.percent(renderer, text, .tuple(arguments.values)))
            },
            TemplateFilter("indent", indented), TemplateFilter("tojson", json),
        ]

    private static func escaped(_ text: TemplateText) -> TemplateText {
        var result = text
        result.isEscaped = true
        return result
    }

    /// Jinja's `title`: words begin behind white space, hyphens and opening brackets.
    private static func titled(_ text: TemplateText) -> TemplateText {
        var isStart = true
        return text.mapped { index, scalar -> [Unicode.Scalar] in
            let isBreak = scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar)
            defer { isStart = isBreak }
            if isStart { return Array(scalar.properties.uppercaseMapping.unicodeScalars) }
            return TemplateMethods.lowered(text, at: index)
        }
    }

    private static func indented(
        _ renderer: TemplateRenderer,
        _ value: TemplateValue,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        guard case .text(let text) = value else {
            throw renderer.failed("'indent' of \(value.described)", "a text")
        }
        let given = try arguments.bound(to: "width", "first", "blank", of: "indent", renderer)
        let width: TemplateText
        if case .text(let characters)? = given[0] {
            width = characters
        } else {
            width = try renderer.spaces(renderer.integerArgument(given[0], of: "indent") ?? 4)
        }
        let (first, blank) = (given[1]?.isTrue ?? false, given[2]?.isTrue ?? false)
        var whole = text
        whole.append("\n")
        var result = TemplateText()
        result.isEscaped = text.isEscaped
        for (index, line) in TemplateTextMethods.lines(of: whole).enumerated() {
            if index > 0 { result.append("\n") }
            if index == 0 ? first : blank || line.count > 0 { try renderer.append(width, to: &result) }
            try renderer.append(line, to: &result)
        }
        return .text(result)
    }

    private static func json(
        _ renderer: TemplateRenderer,
        _ value: TemplateValue,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        let names = try arguments.bound(
            to: "ensure_ascii",
            "indent",
            "separators",
            "sort_keys",
            of: "tojson",
            renderer
        )
        var json = TemplateJSON(itemSeparator: ", ")
        json.escapesUnicode = names[0]?.isTrue ?? false
        json.sortsKeys = names[3]?.isTrue ?? false
        if case .text(let text)? = names[1] {
            json.indent = text
        } else if let width = try renderer.integerArgument(names[1], of: "tojson") {
            json.indent = try renderer.spaces(width)
        }
        if json.indent != nil { json.itemSeparator = "," }
        switch names[2] {
        case nil, .some(.none): break
        case .list(let pair), .tuple(let pair):
            guard pair.count == 2, case .text(let item) = pair[0], case .text(let key) = pair[1] else {
                fallthrough
            }
            (json.itemSeparator, json.keySeparator) = (item, key)
        default: throw renderer.failed("the separators of 'tojson'", "two texts")
        }
        guard let text = json.text(of: value) else {
            throw renderer.failed("\(value.described), or what is in it, as JSON", "data with sortable keys")
        }
        try renderer.spend(text.count * 2)
        return .text(text)
    }

    // MARK: - Numbers and anything

    private static let ofNumbers: [TemplateFilter] =
        ["default", "d"].map { name in
            TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "default_value", "boolean", of: name, renderer)
                var isMissing = given[1]?.isTrue ?? false && !value.isTrue
                if case .undefined = value { isMissing = true }
                return isMissing ? given[0] ?? .string("") : value
            }
        } + [
            TemplateFilter("int") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "default", "base", of: "int", renderer)
                guard given[1] == nil || given[1] == .integer(10) else {
                    throw renderer.fault(.unsupported, "'int' with a base", "base 10")
                }
                if let integer = value.integer { return .integer(integer) }
                if case .undefined = value { throw renderer.failed("'int' of \(value.described)", "a value") }
                var number: Double?
                if case .text(let text) = value {
                    let trimmed = text.trimmed().string
                    if let integer = Int(trimmed.filter { $0 != "_" }) { return .integer(integer) }
                    number = TemplateFilter.number(trimmed)
                } else {
                    number = value.double
                }
                guard let number, number.isFinite else { return given[0] ?? .integer(0) }
                guard let integer = Int(exactly: number.rounded(.towardZero)) else {
                    throw renderer.fault(.unsupported, "an integer of more than 64 bits", "a smaller one")
                }
                return .integer(integer)
            },
            TemplateFilter("float") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "default", of: "float", renderer)
                if let number = value.double { return .number(number) }
                if case .undefined = value {
                    throw renderer.failed("'float' of \(value.described)", "a value")
                }
                guard case .text(let text) = value, let number = number(text.trimmed().string) else {
                    return given[0] ?? .number(0)
                }
                return .number(number)
            },
            TemplateFilter("abs") { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: "abs", renderer)
                if case .number(let number) = value { return .number(abs(number)) }
                guard let integer = value.integer, integer != .min else {
                    throw renderer.failed("'abs' of \(value.described)", "a number")
                }
                return .integer(abs(integer))
            },
            TemplateFilter("round") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "precision", "method", of: "round", renderer)
                let precision = try renderer.integerArgument(given[0], of: "round") ?? 0
                let method = try renderer.textArgument(given[1], of: "round")?.string ?? "common"
                let rules: [String: FloatingPointRoundingRule] = [
                    "common": .toNearestOrEven, "ceil": .up, "floor": .down,
                ]
                guard precision == 0, let rule = rules[method] else {
                    throw renderer.fault(.unsupported, "'round' to digits", "to whole numbers")
                }
                guard let number = value.double else {
                    throw renderer.failed("'round' of \(value.described)", "a number")
                }
                if value.integer != nil, method == "common" { return value }
                return .number(number.rounded(rule))
            },
            TemplateFilter("attr") { renderer, value, arguments throws(TemplateFault) in
                guard
                    let name = try renderer.textArgument(
                        arguments.bound(to: "name", of: "attr", renderer)[0],
                        of: "attr"
                    )
                else { throw renderer.failed("'attr' without a name", "a text") }
                if case .mapping = value, !TemplateMethods.has(name.string, value) {
                    return .undefined(name.string)
                }
                return try renderer.attribute(name.string, of: value)
            },
        ]

    /// A number as Python's `float` reads it.
    private static func number(_ text: String) -> Double? {
        guard !text.lowercased().hasPrefix("0x"), !text.isEmpty else { return nil }
        return Double(text.filter { $0 != "_" })
    }
}

extension TemplateRenderer {
    /// A text of spaces.
    func spaces(_ count: Int) throws(TemplateFault) -> TemplateText {
        guard count <= TemplateRenderer.charactersMax else { throw fault(.limit, "\(count) spaces", "fewer") }
        try spend(max(0, count))
        return TemplateText(String(repeating: " ", count: max(0, count)))
    }
}
