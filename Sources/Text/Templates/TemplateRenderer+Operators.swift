extension TemplateRenderer {
    /// Whether a chain of comparisons holds.
    func comparison(
        _ first: TemplateExpression,
        _ rest: [(TemplateOperator, TemplateExpression)],
        _ scope: TemplateScope
    ) throws(TemplateFault) -> Bool {
        var left = try evaluate(first, scope)
        for (sign, expression) in rest {
            let right = try evaluate(expression, scope)
            line = expression.line
            guard try compares(left, sign, right) else { return false }
            left = right
        }
        return true
    }

    /// Whether a comparison of two values holds.
    func compares(
        _ left: TemplateValue,
        _ sign: TemplateOperator,
        _ right: TemplateValue
    ) throws(TemplateFault) -> Bool {
        func isLess(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateFault) -> Bool {
            guard let result = TemplateOrder.isLess(a, b) else {
                throw failed(
                    "'\(sign.rawValue)' of \(left.described) and \(right.described)",
                    "two of one kind"
                )
            }
            return result
        }
        switch sign {
        case .equal: return left == right
        case .unequal: return left != right
        case .less: return try isLess(left, right)
        case .greater: return try isLess(right, left)
        case .lessOrEqual: return try isLess(left, right) || left == right
        case .greaterOrEqual: return try isLess(right, left) || left == right
        case .contained: return try contains(right, left)
        case .notContained: return try !contains(right, left)
        case .plus, .minus, .times, .divided, .floorDivided, .remainder, .power:
            preconditionFailure("'\(sign.rawValue)' is no comparison")
        }
    }

    /// Whether a value is in another.
    private func contains(
        _ container: TemplateValue,
        _ value: TemplateValue
    ) throws(TemplateFault) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = value else {
                throw failed("\(value.described) in a text", "a text")
            }
            try spend(text.count)
            return text.firstIndex(of: part.scalars) != nil
        case .mapping(let mapping):
            guard let key = TemplateMapping.Key(value) else {
                throw failed("\(value.described) as a key", "a text or a number")
            }
            return mapping[key] != nil
        default:
            let items = try items(of: container)
            try spend(items.count)
            return items.contains(value)
        }
    }

    /// The result of an operator on two values.
    func arithmetic(
        _ left: TemplateValue,
        _ sign: TemplateOperator,
        _ right: TemplateValue,
        isSign: Bool = false
    ) throws(TemplateFault) -> TemplateValue {
        switch (left, sign, right) {
        case (.text(let a), .plus, .text(let b)):
            return .text(try sum(a, b))
        case (.list(let a), .plus, .list(let b)):
            try spend((a.count + b.count) * 8)
            return .list(a + b)
        case (.tuple(let a), .plus, .tuple(let b)):
            try spend((a.count + b.count) * 8)
            return .tuple(a + b)
        case (.text(let text), .remainder, _): return .text(try TemplateMethods.percent(self, text, right))
        default: break
        }
        if sign == .times {
            if let repeated = try repeated(left, right) { return repeated }
            if let repeated = try repeated(right, left) { return repeated }
        }
        if let a = left.integer, let b = right.integer {
            if sign == .divided, b != 0 { return .number(Double(a) / Double(b)) }
            if sign == .power, b < 0 { return .number(try power(Double(a), Double(b))) }
            return .integer(try integer(a, sign, b))
        }
        guard let a = left.double, let b = right.double else {
            let found = isSign ? right.described : "\(left.described) and \(right.described)"
            throw failed("'\(sign.rawValue)' of \(found)", "two numbers, or what can be joined")
        }
        switch sign {
        case .plus: return .number(a + b)
        case .minus: return .number(isSign ? -b : a - b)
        case .times: return .number(a * b)
        case .power: return .number(try power(a, b))
        case .divided where b != 0: return .number(a / b)
        case .floorDivided where b != 0: return .number((a / b).rounded(.down))
        case .remainder where b != 0:
            let rest = a.truncatingRemainder(dividingBy: b)
            return .number(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)
        default: throw failed("a division by 0", "another number")
        }
    }

    private func power(_ a: Double, _ b: Double) throws(TemplateFault) -> Double {
        throw fault(.unsupported, "a power that is no whole number", "whole numbers")
    }

    private func integer(_ a: Int, _ sign: TemplateOperator, _ b: Int) throws(TemplateFault) -> Int {
        var (value, overflows) = (0, false)
        switch sign {
        case .plus: (value, overflows) = a.addingReportingOverflow(b)
        case .minus: (value, overflows) = a.subtractingReportingOverflow(b)
        case .times: (value, overflows) = a.multipliedReportingOverflow(by: b)
        case .power:
            value = 1
            if a == 0 || a == 1 { return b == 0 ? 1 : a }
            if a == -1 { return b % 2 == 0 ? 1 : -1 }
            // Any other base overflows within 63 steps.
            for _ in 0..<min(b, 64) where !overflows {
                (value, overflows) = value.multipliedReportingOverflow(by: a)
            }
        case .floorDivided, .remainder, .divided:
            guard b != 0 else { throw failed("a division by 0", "another number") }
            let quotient = a.dividedReportingOverflow(by: b)
            let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
            let isBelow = rest != 0 && (rest < 0) != (b < 0)
            overflows = quotient.overflow
            value =
                sign == .remainder ? (isBelow ? rest + b : rest) : quotient.partialValue - (isBelow ? 1 : 0)
        case .equal, .unequal, .less, .lessOrEqual, .greater, .greaterOrEqual, .contained, .notContained:
            preconditionFailure("'\(sign.rawValue)' has no number")
        }
        guard !overflows else {
            throw fault(.unsupported, "an integer of more than 64 bits", "a smaller one")
        }
        return value
    }

    private func repeated(
        _ value: TemplateValue,
        _ times: TemplateValue
    ) throws(TemplateFault) -> TemplateValue? {
        guard let times = times.integer.map({ max(0, $0) }) else { return nil }
        func pay(_ count: Int, _ unit: Int) throws(TemplateFault) {
            let (size, overflows) = count.multipliedReportingOverflow(by: times)
            guard !overflows, size <= TemplateRenderer.charactersMax else {
                throw fault(.limit, "a value repeated \(times) times", "fewer")
            }
            try spend(size * unit)
        }
        switch value {
        case .text(let text):
            try pay(text.count, 1)
            var result = TemplateText()
            result.isEscaped = text.isEscaped
            if text.count > 0 { for _ in 0..<times { result.append(text) } }
            return .text(result)
        case .list(let items):
            try pay(items.count, 8)
            return .list(items.isEmpty ? [] : (0..<times).flatMap { _ in items })
        case .tuple(let items):
            try pay(items.count, 8)
            return .tuple(items.isEmpty ? [] : (0..<times).flatMap { _ in items })
        default: return nil
        }
    }
}
