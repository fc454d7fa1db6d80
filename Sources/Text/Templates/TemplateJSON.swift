/// Values as JSON, as Python's `json.dumps` writes them.
struct TemplateJSON {
    /// Whether other characters than ASCII are escaped.
    var escapesUnicode = false
    /// What one step of indentation is; nil for one line.
    var indent: TemplateText?
    /// What is between items.
    var itemSeparator: TemplateText
    /// What is between a key and its value.
    var keySeparator: TemplateText = ": "
    /// Whether keys are in order.
    var sortsKeys = false

    /// The JSON; nil for what has none.
    func text(of value: TemplateValue) -> TemplateText? {
        var result = TemplateText()
        return write(value, depth: 0, into: &result) ? result : nil
    }

    private func write(_ value: TemplateValue, depth: Int, into result: inout TemplateText) -> Bool {
        switch value {
        case .none: result.append("null")
        case .boolean(let value): result.append(value ? "true" : "false")
        case .integer(let value): result.append(String(value))
        case .number(let value): result.append(TemplateJSON.digits(of: value))
        case .text(let text): result.append(quoted(text))
        case .list(let items), .tuple(let items):
            return write(items, "[", "]", depth, into: &result) { item, result in
                write(item, depth: depth + 1, into: &result)
            }
        case .mapping(let mapping):
            var entries = Array(zip(mapping.keys, mapping.values))
            if sortsKeys {
                guard let order = TemplateOrder.sorted(entries.map(\.0)) else { return false }
                entries = order.map { entries[$0] }
            }
            return write(entries, "{", "}", depth, into: &result) { entry, result in
                guard let key = TemplateJSON.key(entry.0) else { return false }
                result.append(quoted(key))
                result.append(keySeparator)
                return write(entry.1, depth: depth + 1, into: &result)
            }
        case .undefined, .iterator, .namespace, .loop, .macro, .function: return false
        }
        return true
    }

    private func write<Item>(
        _ items: [Item],
        _ start: String,
        _ end: String,
        _ depth: Int,
        into result: inout TemplateText,
        _ write: (Item, inout TemplateText) -> Bool
    ) -> Bool {
        result.append(start)
        for (index, item) in items.enumerated() {
            if index > 0 { result.append(itemSeparator) }
            breakLine(depth + 1, into: &result)
            guard write(item, &result) else { return false }
        }
        if !items.isEmpty { breakLine(depth, into: &result) }
        result.append(end)
        return true
    }

    private func breakLine(_ depth: Int, into result: inout TemplateText) {
        guard let indent else { return }
        result.append("\n")
        for _ in 0..<depth { result.append(indent) }
    }

    private static func key(_ value: TemplateValue) -> TemplateText? {
        switch value {
        case .text(let text): text
        case .none: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): TemplateText(String(value))
        case .number(let value): TemplateText(digits(of: value))
        default: nil
        }
    }

    private static func digits(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return TemplateValue.digits(of: value)
    }

    private func quoted(_ text: TemplateText) -> TemplateText {
        var result: TemplateText = "\""
        let inner = text.mapped { _, scalar -> [Unicode.Scalar] in
            switch scalar {
            case "\"", "\\": return ["\\", scalar]
            case "\n": return ["\\", "n"]
            case "\r": return ["\\", "r"]
            case "\t": return ["\\", "t"]
            case "\u{08}": return ["\\", "b"]
            case "\u{0C}": return ["\\", "f"]
            default:
                guard scalar.value < 0x20 || escapesUnicode && scalar.value > 0x7E else { return [scalar] }
                return String(scalar).utf16.flatMap { unit in
                    let code = String(unit, radix: 16)
                    return Array(
                        ("\\u" + String(repeating: "0", count: 4 - code.count) + code).unicodeScalars
                    )
                }
            }
        }
        result.append(inner)
        result.append("\"")
        return result
    }
}

/// The order that Python gives values.
enum TemplateOrder {
    /// Whether one value is less than another; nil where they cannot be compared.
    static func isLess(_ left: TemplateValue, _ right: TemplateValue) -> Bool? {
        switch (left, right) {
        case (.text(let a), .text(let b)): return a.scalars.lexicographicallyPrecedes(b.scalars)
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a, b) where x != y { return isLess(x, y) }
            return a.count < b.count
        default:
            if let a = left.integer, let b = right.integer { return a < b }
            guard let a = left.double, let b = right.double else { return nil }
            return a < b
        }
    }

    /// The places of values in their order, equal ones as they stood; nil where two cannot be compared.
    static func sorted(_ values: [TemplateValue], isReversed: Bool = false) -> [Int]? {
        var isComparable = true
        let order = values.indices.sorted { first, second in
            let (left, right) = isReversed ? (values[second], values[first]) : (values[first], values[second])
            guard let isLess = isLess(left, right), let isGreater = TemplateOrder.isLess(right, left) else {
                isComparable = false
                return first < second
            }
            return isLess || !isGreater && first < second
        }
        return isComparable ? order : nil
    }
}
