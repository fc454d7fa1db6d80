internal import Digest
internal import Wire

/// Reads the space-separated words of a line, one by one.
struct Words {
    private var rest: ArraySlice<Substring>

    init(_ line: String) {
        rest = line.split(separator: " ", omittingEmptySubsequences: false)[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func word() -> String? {
        guard let word = rest.popFirst(), !word.isEmpty else { return nil }
        return String(word)
    }

    /// A number that is not negative.
    mutating func number() -> Int? {
        guard let number = word().flatMap({ Int($0) }), number >= 0 else { return nil }
        return number
    }

    mutating func session() -> UInt64? { word().flatMap { UInt64($0) } }

    mutating func digest() -> SHA256Digest? { word().flatMap { SHA256Digest(hex: $0) } }

    mutating func code() -> ErrorCode? {
        let name = word()
        return ErrorCode.allCases.first { $0.name == name }
    }

    /// Names separated by commas; `-` for none.
    mutating func names() -> [String]? {
        guard let word = word() else { return nil }
        return word == "-" ? [] : word.split(separator: ",").map(String.init)
    }
}
