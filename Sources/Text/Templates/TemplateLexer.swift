/// A piece of a template's source.
struct TemplateToken {
    /// The kinds of tokens.
    enum Kind: Equatable {
        /// What is written as it stands.
        case data(TemplateText)
        case outputStart, outputEnd, tagStart, tagEnd
        case name(String)
        case text(TemplateText)
        case integer(Int)
        case number(Double)
        case symbol(String)
        case end
    }

    /// What it is.
    let kind: Kind
    /// Where it stands, from 1.
    let line: Int

    /// The token for people.
    var description: String {
        switch kind {
        case .data: "text"
        case .outputStart: "'{{'"
        case .outputEnd: "'}}'"
        case .tagStart: "'{%'"
        case .tagEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .text: "a string"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the template's end"
        }
    }
}

/// Cuts a template into tokens, with the white space rules that chat templates are written for: the line end behind a
/// tag is left out (`trim_blocks`), and so is white space between a line's start and a tag (`lstrip_blocks`).
struct TemplateLexer {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1
    /// Whether what was read last ended a line.
    private var startsLine = true
    private var tokens: [TemplateToken] = []

    /// The tokens of a template, ended by `.end`.
    static func tokens(of template: String) throws(TemplateFault) -> [TemplateToken] {
        var lexer = TemplateLexer(template)
        try lexer.root()
        lexer.add(.end)
        return lexer.tokens
    }

    private init(_ template: String) {
        var source = TemplateLexer.normalised(Array(template.unicodeScalars))
        if source.last == "\n" { source.removeLast() }
        self.source = source
    }

    private static func normalised(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard text.contains("\r") else { return text }
        var result: [Unicode.Scalar] = []
        for (index, scalar) in text.enumerated() {
            if scalar == "\n", index > 0, text[index - 1] == "\r" { continue }
            result.append(scalar == "\r" ? "\n" : scalar)
        }
        return result
    }

    // MARK: - Text and tags

    private mutating func root() throws(TemplateFault) {
        while position < source.count {
            guard let start = nextTag() else {
                add(text: source[position...], sign: "+")
                position = source.count
                return
            }
            let kind = source[start + 1]
            let sign: Unicode.Scalar? = peek(start + 2).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
            add(text: source[position..<start], sign: kind == "{" && sign == nil ? "+" : sign)
            advance(to: start + (sign == nil ? 2 : 3))
            switch kind {
            case "#": try comment()
            case "{": try code(.outputStart, .outputEnd, end: ["}", "}"])
            default:
                if let body = rawStart() {
                    try raw(from: body)
                } else {
                    try code(.tagStart, .tagEnd, end: ["%", "}"])
                }
            }
        }
    }

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == "{", ["%", "{", "#"].contains(source[index + 1]) { return index }
            index += 1
        }
        return nil
    }

    /// Adds what stands before a tag, less what the tag's sign and the rules leave out of it.
    private mutating func add(text: ArraySlice<Unicode.Scalar>, sign: Unicode.Scalar?) {
        var kept = text
        if sign == "-" {
            while let last = kept.last, last.isPythonSpace { kept.removeLast() }
        } else if sign == nil {
            let lineStart = kept.lastIndex(of: "\n").map { $0 + 1 } ?? kept.startIndex
            if lineStart > kept.startIndex || startsLine, kept[lineStart...].allSatisfy(\.isPythonSpace) {
                kept = kept[..<lineStart]
            }
        }
        guard !kept.isEmpty else { return }
        var data = TemplateText()
        data.append(kept)
        add(.data(data))
    }

    private mutating func comment() throws(TemplateFault) {
        let start = position
        while position + 1 < source.count {
            if source[position] == "#", source[position + 1] == "}" {
                let sign = position > start ? source[position - 1] : nil
                close(sign == "-" || sign == "+" ? sign : nil, trimsLine: true)
                return
            }
            step()
        }
        throw fault("a comment without an end", "'#}'")
    }

    /// Where the text behind `{% raw %}` starts.
    private func rawStart() -> Int? {
        guard var index = skip("raw", from: position) else { return nil }
        if has(["%", "}"], at: index) { return index + 2 }
        guard has(["-", "%", "}"], at: index) else { return nil }
        index += 3
        while let scalar = peek(index), scalar.isPythonSpace { index += 1 }
        return index
    }

    /// Behind a word with white space around it.
    private func skip(_ word: String, from start: Int) -> Int? {
        var index = start
        while let scalar = peek(index), scalar.isPythonSpace { index += 1 }
        guard has(Array(word.unicodeScalars), at: index) else { return nil }
        index += word.unicodeScalars.count
        while let scalar = peek(index), scalar.isPythonSpace { index += 1 }
        return index
    }

    private mutating func raw(from start: Int) throws(TemplateFault) {
        advance(to: start)
        startsLine = source[start - 1] == "\n"
        var index = start
        while index + 1 < source.count {
            if source[index] == "{", source[index + 1] == "%" {
                let sign: Unicode.Scalar? = peek(index + 2).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
                if let end = skip("endraw", from: index + (sign == nil ? 2 : 3)) {
                    let closing: Unicode.Scalar? = peek(end).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
                    if has(["%", "}"], at: end + (closing == nil ? 0 : 1)) {
                        add(text: source[start..<index], sign: sign)
                        advance(to: end + (closing == nil ? 0 : 1))
                        close(closing, trimsLine: true)
                        return
                    }
                }
            }
            index += 1
        }
        throw fault("a raw block without an end", "'{% endraw %}'")
    }

    /// Goes over a closing mark of two characters and the white space that belongs to it.
    private mutating func close(_ sign: Unicode.Scalar?, trimsLine: Bool) {
        advance(to: position + 2)
        startsLine = false
        if sign == "-" {
            while let scalar = peek(position), scalar.isPythonSpace {
                startsLine = scalar == "\n"
                step()
            }
        } else if trimsLine, sign == nil, peek(position) == "\n" {
            startsLine = true
            step()
        }
    }

    // MARK: - Code

    private mutating func code(
        _ opening: TemplateToken.Kind,
        _ closing: TemplateToken.Kind,
        end: [Unicode.Scalar]
    ) throws(TemplateFault) {
        add(opening)
        var brackets: [String] = []
        while let scalar = peek(position) {
            if brackets.isEmpty {
                let isTag = closing == .tagEnd
                var sign: Unicode.Scalar?
                if scalar == "-" || isTag && scalar == "+" { sign = scalar }
                if has(end, at: position + (sign == nil ? 0 : 1)) {
                    add(closing)
                    if sign != nil { step() }
                    close(sign, trimsLine: isTag)
                    return
                }
            }
            if scalar.isPythonSpace {
                step()
            } else if scalar.properties.isXIDStart || scalar == "_" {
                let start = position
                while let next = peek(position), next.properties.isXIDContinue { step() }
                add(.name(TemplateLexer.string(source[start..<position])))
            } else if ("0"..."9").contains(scalar) {
                try number()
            } else if scalar == "'" || scalar == "\"" {
                try text(quote: scalar)
            } else {
                try symbol(&brackets)
            }
        }
        throw fault("the template's end within a tag", "'\(closing == .tagEnd ? "%}" : "}}")'")
    }

    private mutating func symbol(_ brackets: inout [String]) throws(TemplateFault) {
        let two = ["//", "**", "==", "!=", ">=", "<="].first { has(Array($0.unicodeScalars), at: position) }
        let symbol = two ?? String(Character(source[position]))
        guard two != nil || "+-/*%~[](){}><=.:|,;".contains(symbol) else {
            throw fault("'\(symbol)'", "an expression")
        }
        switch symbol {
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "{": brackets.append("}")
        case ")", "]", "}":
            guard brackets.popLast() == symbol else { throw fault("'\(symbol)'", "brackets in pairs") }
        default: break
        }
        add(.symbol(symbol))
        advance(to: position + symbol.unicodeScalars.count)
    }

    private mutating func number() throws(TemplateFault) {
        let start = position
        let follows = start > 0 && source[start - 1] == "."
        func isDigit(_ index: Int) -> Bool { peek(index).map { ("0"..."9").contains($0) } ?? false }
        func digits(_ from: Int) -> Int {
            var index = from
            while isDigit(index) || peek(index) == "_" && isDigit(index + 1) { index += 1 }
            return index
        }
        var (end, isFloat) = (digits(start), false)
        if !follows {
            if peek(end) == ".", isDigit(end + 1) { (end, isFloat) = (digits(end + 1), true) }
            if let e = peek(end), e == "e" || e == "E" {
                let sign = peek(end + 1) == "+" || peek(end + 1) == "-" ? 1 : 0
                if isDigit(end + 1 + sign) { (end, isFloat) = (digits(end + 1 + sign), true) }
            }
        }
        let word = TemplateLexer.string(source[start..<end]).filter { $0 != "_" }
        if isFloat, let value = Double(word) {
            add(.number(value))
        } else if let value = Int(word), word == "0" || !word.hasPrefix("0") {
            add(.integer(value))
        } else {
            throw TemplateFault(
                kind: .unsupported,
                line: line,
                found: "the number \(word.prefix(40))",
                expected: "a decimal one of 64 bits"
            )
        }
        advance(to: end)
    }

    private mutating func text(quote: Unicode.Scalar) throws(TemplateFault) {
        let firstLine = line
        step()
        var value = TemplateText()
        while let scalar = peek(position), scalar != quote {
            step()
            guard scalar == "\\" else {
                value.append(CollectionOfOne(scalar))
                continue
            }
            guard let escaped = peek(position) else { break }
            step()
            try value.append(escape(escaped))
        }
        guard position < source.count else { throw fault("a string without an end", "'\(quote)'") }
        step()
        tokens.append(TemplateToken(kind: .text(value), line: firstLine))
    }

    /// The characters of an escape sequence, as Python's `unicode-escape` reads it.
    private mutating func escape(_ scalar: Unicode.Scalar) throws(TemplateFault) -> [Unicode.Scalar] {
        switch scalar {
        case "\n": return []
        case "\\", "'", "\"": return [scalar]
        case "n": return ["\n"]
        case "t": return ["\t"]
        case "r": return ["\r"]
        case "a": return ["\u{07}"]
        case "b": return ["\u{08}"]
        case "f": return ["\u{0C}"]
        case "v": return ["\u{0B}"]
        case "0"..."7":
            var code = scalar.value - 48
            for _ in 0..<2 {
                guard let next = peek(position), ("0"..."7").contains(next) else { break }
                code = code * 8 + next.value - 48
                step()
            }
            return Unicode.Scalar(code).map { [$0] } ?? []
        case "x", "u", "U":
            let width = scalar == "x" ? 2 : scalar == "u" ? 4 : 8
            let end = min(source.count, position + width)
            let digits = TemplateLexer.string(source[position..<end])
            guard digits.utf8.count == width, !digits.hasPrefix("+"), let code = UInt32(digits, radix: 16),
                let value = Unicode.Scalar(code)
            else { throw fault("the escape '\\\(scalar)\(digits)'", "a character's code") }
            advance(to: end)
            return [value]
        case "N": throw fault("the escape '\\N'", "a character or its code")
        default: return ["\\", scalar]
        }
    }

    // MARK: - Places

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private func peek(_ index: Int) -> Unicode.Scalar? { index < source.count ? source[index] : nil }

    private func has(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
        index + scalars.count <= source.count
            && source[index..<index + scalars.count].elementsEqual(scalars)
    }

    private mutating func step() {
        if source[position] == "\n" { line += 1 }
        position += 1
    }

    private mutating func advance(to index: Int) {
        while position < index { step() }
    }

    private mutating func add(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    private func fault(_ found: String, _ expected: String) -> TemplateFault {
        TemplateFault(kind: .syntax, line: line, found: found, expected: expected)
    }
}
