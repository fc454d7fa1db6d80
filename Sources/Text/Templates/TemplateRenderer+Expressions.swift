extension TemplateRenderer {
    /// The value of an expression.
    func evaluate(
        _ expression: TemplateExpression,
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        try nested { () throws(TemplateFault) -> TemplateValue in
            line = expression.line
            return try value(of: expression, scope)
        }
    }

    private func value(
        of expression: TemplateExpression,
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        switch expression.kind {
        case .text(let text): return .text(text)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .boolean(let value): return .boolean(value)
        case .none: return .none
        case .name(let name): return try variable(name, scope)
        case .list(let items): return .list(try evaluate(items, scope))
        case .tuple(let items): return .tuple(try evaluate(items, scope))
        case .mapping(let pairs): return try mapping(pairs, scope)
        case .attribute(let of, let name):
            let receiver = try evaluate(of, scope)
            line = expression.line
            return try attribute(name, of: receiver)
        case .item(let of, let index):
            let receiver = try evaluate(of, scope)
            let index = try evaluate(index, scope)
            line = expression.line
            return try item(index, of: receiver)
        case .slice(let of, let from, let to, let by):
            return try slice(of, [from, to, by], scope)
        case .call(let function, let arguments):
            let called = try evaluate(function, scope)
            let values = try values(of: arguments, scope)
            line = expression.line
            return try call(called, values)
        case .filter(let filter, let value, let arguments):
            let value = try evaluate(value, scope)
            let values = try values(of: arguments, scope)
            line = expression.line
            return try filter.apply(self, value, values)
        case .test(let test, let value, let arguments):
            let value = try evaluate(value, scope)
            let values = try values(of: arguments, scope)
            line = expression.line
            return .boolean(try test.holds(self, value, values))
        case .not(let value): return .boolean(try !evaluate(value, scope).isTrue)
        case .negative(let value):
            return try arithmetic(.integer(0), .minus, evaluate(value, scope), isSign: true)
        case .positive(let value):
            return try arithmetic(.integer(0), .plus, evaluate(value, scope), isSign: true)
        case .and(let left, let right):
            let value = try evaluate(left, scope)
            return value.isTrue ? try evaluate(right, scope) : value
        case .or(let left, let right):
            let value = try evaluate(left, scope)
            return value.isTrue ? value : try evaluate(right, scope)
        case .arithmetic(let left, let sign, let right):
            let (left, right) = (try evaluate(left, scope), try evaluate(right, scope))
            line = expression.line
            return try arithmetic(left, sign, right)
        case .concatenation(let parts):
            return .text(try joined(evaluate(parts, scope)))
        case .comparison(let first, let rest): return .boolean(try comparison(first, rest, scope))
        case .conditional(let value, let condition, let otherwise):
            if try evaluate(condition, scope).isTrue { return try evaluate(value, scope) }
            guard let otherwise else { return .undefined("the inline if-expression without 'else'") }
            return try evaluate(otherwise, scope)
        }
    }

    private func variable(_ name: String, _ scope: TemplateScope) throws(TemplateFault) -> TemplateValue {
        if let value = scope.value(name) { return value }
        guard !["lipsum", "cycler", "joiner", "self", "super", "varargs", "kwargs"].contains(name) else {
            throw fault(.unsupported, "the global '\(name)'", "a variable or one of the known functions")
        }
        return .undefined(name)
    }

    private func evaluate(
        _ expressions: [TemplateExpression],
        _ scope: TemplateScope
    ) throws(TemplateFault) -> [TemplateValue] {
        try spend(expressions.count * 8)
        var values: [TemplateValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression, scope)) }
        return values
    }

    private func mapping(
        _ pairs: [(key: TemplateExpression, value: TemplateExpression)],
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        var mapping = TemplateMapping()
        for pair in pairs {
            let key = try evaluate(pair.key, scope)
            guard mapping.set(try evaluate(pair.value, scope), for: key) else {
                throw failed("\(key.described) as a key", "a text or a number")
            }
        }
        return .mapping(mapping)
    }

    /// The values of arguments.
    func values(
        of arguments: TemplateArguments,
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateCall {
        var call = TemplateCall(values: try evaluate(arguments.values, scope))
        for (name, value) in arguments.named { call.named.append((name, try evaluate(value, scope))) }
        return call
    }

    // MARK: - Parts of values

    /// What a value has under a name: a method first, then an item.
    func attribute(
        _ name: String,
        of value: TemplateValue
    ) throws(TemplateFault) -> TemplateValue {
        switch value {
        case .undefined: throw failed("'.\(name)' of \(value.described)", "a value that is there")
        case .namespace(let namespace): return namespace.values[name] ?? .undefined(name)
        case .loop(let loop): return try attribute(name, of: loop)
        case .macro(let macro):
            return name == "name" ? .string(macro.syntax.name) : .undefined(name)
        default: break
        }
        guard !name.hasPrefix("_") else { return .undefined(name) }
        if TemplateMethods.has(name, value) { return .function(.method(name, of: value)) }
        if case .mapping(let mapping) = value, let item = mapping[name] { return item }
        return .undefined(name)
    }

    private func attribute(_ name: String, of loop: TemplateLoop) throws(TemplateFault) -> TemplateValue {
        let (index, count) = (loop.index, loop.items.count)
        switch name {
        case "index": return .integer(index + 1)
        case "index0": return .integer(index)
        case "revindex": return .integer(count - index)
        case "revindex0": return .integer(count - index - 1)
        case "first": return .boolean(index == 0)
        case "last": return .boolean(index == count - 1)
        case "length": return .integer(count)
        case "depth": return .integer(1)
        case "depth0": return .integer(0)
        case "previtem": return index > 0 ? loop.items[index - 1] : .undefined("loop.previtem")
        case "nextitem": return index + 1 < count ? loop.items[index + 1] : .undefined("loop.nextitem")
        case "cycle", "changed": return .function(.method(name, of: .loop(loop)))
        default: return .undefined("loop." + name)
        }
    }

    /// What a value has under an index: an item first, then a method.
    func item(
        _ index: TemplateValue,
        of value: TemplateValue
    ) throws(TemplateFault) -> TemplateValue {
        func place(_ count: Int) -> Int? {
            guard let index = index.integer else { return nil }
            let place = index < 0 ? index + count : index
            return place >= 0 && place < count ? place : nil
        }
        var found: TemplateValue?
        switch value {
        case .undefined: throw failed("an item of \(value.described)", "a value that is there")
        case .list(let items), .tuple(let items): found = place(items.count).map { items[$0] }
        case .text(let text): found = place(text.count).map { .text(text[$0..<$0 + 1]) }
        case .mapping(let mapping): found = TemplateMapping.Key(index).flatMap { mapping[$0] }
        case .iterator(let iterator): found = index.integer.flatMap { iterator.item($0) }
        case .none, .boolean, .integer, .number, .namespace, .loop, .macro, .function: break
        }
        if let found { return found }
        guard case .text(let name) = index else {
            return .undefined("item \(index.integer.map(String.init) ?? "of that index")")
        }
        if case .mapping = value, !TemplateMethods.has(name.string, value) { return .undefined(name.string) }
        return try attribute(name.string, of: value)
    }

    private func slice(
        _ of: TemplateExpression,
        _ bounds: [TemplateExpression?],
        _ scope: TemplateScope
    ) throws(TemplateFault) -> TemplateValue {
        let value = try evaluate(of, scope)
        var given: [Int?] = []
        for bound in bounds {
            let bound = try bound.map { expression throws(TemplateFault) in try evaluate(expression, scope) }
            if let bound, bound != .none {
                guard let integer = bound.integer else {
                    throw failed("\(bound.described) in a slice", "an integer")
                }
                given.append(integer)
            } else {
                given.append(nil)
            }
        }
        guard given[2] != 0 else { throw failed("a slice with a step of 0", "another step") }
        func indices(_ count: Int) throws(TemplateFault) -> [Int] {
            let indices = TemplateRenderer.indices(from: given[0], to: given[1], by: given[2] ?? 1, of: count)
            try spend(indices.count)
            return indices
        }
        switch value {
        case .list(let items): return .list(try indices(items.count).map { items[$0] })
        case .tuple(let items): return .tuple(try indices(items.count).map { items[$0] })
        case .text(let text):
            let places = try indices(text.count)
            guard given[2] ?? 1 == 1 else { return .text(text[places]) }
            return .text(places.isEmpty ? TemplateText() : text[places[0]..<places[0] + places.count])
        case .undefined: throw failed("a slice of \(value.described)", "a value that is there")
        default:
            // Jinja takes what cannot be cut for an attribute that is not there.
            return .undefined("a slice of a value of type \(value.typeName)")
        }
    }

    /// The places of a slice, by Python's rules.
    static func indices(from: Int?, to: Int?, by step: Int, of count: Int) -> [Int] {
        func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
            min(max(bound < 0 ? bound.addingReportingOverflow(count).partialValue : bound, low), high)
        }
        if step > 0 {
            let (start, end) = (clamped(from ?? 0, 0, count), clamped(to ?? count, 0, count))
            return start < end ? Array(stride(from: start, to: end, by: min(step, count + 1))) : []
        }
        let start = from.map { clamped($0, -1, count - 1) } ?? count - 1
        let end = to.map { clamped($0, -1, count - 1) } ?? -1
        return start > end ? Array(stride(from: start, to: end, by: max(step, -count - 1))) : []
    }
}
