/// Writes HTML and SVG elements, with everything from outside escaped.
enum Markup {
    typealias Attributes = KeyValuePairs<String, String>

    static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
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

    /// A coordinate with at most two decimals.
    static func number(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
    }

    private static func isVoid(_ name: String) -> Bool {
        ["path", "line", "rect", "circle", "meta", "br"].contains(name)
    }
}
