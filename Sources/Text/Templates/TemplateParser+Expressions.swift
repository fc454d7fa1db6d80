extension TemplateParser {
    /// An expression, or several with commas between them.
    mutating func tuple(
        withConditional: Bool = true,
        until end: String? = nil,
        inParentheses: Bool = false
    ) throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        var (items, isTuple) = ([TemplateExpression](), false)
        while true {
            if [.outputEnd, .tagEnd, .symbol(")")].contains(current.kind) { break }
            if case .name(let name) = current.kind, name == end { break }
            items.append(try withConditional ? expression() : disjunction())
            guard skip(.symbol(",")) else { break }
            isTuple = true
        }
        if !isTuple {
            if let only = items.first { return only }
            guard inParentheses else { throw unexpected("an expression") }
        }
        return try make(.tuple(items), line, items)
    }

    /// An expression.
    mutating func expression() throws(TemplateFault) -> TemplateExpression {
        try nested { parser throws(TemplateFault) in
            let line = parser.current.line
            var value = try parser.disjunction()
            while parser.skip(.name("if")) {
                let condition = try parser.disjunction()
                let otherwise = parser.skip(.name("else")) ? try parser.expression() : nil
                let parts = [value, condition] + (otherwise.map { [$0] } ?? [])
                value = try parser.make(.conditional(value, if: condition, else: otherwise), line, parts)
            }
            return value
        }
    }

    private mutating func disjunction() throws(TemplateFault) -> TemplateExpression {
        var left = try conjunction()
        while current.kind == .name("or") {
            let line = current.line
            next()
            let right = try conjunction()
            left = try make(.or(left, right), line, [left, right])
        }
        return left
    }

    private mutating func conjunction() throws(TemplateFault) -> TemplateExpression {
        var left = try negation()
        while current.kind == .name("and") {
            let line = current.line
            next()
            let right = try negation()
            left = try make(.and(left, right), line, [left, right])
        }
        return left
    }

    private mutating func negation() throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        guard skip(.name("not")) else { return try comparison() }
        let value = try nested { parser throws(TemplateFault) in try parser.negation() }
        return try make(.not(value), line, [value])
    }

    private static let comparisons: [String: TemplateOperator] = [
        "==": .equal, "!=": .unequal, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]

    private mutating func comparison() throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        let first = try sum()
        var rest: [(TemplateOperator, TemplateExpression)] = []
        while true {
            if case .symbol(let symbol) = current.kind, let compared = TemplateParser.comparisons[symbol] {
                next()
                rest.append((compared, try sum()))
            } else if skip(.name("in")) {
                rest.append((.contained, try sum()))
            } else if current.kind == .name("not"), following.kind == .name("in") {
                next()
                next()
                rest.append((.notContained, try sum()))
            } else {
                return rest.isEmpty
                    ? first : try make(.comparison(first, rest), line, [first] + rest.map(\.1))
            }
        }
    }

    private mutating func sum() throws(TemplateFault) -> TemplateExpression {
        try chain(["+": .plus, "-": .minus]) { parser throws(TemplateFault) in try parser.concatenation() }
    }

    private mutating func concatenation() throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        var parts = [try product()]
        while skip(.symbol("~")) { parts.append(try product()) }
        return parts.count == 1 ? parts[0] : try make(.concatenation(parts), line, parts)
    }

    private mutating func product() throws(TemplateFault) -> TemplateExpression {
        try chain(["*": .times, "/": .divided, "//": .floorDivided, "%": .remainder]) {
            parser throws(TemplateFault) in
            try parser.chain(["**": .power]) { parser throws(TemplateFault) in try parser.unary() }
        }
    }

    private mutating func chain(
        _ operators: [String: TemplateOperator],
        _ part: (inout TemplateParser) throws(TemplateFault) -> TemplateExpression
    ) throws(TemplateFault) -> TemplateExpression {
        var left = try part(&self)
        while case .symbol(let symbol) = current.kind, let sign = operators[symbol] {
            let line = current.line
            next()
            let right = try part(&self)
            left = try make(.arithmetic(left, sign, right), line, [left, right])
        }
        return left
    }

    private mutating func unary(withFilters: Bool = true) throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        var value: TemplateExpression
        if skip(.symbol("-")) {
            let inner = try nested { parser throws(TemplateFault) in try parser.unary(withFilters: false) }
            value = try make(.negative(inner), line, [inner])
        } else if skip(.symbol("+")) {
            let inner = try nested { parser throws(TemplateFault) in try parser.unary(withFilters: false) }
            value = try make(.positive(inner), line, [inner])
        } else {
            value = try primary()
        }
        value = try postfix(value)
        while withFilters {
            if current.kind == .symbol("|") {
                for use in try filters(startsInline: false) {
                    let parts = [value] + use.arguments.expressions
                    value = try make(.filter(use.filter, value, use.arguments), use.line, parts)
                }
            } else if current.kind == .name("is") {
                value = try test(value)
            } else if current.kind == .symbol("(") {
                value = try call(value)
            } else {
                break
            }
        }
        return value
    }

    private mutating func primary() throws(TemplateFault) -> TemplateExpression {
        let token = current
        next()
        switch token.kind {
        case .name(let name):
            switch name {
            case "true", "True": return try make(.boolean(true), token.line)
            case "false", "False": return try make(.boolean(false), token.line)
            case "none", "None": return try make(.none, token.line)
            default: return try make(.name(name), token.line)
            }
        case .text(var value):
            while case .text(let more) = current.kind {
                value.append(more)
                next()
            }
            return try make(.text(value), token.line)
        case .integer(let value): return try make(.integer(value), token.line)
        case .number(let value): return try make(.number(value), token.line)
        case .symbol("("):
            let value = try nested { parser throws(TemplateFault) in try parser.tuple(inParentheses: true) }
            try expect(.symbol(")"))
            return value
        case .symbol("["):
            let items = try items(until: "]") { parser throws(TemplateFault) in try parser.expression() }
            return try make(.list(items), token.line, items)
        case .symbol("{"):
            let pairs = try items(until: "}") { parser throws(TemplateFault) in
                let key = try parser.expression()
                try parser.expect(.symbol(":"))
                return (key: key, value: try parser.expression())
            }
            return try make(.mapping(pairs), token.line, pairs.flatMap { [$0.key, $0.value] })
        default:
            throw TemplateFault(
                kind: .syntax,
                line: token.line,
                found: token.description,
                expected: "an expression"
            )
        }
    }

    private mutating func items<Item>(
        until end: String,
        _ item: (inout TemplateParser) throws(TemplateFault) -> Item
    ) throws(TemplateFault) -> [Item] {
        var items: [Item] = []
        while current.kind != .symbol(end) {
            if !items.isEmpty { try expect(.symbol(",")) }
            if current.kind == .symbol(end) { break }
            items.append(try item(&self))
        }
        next()
        return items
    }

    private mutating func postfix(_ start: TemplateExpression) throws(TemplateFault) -> TemplateExpression {
        var value = start
        while true {
            let line = current.line
            if skip(.symbol(".")) {
                if case .integer(let number) = current.kind {
                    next()
                    let index = try make(.integer(number), line)
                    value = try make(.item(value, index), line, [value])
                } else {
                    value = try make(.attribute(value, try name()), line, [value])
                }
            } else if skip(.symbol("[")) {
                value = try subscripted(value, line)
            } else if current.kind == .symbol("(") {
                value = try call(value)
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression,
        _ line: Int
    ) throws(TemplateFault) -> TemplateExpression {
        var parts: [TemplateExpression?] = [nil]
        while current.kind != .symbol("]") {
            if skip(.symbol(":")) {
                guard parts.count < 3 else { throw unexpected("']'") }
                parts.append(nil)
            } else if current.kind == .symbol(",") {
                throw unsupported("a subscript of several", "one index or slice")
            } else {
                guard parts[parts.count - 1] == nil else { throw unexpected("']'") }
                parts[parts.count - 1] = try expression()
            }
        }
        next()
        let given = parts.compactMap { $0 }
        if parts.count == 1 {
            guard let index = given.first else { throw unexpected("an index before it") }
            return try make(.item(value, index), line, [value, index])
        }
        let slice = TemplateExpression.Kind.slice(
            value,
            from: parts[0],
            to: parts[1],
            by: parts.count > 2 ? parts[2] : nil
        )
        return try make(slice, line, [value] + given)
    }

    private mutating func call(_ function: TemplateExpression) throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        let arguments = try arguments()
        return try make(.call(function, arguments), line, [function] + arguments.expressions)
    }

    private mutating func arguments() throws(TemplateFault) -> TemplateArguments {
        var result = TemplateArguments()
        try expect(.symbol("("))
        while current.kind != .symbol(")") {
            if !result.values.isEmpty || !result.named.isEmpty {
                try expect(.symbol(","))
                if current.kind == .symbol(")") { break }
            }
            if current.kind == .symbol("*") || current.kind == .symbol("**") {
                throw unsupported("an argument with \(current.description)", "arguments one by one")
            }
            if case .name(let name) = current.kind, following.kind == .symbol("=") {
                next()
                next()
                result.named.append((name, try expression()))
            } else {
                guard result.named.isEmpty else { throw unexpected("an argument by name") }
                result.values.append(try expression())
            }
        }
        next()
        return result
    }

    /// Filters one behind the other; the first without its bar where they start inline.
    mutating func filters(startsInline: Bool) throws(TemplateFault) -> [TemplateFilterUse] {
        var (uses, inline) = ([TemplateFilterUse](), startsInline)
        while inline || current.kind == .symbol("|") {
            if !inline { next() }
            inline = false
            let line = current.line
            let name = try dottedName()
            let filter = TemplateFilter.named(name) ?? .unknown(name)
            let arguments = current.kind == .symbol("(") ? try arguments() : TemplateArguments()
            uses.append(TemplateFilterUse(filter: filter, arguments: arguments, line: line))
        }
        return uses
    }

    private mutating func test(_ value: TemplateExpression) throws(TemplateFault) -> TemplateExpression {
        let line = current.line
        next()
        let isNegated = skip(.name("not"))
        let name = try dottedName()
        let test = TemplateTest.named(name) ?? .unknown(name)
        var arguments = TemplateArguments()
        switch current.kind {
        case .symbol("("): arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw unexpected("one test at a time")
        case .name, .text, .integer, .number, .symbol("["), .symbol("{"):
            arguments.values = [try postfix(try primary())]
        default: break
        }
        let made = try make(.test(test, value, arguments), line, [value] + arguments.expressions)
        return isNegated ? try make(.not(made), line, [made]) : made
    }

    private mutating func dottedName() throws(TemplateFault) -> String {
        var name = try name()
        while skip(.symbol(".")) { name += "." + (try self.name()) }
        return name
    }

    /// An expression over others, which may be nested only so deeply.
    private func make(
        _ kind: TemplateExpression.Kind,
        _ line: Int,
        _ parts: [TemplateExpression] = []
    ) throws(TemplateFault) -> TemplateExpression {
        let height = 1 + (parts.lazy.map(\.height).max() ?? 0)
        guard height <= TemplateParser.depthMax else {
            throw TemplateFault(
                kind: .limit,
                line: line,
                found: "an expression of more than \(TemplateParser.depthMax) steps",
                expected: "a shorter one"
            )
        }
        return TemplateExpression(kind: kind, line: line, height: height)
    }
}

extension TemplateArguments {
    /// What all the arguments are.
    fileprivate var expressions: [TemplateExpression] { values + named.map(\.value) }
}
