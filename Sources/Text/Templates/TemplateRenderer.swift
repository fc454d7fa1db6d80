/// Writes a template's text: the statements, and the limits that a template from anywhere has to keep.
final class TemplateRenderer {
    /// What may be spent on one rendering: a unit is a character that is copied; a step of the template is 16.
    static let workMax = 1 << 26
    /// How deeply what is carried out may be nested, macros included.
    static let depthMax = 400
    /// How deeply a value may be nested.
    static let nestingMax = 100
    /// How long a text may become.
    static let charactersMax = 1 << 24

    /// What `strftime_now` takes for now.
    let date: TemplateDate
    /// The line of what is carried out.
    var line = 1
    private let workMax: Int
    private var work = 0
    private var depth = 0
    /// Those that a macro is kept in, which keeps them.
    private var macroScopes: [TemplateScope] = []
    /// Where in the text a model writes.
    private var generations: [Range<Int>] = []

    private enum Flow { case onward, breaking, continuing }

    init(date: TemplateDate, workMax: Int = TemplateRenderer.workMax) {
        (self.date, self.workMax) = (date, workMax)
    }

    /// Renders statements.
    ///
    /// - Parameters:
    ///   - statements: The template.
    ///   - variables: What it may use.
    /// - Returns: The text, and the ranges of its characters that are within `{% generation %}`.
    func render(
        _ statements: [TemplateStatement],
        _ variables: [String: TemplateValue]
    ) throws(TemplateFault) -> (text: TemplateText, generations: [Range<Int>]) {
        let globals = TemplateScope(in: nil)
        globals.values = [
            "namespace": .function(.namespace), "dict": .function(.dictionary), "range": .function(.range),
            "raise_exception": .function(.raiseException), "strftime_now": .function(.formatDate),
        ]
        globals.values.merge(variables) { _, given in given }
        let scope = TemplateScope(in: globals)
        defer { for scope in macroScopes { scope.values = [:] } }
        var output = TemplateText()
        _ = try run(statements, scope, &output)
        return (output, generations)
    }

    // MARK: - Limits and faults

    /// Pays for something.
    func spend(_ units: Int) throws(TemplateFault) {
        work += units
        guard work <= workMax else {
            throw fault(.limit, "more work than a chat template may be", "an end of it")
        }
    }

    /// Adds to a text, as far as texts may grow.
    func append(_ more: TemplateText, to text: inout TemplateText) throws(TemplateFault) {
        try spend(more.count)
        guard text.count + more.count <= TemplateRenderer.charactersMax else {
            throw fault(
                .limit,
                "a text of more than \(TemplateRenderer.charactersMax) characters",
                "a shorter one"
            )
        }
        text.append(more)
    }

    /// A fault in the line that is carried out.
    func fault(_ kind: TemplateFault.Kind, _ found: String, _ expected: String) -> TemplateFault {
        TemplateFault(kind: kind, line: line, found: found, expected: expected)
    }

    /// A fault of a value that does not fit.
    func failed(_ found: String, _ expected: String) -> TemplateFault { fault(.failed, found, expected) }

    /// Carries out what is nested by one more.
    func nested<Value>(_ run: () throws(TemplateFault) -> Value) throws(TemplateFault) -> Value {
        depth += 1
        defer { depth -= 1 }
        guard depth <= TemplateRenderer.depthMax else {
            throw fault(.limit, "deeper nesting than \(TemplateRenderer.depthMax)", "less")
        }
        try spend(16)
        return try run()
    }

    /// How deeply a value is nested, and whether it is data alone; pays for looking.
    private func nesting(_ value: TemplateValue, _ depth: Int) throws(TemplateFault) -> Bool {
        guard depth <= TemplateRenderer.nestingMax else {
            throw fault(.limit, "a value nested deeper than \(TemplateRenderer.nestingMax)", "less")
        }
        func all(_ items: [TemplateValue]) throws(TemplateFault) -> Bool {
            try spend(items.count)
            var isData = true
            for item in items where try !nesting(item, depth + 1) { isData = false }
            return isData
        }
        switch value {
        case .list(let items), .tuple(let items): return try all(items)
        case .mapping(let mapping): return try all(mapping.values)
        case .iterator(let iterator):
            guard iterator.kind != .generator else { return false }
            return try all(iterator.take())
        case .function(.method(_, let receiver)):
            _ = try nesting(receiver, depth + 1)
            return false
        case .namespace(let namespace):
            _ = try all(Array(namespace.values.values))
            return false
        case .loop, .macro, .function: return false
        case .undefined, .none, .boolean, .integer, .number, .text: return true
        }
    }

    /// Refuses what a namespace cannot keep: what could hold the namespace itself.
    func requireData(_ value: TemplateValue, for name: String) throws(TemplateFault) {
        guard !name.hasPrefix("_") else {
            throw failed("'\(name)' in a namespace", "a name that does not begin with '_'")
        }
        guard try nesting(value, 0) else {
            throw fault(.unsupported, "a namespace's '\(name)' with \(value.described)", "data")
        }
    }

    // MARK: - Statements

    private func run(
        _ statements: [TemplateStatement],
        _ scope: TemplateScope,
        _ output: inout TemplateText
    ) throws(TemplateFault) -> Flow {
        for statement in statements {
            line = statement.line
            let flow = try nested { () throws(TemplateFault) -> Flow in
                try run(statement, scope, &output)
            }
            if flow != .onward { return flow }
        }
        return .onward
    }

    private func run(
        _ statement: TemplateStatement,
        _ scope: TemplateScope,
        _ output: inout TemplateText
    ) throws(TemplateFault) -> Flow {
        switch statement.kind {
        case .text(let text): try append(text, to: &output)
        case .output(let expression): try append(text(of: evaluate(expression, scope)), to: &output)
        case .choice(let cases, let otherwise):
            for (condition, body) in cases where try evaluate(condition, scope).isTrue {
                return try run(body, scope, &output)
            }
            return try run(otherwise, scope, &output)
        case .loop(let loop): try run(loop, scope, &output)
        case .assignment(let target, let expression):
            try assign(evaluate(expression, scope), to: target, scope)
        case .capture(let target, let filters, let body):
            try assign(apply(filters, to: written(body, scope), scope), to: target, scope)
        case .filter(let filters, let body):
            try append(text(of: apply(filters, to: written(body, scope), scope)), to: &output)
        case .macro(let syntax):
            macroScopes.append(scope)
            scope.values[syntax.name] = .macro(TemplateMacro(syntax, in: scope))
        case .call(let body, let function, let arguments):
            macroScopes.append(scope)
            let caller = TemplateMacro(body, in: scope)
            guard case .macro(let macro) = try evaluate(function, scope) else {
                throw fault(.unsupported, "{% call %} of something else", "a macro")
            }
            try append(call(macro, values(of: arguments, scope), caller: caller), to: &output)
        case .with(let values, let body):
            let inner = TemplateScope(in: scope)
            for (target, value) in values { try assign(evaluate(value, scope), to: target, inner) }
            return try run(body, inner, &output)
        case .generation(let body):
            let start = output.count
            _ = try run(body, TemplateScope(in: scope), &output)
            generations.append(start..<output.count)
        case .breaking: return .breaking
        case .continuing: return .continuing
        }
        return .onward
    }

    private func run(
        _ syntax: TemplateLoopSyntax,
        _ scope: TemplateScope,
        _ output: inout TemplateText
    ) throws(TemplateFault) {
        var items = try items(of: evaluate(syntax.items, scope))
        if let condition = syntax.condition {
            var kept: [TemplateValue] = []
            for item in items {
                let inner = TemplateScope(in: scope)
                inner.values["loop"] = .undefined("loop")
                try assign(item, to: syntax.target, inner)
                if try evaluate(condition, inner).isTrue { kept.append(item) }
            }
            items = kept
        }
        let loop = TemplateLoop(items)
        for (index, item) in items.enumerated() {
            try spend(16)
            loop.index = index
            let inner = TemplateScope(in: scope)
            inner.values["loop"] = .loop(loop)
            try assign(item, to: syntax.target, inner)
            if try run(syntax.body, inner, &output) == .breaking { return }
        }
        if items.isEmpty { _ = try run(syntax.otherwise, TemplateScope(in: scope), &output) }
    }

    private func written(
        _ body: [TemplateStatement],
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        var text = TemplateText()
        _ = try run(body, TemplateScope(in: scope), &text)
        return .text(text)
    }

    private func apply(
        _ filters: [TemplateFilterUse],
        to value: TemplateValue,
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        var value = value
        for use in filters {
            let arguments = try values(of: use.arguments, scope)
            line = use.line
            value = try use.filter.apply(self, value, arguments)
        }
        return value
    }

    private func assign(
        _ value: TemplateValue,
        to target: TemplateTarget,
        _ scope: TemplateScope
    ) throws(TemplateFault) {
        switch target {
        case .name(let name):
            _ = try nesting(value, 0)
            scope.values[name] = value
        case .attribute(let name, let attribute):
            guard case .namespace(let namespace)? = scope.value(name) else {
                throw failed("'\(name).\(attribute)' in {% set %}", "a namespace before the dot")
            }
            try requireData(value, for: attribute)
            namespace.values[attribute] = value
        case .tuple(let targets):
            let parts = try items(of: value)
            guard parts.count == targets.count else {
                throw failed("\(parts.count) values for \(targets.count) variables", "as many")
            }
            for (target, part) in zip(targets, parts) { try assign(part, to: target, scope) }
        }
    }

    // MARK: - Macros

    /// What a macro writes.
    func call(
        _ macro: TemplateMacro,
        _ arguments: TemplateCall,
        caller: TemplateMacro? = nil
    ) throws(TemplateFault) -> TemplateText {
        let syntax = macro.syntax
        let inner = TemplateScope(in: macro.scope)
        guard arguments.values.count <= syntax.parameters.count else {
            throw failed(
                "\(arguments.values.count) arguments of the macro '\(syntax.name)'",
                "at most \(syntax.parameters.count)"
            )
        }
        var named = arguments.named
        for (index, parameter) in syntax.parameters.enumerated() {
            let byName = named.firstIndex { $0.name == parameter.name }
            if index < arguments.values.count {
                guard byName == nil else { throw failed("'\(parameter.name)' twice", "it once") }
                inner.values[parameter.name] = arguments.values[index]
            } else if let byName {
                inner.values[parameter.name] = named.remove(at: byName).value
            } else if let standard = parameter.standard {
                inner.values[parameter.name] = try evaluate(standard, inner)
            } else {
                inner.values[parameter.name] = .undefined(parameter.name)
            }
        }
        if let other = named.first(where: { $0.name != "caller" }) {
            throw failed("an argument '\(other.name)' of the macro '\(syntax.name)'", "its parameters")
        }
        if let caller {
            inner.values["caller"] = .macro(caller)
        } else if let given = named.first {
            inner.values["caller"] = given.value
        }
        var text = TemplateText()
        _ = try run(syntax.body, inner, &text)
        return text
    }
}
