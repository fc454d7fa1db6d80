/// The classes of characters that the pre-tokenizer's pattern tells apart.
enum CharacterKind: UInt8 {
    /// `\p{L}`.
    case letter
    /// `\p{N}`: decimal digits of all scripts, letter numbers, fractions and superscripts.
    case number
    /// U+0020, which may lead a word.
    case space
    /// The rest of `\s`: what has Unicode's White_Space property.
    case otherWhitespace
    /// U+0027, which may begin a contraction.
    case apostrophe
    /// Anything else.
    case other

    var isWhitespace: Bool { self == .space || self == .otherWhitespace }
    var isOther: Bool { self == .other || self == .apostrophe }

    init(of scalar: Unicode.Scalar) {
        self = scalar.isASCII ? CharacterKind.ascii(scalar) : CharacterKind.unicode(scalar.properties)
    }

    private static func ascii(_ scalar: Unicode.Scalar) -> CharacterKind {
        switch scalar {
        case " ": .space
        case "'": .apostrophe
        case "\t", "\n", "\u{0B}", "\u{0C}", "\r": .otherWhitespace
        case "0"..."9": .number
        case "a"..."z", "A"..."Z": .letter
        default: .other
        }
    }

    private static func unicode(_ properties: Unicode.Scalar.Properties) -> CharacterKind {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: properties.isWhitespace ? .otherWhitespace : .other
        }
    }
}
