/// A call of a text's method.
struct TemplateTextMethods {
    let text: TemplateText
    let name: String
    let arguments: TemplateCall
    let renderer: TemplateRenderer

    /// What it returns.
    func call() throws(TemplateFault) -> TemplateValue {
        switch name {
        case "strip": return .text(try stripped(start: true, end: true))
        case "lstrip": return .text(try stripped(start: true, end: false))
        case "rstrip": return .text(try stripped(start: false, end: true))
        case "lower": return .text(TemplateMethods.lowered(text))
        case "upper": return .text(TemplateMethods.uppered(text))
        case "capitalize": return .text(TemplateMethods.capitalised(text))
        case "title": return .text(titled())
        case "split", "rsplit": return .list(try split().map(TemplateValue.text))
        case "splitlines": return .list(lines().map(TemplateValue.text))
        case "partition", "rpartition": return .tuple(try partition().map(TemplateValue.text))
        case "startswith", "endswith": return .boolean(try isBounded())
        case "find", "rfind", "index", "count": return .integer(try place())
        case "replace": return .text(try replaced())
        case "removeprefix", "removesuffix": return .text(try without())
        case "join":
            guard let values = try arguments.bound(to: "iterable", of: name, renderer)[0] else {
                throw renderer.failed("'join' of nothing", "a list of texts")
            }
            let items = try renderer.items(of: values)
            for item in items {
                guard case .text = item else { throw renderer.failed("'join' of \(item.described)", "texts") }
            }
            try requirePlain()
            return .text(try renderer.joined(items, with: text))
        case "zfill": return .text(try zeroFilled())
        case "format": return .text(try formatted())
        default: return .boolean(isAll())
        }
    }

    private func requirePlain() throws(TemplateFault) {
        guard !text.isEscaped else {
            throw renderer.fault(.unsupported, "'\(name)' of text that was escaped", "other text")
        }
    }

    private func required(_ value: TemplateValue?) throws(TemplateFault) -> TemplateText {
        guard let text = try renderer.textArgument(value, of: name) else {
            throw renderer.failed("'\(name)' without a text", "a text")
        }
        return text
    }

    private func stripped(start: Bool, end: Bool) throws(TemplateFault) -> TemplateText {
        let given = try arguments.bound(to: "chars", of: name, renderer)[0]
        guard let characters = try renderer.textArgument(given, of: name) else {
            return text.trimmed(start: start, end: end)
        }
        let set = Set(characters.scalars)
        return text.trimmed(start: start, end: end, set.contains)
    }

    private func titled() -> TemplateText {
        var isWithin = false
        return text.mapped { index, scalar -> [Unicode.Scalar] in
            defer { isWithin = scalar.properties.isCased }
            if isWithin { return TemplateMethods.lowered(text, at: index) }
            return Array(scalar.properties.titlecaseMapping.unicodeScalars)
        }
    }

    private func split() throws(TemplateFault) -> [TemplateText] {
        let given = try arguments.bound(to: "sep", "maxsplit", of: name, renderer)
        let limit = try renderer.integerArgument(given[1], of: name) ?? -1
        let parts: [TemplateText]
        let isFromEnd = name == "rsplit" && limit >= 0
        let whole = isFromEnd ? text[Array((0..<text.count).reversed())] : text
        if let separator = try renderer.textArgument(given[0], of: name) {
            guard separator.count > 0 else { throw renderer.failed("an empty separator", "a text") }
            let mark = isFromEnd ? separator.scalars.reversed() : separator.scalars
            parts = whole.split(at: mark, limit: limit < 0 ? .max : limit)
        } else {
            parts = whole.splitAtSpace(limit: limit < 0 ? .max : limit)
        }
        try renderer.spend(parts.count * 8)
        guard isFromEnd else { return parts }
        return parts.reversed().map { $0[Array((0..<$0.count).reversed())] }
    }

    /// The lines, at all that Python holds for their ends.
    private func lines() -> [TemplateText] {
        TemplateTextMethods.lines(of: text)
    }

    /// A text's lines without their ends.
    static func lines(of text: TemplateText) -> [TemplateText] {
        var (lines, start, index) = ([TemplateText](), 0, 0)
        while index < text.count {
            let scalar = text.scalars[index]
            index += 1
            switch scalar.value {
            case 10...13, 0x1C...0x1E, 0x85, 0x2028, 0x2029:
                lines.append(text[start..<index - 1])
                if scalar == "\r", index < text.count, text.scalars[index] == "\n" { index += 1 }
                start = index
            default: break
            }
        }
        if start < text.count { lines.append(text[start..<text.count]) }
        return lines
    }

    private func partition() throws(TemplateFault) -> [TemplateText] {
        let separator = try required(arguments.bound(to: "sep", of: name, renderer)[0])
        guard separator.count > 0 else { throw renderer.failed("an empty separator", "a text") }
        let isLast = name == "rpartition"
        let found = isLast ? text.lastIndex(of: separator.scalars) : text.firstIndex(of: separator.scalars)
        guard let found else {
            return isLast ? [TemplateText(), TemplateText(), text] : [text, TemplateText(), TemplateText()]
        }
        return [text[0..<found], separator, text[found + separator.count..<text.count]]
    }

    private func isBounded() throws(TemplateFault) -> Bool {
        let given = try arguments.bound(to: "affix", of: name, renderer)[0]
        var affixes: [TemplateText] = []
        if case .tuple(let items)? = given {
            for item in items { affixes.append(try required(item)) }
        } else {
            affixes = [try required(given)]
        }
        return affixes.contains {
            text.has($0.scalars, at: name == "startswith" ? 0 : text.count - $0.count)
        }
    }

    private func place() throws(TemplateFault) -> Int {
        let part = try required(arguments.bound(to: "sub", of: name, renderer)[0]).scalars
        if name == "count" {
            return part.isEmpty ? text.count + 1 : text.split(at: part).count - 1
        }
        let found = name == "rfind" ? text.lastIndex(of: part) : text.firstIndex(of: part)
        if name == "index", found == nil {
            throw renderer.failed("'index' of a text not there", "one that is")
        }
        return found ?? -1
    }

    private func replaced() throws(TemplateFault) -> TemplateText {
        let given = try arguments.bound(to: "old", "new", "count", of: name, renderer)
        try requirePlain()
        let limit = try renderer.integerArgument(given[2], of: name) ?? -1
        return try TemplateTextMethods.replaced(
            text,
            required(given[0]),
            required(given[1]),
            limit: limit,
            renderer
        )
    }

    /// A text with another in place of a third, at most `limit` times; below 0 everywhere.
    static func replaced(
        _ text: TemplateText,
        _ old: TemplateText,
        _ new: TemplateText,
        limit: Int,
        _ renderer: TemplateRenderer
    ) throws(TemplateFault) -> TemplateText {
        let limit = limit < 0 ? Int.max : limit
        if old.count > 0 {
            let parts = text.split(at: old.scalars, limit: limit)
            return try renderer.joined(parts.map(TemplateValue.text), with: new)
        }
        // Before every character and at the end.
        var result = TemplateText()
        for index in 0...text.count {
            if index < limit { try renderer.append(new, to: &result) }
            if index < text.count { try renderer.append(text[index..<index + 1], to: &result) }
        }
        return result
    }

    private func without() throws(TemplateFault) -> TemplateText {
        let affix = try required(arguments.bound(to: "affix", of: name, renderer)[0])
        if name == "removeprefix" {
            return text.has(affix.scalars, at: 0) ? text[affix.count..<text.count] : text
        }
        let start = text.count - affix.count
        return affix.count > 0 && text.has(affix.scalars, at: start) ? text[0..<start] : text
    }

    private func zeroFilled() throws(TemplateFault) -> TemplateText {
        let given = try arguments.bound(to: "width", of: name, renderer)[0]
        let missing = (try renderer.integerArgument(given, of: name) ?? 0).subtractingReportingOverflow(
            text.count
        )
        guard !missing.overflow, missing.partialValue > 0 else { return text }
        guard missing.partialValue <= TemplateRenderer.charactersMax else {
            throw renderer.fault(.limit, "a text of that width", "a shorter one")
        }
        let sign = text.scalars.first == "-" || text.scalars.first == "+" ? 1 : 0
        var result = text[0..<sign]
        let zeros = TemplateText(String(repeating: "0", count: missing.partialValue))
        try renderer.append(zeros, to: &result)
        try renderer.append(text[sign..<text.count], to: &result)
        return result
    }

    /// `"{} {0} {name}".format(…)`, without format specifications.
    private func formatted() throws(TemplateFault) -> TemplateText {
        try requirePlain()
        var (result, index, next) = (TemplateText(), 0, 0)
        while index < text.count {
            let scalar = text.scalars[index]
            let isDouble = index + 1 < text.count && text.scalars[index + 1] == scalar
            if scalar != "{" && scalar != "}" || isDouble {
                try renderer.append(text[index..<index + 1], to: &result)
                index += scalar == "{" || scalar == "}" ? 2 : 1
                continue
            }
            guard scalar == "{", let end = text.firstIndex(of: ["}"], from: index) else {
                throw renderer.failed("a format with one brace", "braces in pairs")
            }
            let field = text[index + 1..<end].string
            index = end + 1
            let value: TemplateValue?
            if field.isEmpty {
                value = next < arguments.values.count ? arguments.values[next] : nil
                next += 1
            } else if let place = Int(field) {
                value = arguments.values.indices.contains(place) ? arguments.values[place] : nil
            } else if field.utf8.allSatisfy({ 97...122 ~= $0 | 32 || 48...57 ~= $0 || $0 == 95 }) {
                value = arguments.named.first { $0.name == field }?.value
            } else {
                throw renderer.fault(.unsupported, "the format field '{\(field)}'", "a place or a name alone")
            }
            guard let value else { throw renderer.failed("the format field '{\(field)}'", "a value for it") }
            try renderer.append(renderer.text(of: value), to: &result)
        }
        return result
    }

    private func isAll() -> Bool {
        guard text.count > 0 else { return false }
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
            default: false
            }
        }
        func isDigit(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
        }
        switch name {
        case "isdigit": return text.scalars.allSatisfy(isDigit)
        case "isalpha": return text.scalars.allSatisfy(isLetter)
        case "isalnum":
            return text.scalars.allSatisfy { isLetter($0) || $0.properties.numericType != nil }
        case "isspace": return text.scalars.allSatisfy(\.isPythonSpace)
        case "isupper": return TemplateMethods.hasCase(text, isUpper: true)
        default: return TemplateMethods.hasCase(text, isUpper: false)
        }
    }
}
