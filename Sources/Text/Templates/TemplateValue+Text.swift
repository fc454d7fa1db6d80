extension TemplateValue {
    /// Python's `str`; nil for what has no text that is the same each time.
    var asText: TemplateText? {
        switch self {
        case .undefined: TemplateText()
        case .text(let text): text
        default: asRepresentation
        }
    }

    /// Python's `repr`; nil for what has no text that is the same each time.
    var asRepresentation: TemplateText? {
        switch self {
        case .undefined: return "Undefined"
        case .none: return "None"
        case .boolean(let value): return value ? "True" : "False"
        case .integer(let value): return TemplateText(String(value))
        case .number(let value): return TemplateText(TemplateValue.digits(of: value))
        case .text(let text): return TemplateValue.quoted(text)
        case .list(let items): return TemplateValue.joined(items, "[", "]")
        case .tuple(let items): return TemplateValue.joined(items, "(", items.count == 1 ? ",)" : ")")
        case .mapping(let mapping):
            var result: TemplateText = "{"
            for (index, (key, value)) in zip(mapping.keys, mapping.values).enumerated() {
                guard let key = key.asRepresentation, let value = value.asRepresentation else { return nil }
                if index > 0 { result.append(", ") }
                result.append(key)
                result.append(": ")
                result.append(value)
            }
            result.append("}")
            return result
        case .iterator, .namespace, .loop, .macro, .function: return nil
        }
    }

    /// A floating-point number as Python writes it.
    static func digits(of value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        // The shortest digits that read back; Python has an exponent from 1e16 on and below 1e-4.
        let text = "\(value)"
        let size = abs(value)
        guard size != 0, size < 1e16, size >= 1e-4, let mark = text.firstIndex(of: "e") else {
            return size >= 1e16 || size < 1e-4 ? exponential(text) : text
        }
        let digits = text[..<mark].filter(\.isNumber)
        guard let power = Int(text[text.index(after: mark)...]) else { return text }
        let sign = value < 0 ? "-" : ""
        if power < 0 { return sign + "0." + String(repeating: "0", count: -power - 1) + digits }
        return sign + digits + String(repeating: "0", count: max(0, power + 1 - digits.count)) + ".0"
    }

    /// Digits with an exponent of two digits at least, and no ".0" before it.
    private static func exponential(_ text: String) -> String {
        guard let mark = text.firstIndex(of: "e") else {
            guard text.hasSuffix(".0"), text != "0.0", text != "-0.0" else { return text }
            let isNegative = text.hasPrefix("-")
            let whole = text.dropLast(2).drop { $0 == "-" }
            var digits = whole
            while digits.count > 1, digits.last == "0" { digits.removeLast() }
            let rest = digits.dropFirst()
            return (isNegative ? "-" : "") + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest)
                + "e+\(whole.count - 1)"
        }
        var mantissa = text[..<mark]
        if mantissa.hasSuffix(".0") { mantissa = mantissa.dropLast(2) }
        return String(mantissa + text[mark...])
    }

    private static func joined(_ items: [TemplateValue], _ start: String, _ end: String) -> TemplateText? {
        var result = TemplateText(start)
        for (index, item) in items.enumerated() {
            guard let text = item.asRepresentation else { return nil }
            if index > 0 { result.append(", ") }
            result.append(text)
        }
        result.append(end)
        return result
    }

    private static func quoted(_ text: TemplateText) -> TemplateText {
        let quote: Unicode.Scalar = text.scalars.contains("'") && !text.scalars.contains("\"") ? "\"" : "'"
        let inner = text.mapped { _, scalar -> [Unicode.Scalar] in
            switch scalar {
            case quote, "\\": return ["\\", scalar]
            case "\n": return ["\\", "n"]
            case "\r": return ["\\", "r"]
            case "\t": return ["\\", "t"]
            default:
                if scalar.isPythonPrintable { return [scalar] }
                let code = String(scalar.value, radix: 16)
                let (letter, width) =
                    scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                let escape = "\\" + letter + String(repeating: "0", count: width - code.count) + code
                return Array(escape.unicodeScalars)
            }
        }
        var result = TemplateText()
        result.append(CollectionOfOne(quote))
        result.append(inner)
        result.append(CollectionOfOne(quote))
        return result
    }
}
