internal import Contract
internal import Wire
internal import Yams

extension MappingReader {
    /// A whole number; where `none` is given, that word stands for it.
    func integer(
        _ key: String,
        default standard: Int?,
        in range: ClosedRange<Int>,
        none: Int? = nil
    ) -> Int {
        scalar(
            key,
            default: standard,
            placeholder: range.lowerBound,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)"
                + (none == nil ? "" : ", or none")
        ) { value, text in
            if let none, text == "none" { return none }
            guard case .integer(let number) = value, let integer = Int(exactly: number) else { return nil }
            return range.contains(integer) ? integer : nil
        }
    }

    func seed(_ key: String, default standard: UInt64) -> UInt64 {
        scalar(key, default: standard, placeholder: 0, expected: "a whole number from 0 to 2^64 - 1") {
            value,
            _ in
            switch value {
            case .integer(let number): UInt64(exactly: number)
            case .unsigned(let number): number
            case .null, .boolean, .number, .text, .sequence, .mapping: nil
            }
        }
    }

    func positive(_ key: String, default standard: Double?) -> Double {
        scalar(key, default: standard, placeholder: 1, expected: "a number greater than 0") { value, _ in
            Self.positiveNumber(value)
        }
    }

    /// A whole number, or nil where it is not written or a word stands in its place.
    func integer(_ key: String, in range: ClosedRange<Int>, or word: String) -> Int? {
        scalar(
            key,
            default: .some(nil),
            placeholder: nil,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound), or \(word)"
        ) { value, text in
            if text == word { return .some(nil) }
            guard case .integer(let number) = value, let integer = Int(exactly: number) else { return nil }
            return range.contains(integer) ? .some(integer) : nil
        }
    }

    /// A number between 0 and 1, or nil where `none` is written.
    func share(_ key: String, default standard: Double) -> Double? {
        scalar(
            key,
            default: .some(standard),
            placeholder: nil,
            expected: "a number greater than 0 and less than 1, or none"
        ) { value, text in
            if text == "none" { return .some(nil) }
            return Self.positiveNumber(value).flatMap { $0 < 1 ? .some($0) : nil }
        }
    }

    func normLimit(_ key: String) -> Topology.NormLimit {
        scalar(
            key,
            default: .recent,
            placeholder: .recent,
            expected: "a number greater than 0, recent, or none"
        ) { value, text in
            switch text {
            case "recent": .recent
            case "none": .unlimited
            default: Self.positiveNumber(value).map(Topology.NormLimit.fixed)
            }
        }
    }

    private static func positiveNumber(_ value: PlainValue) -> Double? {
        switch value {
        case .integer(let number) where number > 0: Double(number)
        case .number(let number) where number > 0 && number.isFinite: number
        case .null, .boolean, .integer, .unsigned, .number, .text, .sequence, .mapping: nil
        }
    }

    func duration(_ key: String, default standard: Duration, zeroAllowed: Bool = false) -> Duration {
        let expected =
            "a whole number and a unit (500ms, 30s, 10m, 2h)" + (zeroAllowed ? "" : " above zero")
        return scalar(key, default: standard, placeholder: standard, expected: expected) { _, text in
            DurationText.parse(text).flatMap { zeroAllowed || $0 > .zero ? $0 : nil }
        }
    }

    func choice<Word: RawRepresentable & CaseIterable>(_ key: String, default standard: Word) -> Word
    where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue)
        return scalar(
            key,
            default: standard,
            placeholder: standard,
            expected: "one of \(words.joined(separator: ", "))"
        ) { _, text in Word(rawValue: text) }
    }

    /// One of some words.
    func word(_ key: String, among words: [String], default standard: String) -> String {
        scalar(
            key,
            default: standard,
            placeholder: standard,
            expected: "one of \(words.joined(separator: ", "))"
        ) { _, text in words.contains(text) ? text : nil }
    }

    /// A text; YAML's own numbers and words count as texts here, as in `name: 7`.
    func text(_ key: String, default standard: String?, expected: String) -> String {
        text(key, default: standard, expected: expected) { !$0.isEmpty }
    }

    func text(
        _ key: String,
        default standard: String?,
        expected: String,
        where valid: (String) -> Bool
    ) -> String {
        scalar(key, default: standard, placeholder: "", expected: expected) { _, text in
            valid(text) ? text : nil
        }
    }

    func texts(_ key: String, default standard: [String], of what: String, where valid: (String) -> Bool)
        -> [String]
    {
        guard let nodes = list(key, of: what) else { return standard }
        var texts: [String] = []
        for (index, node) in nodes.enumerated() {
            let path = "\(name(key))[\(index)]"
            let text = scalar(node, key: path, placeholder: "", expected: "one of the \(what)") { _, text in
                valid(text) ? text : nil
            }
            if !text.isEmpty, texts.contains(text) {
                log.add(line: node.line, key: path, "'\(text)' is written twice")
            }
            texts.append(text)
        }
        return texts
    }
}

/// What hosts may be called.
enum HostRules {
    static let host = "a DNS name or an IP address"

    /// A DNS name, an IPv4 address or an IPv6 address.
    static func isHost(_ text: String) -> Bool {
        if text.utf8.contains(UInt8(ascii: ":")) {
            return (2...45).contains(text.utf8.count)
                && text.utf8.allSatisfy { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || isHex($0) }
        }
        let labels = text.lowercased().split(separator: ".", omittingEmptySubsequences: false)
        let looksNumeric = text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        return looksNumeric
            ? isIPv4(labels) : text.utf8.count <= 253 && labels.allSatisfy { NodeName.isValid($0) }
    }

    /// Whether a text is an address rather than a name.
    static func isAddress(_ text: String) -> Bool {
        isHost(text)
            && (text.utf8.contains(UInt8(ascii: ":"))
                || text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") })
    }

    private static func isIPv4(_ parts: [Substring]) -> Bool {
        parts.count == 4 && parts.allSatisfy { (UInt8($0) != nil) && $0.count <= 3 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte | 0x20) && (byte | 0x20) <= UInt8(ascii: "f")
    }
}
