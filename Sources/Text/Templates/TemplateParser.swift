/// Reads a template's statements.
struct TemplateParser {
    /// How deeply statements and expressions may be nested.
    static let depthMax = 150

    private let tokens: [TemplateToken]
    private var index = 0
    /// How deeply what is read now is nested.
    var depth = 0
    private var loops = 0
    private var isApart = false

    /// The statements of a template.
    static func parse(_ template: String) throws(TemplateFault) -> [TemplateStatement] {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: template))
        return try parser.body(until: []).statements
    }

    private init(tokens: [TemplateToken]) { self.tokens = tokens }

    // MARK: - Tokens

    /// The token that is read next.
    var current: TemplateToken { tokens[min(index, tokens.count - 1)] }

    /// The token behind that.
    var following: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    /// Goes on by a token.
    mutating func next() { index += 1 }

    /// Goes over a token where it is there.
    mutating func skip(_ kind: TemplateToken.Kind) -> Bool {
        guard current.kind == kind else { return false }
        next()
        return true
    }

    /// Goes over a token that must be there.
    mutating func expect(_ kind: TemplateToken.Kind) throws(TemplateFault) {
        guard skip(kind) else {
            throw unexpected(TemplateToken(kind: kind, line: 0).description)
        }
    }

    /// A name that must be there.
    mutating func name() throws(TemplateFault) -> String {
        guard case .name(let name) = current.kind else { throw unexpected("a name") }
        next()
        return name
    }

    /// A fault about the token that is read next.
    func unexpected(_ expected: String) -> TemplateFault {
        TemplateFault(kind: .syntax, line: current.line, found: current.description, expected: expected)
    }

    /// A fault about something that is Jinja, but not known here.
    func unsupported(_ found: String, _ expected: String, line: Int? = nil) -> TemplateFault {
        TemplateFault(kind: .unsupported, line: line ?? current.line, found: found, expected: expected)
    }

    /// Reads what is nested by one more.
    mutating func nested<Value>(
        _ read: (inout TemplateParser) throws(TemplateFault) -> Value
    ) throws(TemplateFault) -> Value {
        depth += 1
        defer { depth -= 1 }
        guard depth <= TemplateParser.depthMax else {
            throw TemplateFault(
                kind: .limit,
                line: current.line,
                found: "deeper nesting than \(TemplateParser.depthMax)",
                expected: "less"
            )
        }
        return try read(&self)
    }

    // MARK: - Statements

    /// Statements up to one of some tags, which is gone over; with no tags up to the template's end.
    private mutating func body(
        until ends: [String]
    ) throws(TemplateFault) -> (statements: [TemplateStatement], end: String) {
        var statements: [TemplateStatement] = []
        while true {
            let token = current
            switch token.kind {
            case .data(let text):
                next()
                statements.append(TemplateStatement(kind: .text(text), line: token.line))
            case .outputStart:
                next()
                let value = try tuple()
                try expect(.outputEnd)
                statements.append(TemplateStatement(kind: .output(value), line: token.line))
            case .tagStart:
                next()
                let tag = try name()
                if ends.contains(tag) { return (statements, tag) }
                let made = try nested { parser throws(TemplateFault) in
                    try parser.statement(tag, token.line)
                }
                statements.append(contentsOf: made)
                try expect(.tagEnd)
            default:
                guard !ends.isEmpty else { return (statements, "") }
                throw unexpected("{% \(ends.joined(separator: " %} or {% ")) %}")
            }
        }
    }

    /// Statements up to the tag that ends them, behind the mark that closes the tag before.
    private mutating func block(
        until ends: String...
    ) throws(TemplateFault) -> (statements: [TemplateStatement], end: String) {
        _ = skip(.symbol(":"))
        try expect(.tagEnd)
        return try body(until: ends)
    }

    private mutating func statement(_ tag: String, _ line: Int) throws(TemplateFault) -> [TemplateStatement] {
        func made(_ kind: TemplateStatement.Kind) -> [TemplateStatement] {
            [TemplateStatement(kind: kind, line: line)]
        }
        switch tag {
        case "if": return made(try choice())
        case "for": return made(.loop(try loop()))
        case "set": return made(try assignment())
        case "macro":
            let name = try name()
            return made(.macro(try macro(name, until: "endmacro", parameters: parameters())))
        case "call":
            let parameters = current.kind == .symbol("(") ? try parameters() : []
            let called = try expression()
            guard case .call(let function, let arguments) = called.kind else {
                throw unexpected("a call of a macro")
            }
            return made(
                .call(try macro("caller", until: "endcall", parameters: parameters), function, arguments)
            )
        case "filter":
            let filters = try filters(startsInline: true)
            let body = try apart { parser throws(TemplateFault) in
                try parser.block(until: "endfilter").statements
            }
            return made(.filter(filters, body))
        case "with": return made(try with())
        case "generation":
            if isApart {
                throw unsupported("{% generation %} within a macro or the like", "one outside", line: line)
            }
            return made(
                .generation(
                    try apart { parser throws(TemplateFault) in
                        try parser.block(until: "endgeneration").statements
                    }
                )
            )
        case "print":
            var values: [TemplateStatement] = []
            while current.kind != .tagEnd {
                if !values.isEmpty { try expect(.symbol(",")) }
                values.append(TemplateStatement(kind: .output(try expression()), line: line))
            }
            return values
        case "break", "continue":
            guard loops > 0 else {
                throw TemplateFault(
                    kind: .syntax,
                    line: line,
                    found: "{% \(tag) %} outside of a loop",
                    expected: "one within {% for %}"
                )
            }
            return made(tag == "break" ? .breaking : .continuing)
        case _ where ["elif", "else"].contains(tag) || tag.hasPrefix("end"):
            throw TemplateFault(
                kind: .syntax,
                line: line,
                found: "{% \(tag) %}",
                expected: "it behind the tag that it belongs to"
            )
        default:
            throw unsupported(
                "{% \(tag) %}",
                "one of if, for, set, macro, call, filter, with, generation, print, raw, break, continue",
                line: line
            )
        }
    }

    private mutating func choice() throws(TemplateFault) -> TemplateStatement.Kind {
        var cases: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let condition = try tuple(withConditional: false)
            let (body, end) = try block(until: "elif", "else", "endif")
            cases.append((condition, body))
            if end == "elif" { continue }
            if end == "endif" { return .choice(cases, else: []) }
            return .choice(cases, else: try block(until: "endif").statements)
        }
    }

    private mutating func loop() throws(TemplateFault) -> TemplateLoopSyntax {
        let target = try target(until: "in")
        try expect(.name("in"))
        let items = try tuple(withConditional: false, until: "recursive")
        let condition = skip(.name("if")) ? try expression() : nil
        if current.kind == .name("recursive") { throw unsupported("a recursive loop", "one that is not") }
        loops += 1
        let (body, end) = try block(until: "endfor", "else")
        loops -= 1
        let otherwise = end == "else" ? try block(until: "endfor").statements : []
        return TemplateLoopSyntax(
            target: target,
            items: items,
            condition: condition,
            body: body,
            otherwise: otherwise
        )
    }

    private mutating func assignment() throws(TemplateFault) -> TemplateStatement.Kind {
        let target = try target(withNamespace: true)
        if skip(.symbol("=")) { return .assignment(target, try tuple()) }
        let filters = try filters(startsInline: false)
        let body = try apart { parser throws(TemplateFault) in
            try parser.block(until: "endset").statements
        }
        return .capture(target, filters, body)
    }

    private mutating func with() throws(TemplateFault) -> TemplateStatement.Kind {
        var values: [(target: TemplateTarget, value: TemplateExpression)] = []
        while current.kind != .tagEnd {
            if !values.isEmpty { try expect(.symbol(",")) }
            let target = try target()
            try expect(.symbol("="))
            values.append((target, try expression()))
        }
        return .with(values, try block(until: "endwith").statements)
    }

    private mutating func macro(
        _ name: String,
        until end: String,
        parameters: [(name: String, standard: TemplateExpression?)]
    ) throws(TemplateFault) -> TemplateMacroSyntax {
        let body = try apart { parser throws(TemplateFault) in
            _ = parser.skip(.symbol(":"))
            try parser.expect(.tagEnd)
            return try parser.body(until: [end]).statements
        }
        return TemplateMacroSyntax(name, parameters, body)
    }

    /// Reads what is written apart from the template's own text, so that no loop around it can be left from within.
    private mutating func apart<Value>(
        _ read: (inout TemplateParser) throws(TemplateFault) -> Value
    ) throws(TemplateFault) -> Value {
        let outer = (loops, isApart)
        (loops, isApart) = (0, true)
        defer { (loops, isApart) = outer }
        return try read(&self)
    }

    private mutating func parameters() throws(TemplateFault)
        -> [(name: String, standard: TemplateExpression?)]
    {
        var parameters: [(name: String, standard: TemplateExpression?)] = []
        try expect(.symbol("("))
        while current.kind != .symbol(")") {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let name = try name()
            let standard = skip(.symbol("=")) ? try expression() : nil
            if standard == nil, parameters.last?.standard != nil { throw unexpected("'='") }
            parameters.append((name, standard))
        }
        next()
        return parameters
    }

    /// What a value is put into: names, with commas between them, or an attribute of a namespace.
    private mutating func target(
        until end: String? = nil,
        withNamespace: Bool = false
    ) throws(TemplateFault) -> TemplateTarget {
        var (parts, isTuple) = ([TemplateTarget](), false)
        while true {
            if case .name(let name) = current.kind, name == end { break }
            if [.tagEnd, .symbol(")"), .symbol("=")].contains(current.kind) { break }
            if skip(.symbol("(")) {
                parts.append(try nested { parser throws(TemplateFault) in try parser.target() })
                try expect(.symbol(")"))
            } else {
                let name = try name()
                if ["true", "false", "none", "True", "False", "None"].contains(name) {
                    throw unexpected("a variable before it, not '\(name)'")
                }
                if withNamespace, skip(.symbol(".")) {
                    parts.append(.attribute(of: name, try self.name()))
                } else {
                    parts.append(.name(name))
                }
            }
            guard skip(.symbol(",")) else { break }
            isTuple = true
        }
        if isTuple { return .tuple(parts) }
        guard let only = parts.first else { throw unexpected("a variable") }
        return only
    }
}
