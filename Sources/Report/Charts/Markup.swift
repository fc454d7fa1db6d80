/// Writes HTML and SVG elements, with everything from outside escaped.
enum Markup {
    typealias Attributes = KeyValuePairs<String, String>

    /// Text with its markup characters spelled out, and control characters that no markup may have replaced.
    static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n", "\t": result.unicodeScalars.append(character)
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// An element around content that is markup already.
    static func element(_ name: String, _ attributes: Attributes = [:], _ content: String = "") -> String {
        let list = attributes.map { " \($0.key)=\"\(escape($0.value))\"" }.joined()
        return content.isEmpty && isVoid(name) ? "<\(name)\(list)/>" : "<\(name)\(list)>\(content)</\(name)>"
    }

    /// An element around plain text.
    static func text(_ name: String, _ attributes: Attributes = [:], _ text: String) -> String {
        element(name, attributes, escape(text))
    }

    /// A coordinate with at most two decimals, kept within what a drawing can need.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let value = min(max(value, -1e6), 1e6)
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
    }

    private static func isVoid(_ name: String) -> Bool {
        ["path", "line", "rect", "circle", "meta", "br"].contains(name)
    }
}
