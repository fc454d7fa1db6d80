/// What people and models write for mathematics, in one spelling: TeX commands in ASCII, without what does
/// not change the meaning.
enum MathText {
    /// The text with Unicode's signs as TeX has them, one name for each of TeX's synonyms, and without sizes.
    static func plain(_ text: String) -> [UInt8] {
        spelt(ascii(text))
    }

    // MARK: - Unicode

    private static func ascii(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var isRaised = false
        for scalar in text.unicodeScalars {
            if let digit = raised[scalar] {
                bytes += (isRaised ? digit : "^{" + digit).utf8
                isRaised = true
                continue
            }
            if isRaised { bytes.append(UInt8(ascii: "}")) }
            isRaised = false
            if scalar.isASCII {
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else if let other = signs[scalar] {
                bytes += other.utf8
            } else if scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
                bytes.append(UInt8(ascii: "0") + UInt8(value))
            } else {
                bytes += String(scalar).utf8
            }
        }
        return isRaised ? bytes + [UInt8(ascii: "}")] : bytes
    }

    private static let raised: [Unicode.Scalar: String] = [
        "\u{2070}": "0", "\u{B9}": "1", "\u{B2}": "2", "\u{B3}": "3", "\u{2074}": "4", "\u{2075}": "5",
        "\u{2076}": "6", "\u{2077}": "7", "\u{2078}": "8", "\u{2079}": "9", "\u{207B}": "-", "\u{207A}": "+",
    ]

    private static let signs: [Unicode.Scalar: String] = [
        // Minus, en dash, hyphens, full-width minus and plus.
        "\u{2212}": "-", "\u{2013}": "-", "\u{2010}": "-", "\u{2011}": "-", "\u{FE63}": "-",
        "\u{FF0D}": "-", "\u{FF0B}": "+",
        // Spaces that do not break, and thin ones.
        "\u{A0}": " ", "\u{2007}": " ", "\u{2008}": " ", "\u{2009}": " ", "\u{200A}": " ", "\u{202F}": " ",
        "\u{3000}": " ", "\u{200B}": "", "\u{FEFF}": "",
        "×": "\\times ", "⋅": "\\cdot ", "·": "\\cdot ", "÷": "\\div ", "⁄": "/", "∕": "/", "π": "\\pi ",
        "√": "\\sqrt ", "°": "^\\circ ", "º": "^\\circ ", "±": "\\pm ", "∞": "\\infty ", "≈": "\\approx ",
        "≤": "\\leq ", "≥": "\\geq ", "≠": "\\neq ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ",
        "∅": "\\emptyset ",
        "€": "$", "£": "$", "¥": "$", "₹": "$", "\u{FF05}": "%", "\u{FF0C}": ",", "\u{FF0E}": ".",
        "\u{2019}": "'", "½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "⅔": "\\frac{2}{3}", "¼": "\\frac{1}{4}",
        "¾": "\\frac{3}{4}", "⅕": "\\frac{1}{5}", "⅖": "\\frac{2}{5}", "⅗": "\\frac{3}{5}",
        "⅘": "\\frac{4}{5}", "⅙": "\\frac{1}{6}", "⅚": "\\frac{5}{6}", "⅛": "\\frac{1}{8}",
        "⅜": "\\frac{3}{8}", "⅝": "\\frac{5}{8}", "⅞": "\\frac{7}{8}",
    ]

    // MARK: - TeX

    private static func spelt(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\") {
                let end = command(in: bytes, at: index)
                let name = String(decoding: bytes[(index + 1)..<end], as: UTF8.self)
                index = end
                if name == "!" {
                    // A negative space takes the spaces around it with it, as in `14,\! 400`.
                    while result.last == UInt8(ascii: " ") { result.removeLast() }
                    while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
                } else {
                    result += (synonyms[name] ?? "\\" + name).utf8
                }
            } else if byte == UInt8(ascii: "{"), let end = separator(in: bytes, at: index) {
                while result.last == UInt8(ascii: " ") { result.removeLast() }
                result.append(UInt8(ascii: ","))
                index = end
            } else {
                result.append(byte == UInt8(ascii: "~") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return degrees(result)
    }

    /// Behind a command that begins at an index: a name of letters, or one other sign.
    static func command(in bytes: [UInt8], at index: Int) -> Int {
        var end = index + 1
        while end < bytes.count, isLetter(bytes[end]) { end += 1 }
        return end == index + 1 && end < bytes.count ? end + 1 : end
    }

    /// Behind `{,}`, TeX's comma without a space.
    private static func separator(in bytes: [UInt8], at index: Int) -> Int? {
        let rest = bytes[(index + 1)...].drop { $0 == UInt8(ascii: " ") }
        guard rest.first == UInt8(ascii: ",") else { return nil }
        let last = rest.dropFirst().drop { $0 == UInt8(ascii: " ") }
        guard last.first == UInt8(ascii: "}") else { return nil }
        return last.startIndex + 1
    }

    /// `^{\circ}` as `^\circ`.
    private static func degrees(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.count >= 6, text.contains("\\circ") else { return bytes }
        return Array(
            text.replacing("^{\\circ}", with: "^\\circ").replacing("^{\\circ }", with: "^\\circ")
                .replacing("^ \\circ", with: "^\\circ").utf8
        )
    }

    private static let synonyms: [String: String] = {
        var synonyms = [
            "$": "$", "%": "%", "(": " ", ")": " ", "[": " ", "]": " ", "degree": "^\\circ",
            "textdegree": "^\\circ", "le": "\\leq", "ge": "\\geq", "ne": "\\neq", "lt": "<", "gt": ">",
            "leqslant": "\\leq", "geqslant": "\\geq", "colon": ":", "mid": "|", "varnothing": "\\emptyset",
        ]
        for name in ["dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"] { synonyms[name] = "\\frac" }
        for name in [",", ";", ":", " ", "\n", "quad", "qquad", "thinspace", "enspace", "space"] {
            synonyms[name] = " "
        }
        for name in [
            "left", "right", "displaystyle", "textstyle", "limits", "big", "Big", "bigg", "Bigg", "bigl",
            "bigr",
            "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "rm", "bf", "it",
        ] { synonyms[name] = "" }
        for name in [
            "textnormal", "mbox", "hbox", "mathrm", "textrm", "textbf", "mathbf", "textit", "mathit",
            "textsf",
            "mathsf", "texttt", "mathtt", "boldsymbol", "bm", "emph", "operatorname", "underline",
        ] { synonyms[name] = "\\text" }
        return synonyms
    }()

    // MARK: - Bytes

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
