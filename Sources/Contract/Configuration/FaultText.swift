internal import FoundationEssentials
internal import Glibc

/// The words of errors that others made: Foundation's, the system's, and those of decoders, none of which are written for
/// the people who run a program.
package enum FaultText {
    /// What is wrong, in a sentence for people, without the names of types and domains.
    package static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as DecodingError: decoding(error)
        case let error as EncodingError: encoding(error)
        case let error as CocoaError:
            error.filePath.map { "\($0): \(reason(of: error))" } ?? reason(of: error)
        case let error as POSIXError: words(of: error.code.rawValue)
        default: plain("\(error)")
        }
    }

    /// The words of an error of full Foundation, which is known here by its text alone:
    /// `Error Domain=NSPOSIXErrorDomain Code=28 "…"`.
    private static func plain(_ text: String) -> String {
        guard text.hasPrefix("Error Domain=") else { return text }
        let code = text.firstRange(of: "Code=").flatMap {
            Int32(text[$0.upperBound...].prefix { $0.isNumber })
        }
        guard let code, text.contains("Domain=NSPOSIXErrorDomain ") else { return "the system refuses it" }
        return words(of: code)
    }

    /// What the system says of a number of `errno`, as the end of a sentence.
    package static func words(of errno: Int32) -> String {
        let text = String(cString: strerror(errno))
        // `No such file` and not `EOF`: only the first word of a sentence is written small.
        guard let first = text.first, text.dropFirst().first?.isLowercase == true else { return text }
        return first.lowercased() + text.dropFirst()
    }

    /// The number of `errno` behind an error of Foundation; nil where there is none.
    package static func errno(of error: any Error) -> Int32? {
        if let error = error as? POSIXError { return error.code.rawValue }
        guard let error = error as? CocoaError else { return nil }
        if let inner = error.underlying, let number = errno(of: inner) { return number }
        return switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
        case .fileWriteNoPermission, .fileReadNoPermission: EACCES
        case .fileWriteOutOfSpace: ENOSPC
        case .fileWriteFileExists: EEXIST
        case .fileWriteVolumeReadOnly: EROFS
        case .fileWriteInvalidFileName, .fileReadInvalidFileName: ENAMETOOLONG
        default: nil
        }
    }

    private static func reason(of error: CocoaError) -> String {
        if let number = errno(of: error) { return words(of: number) }
        return switch error.code {
        case .fileReadInapplicableStringEncoding, .fileReadUnknownStringEncoding: "is no text in UTF-8"
        case .fileReadTooLarge: "is too large"
        case .fileReadCorruptFile, .propertyListReadCorrupt: "is damaged"
        case .fileWriteUnknown: "cannot be written"
        default: "cannot be read"
        }
    }

    // MARK: - What decoders say

    private static func decoding(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): at(context.codingPath + [key], "is missing")
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            at(context.codingPath, mismatch(type, context))
        case .dataCorrupted(let context): at(context.codingPath, corrupted(context))
        @unknown default: "cannot be read"
        }
    }

    private static func encoding(_ error: EncodingError) -> String {
        guard case .invalidValue(_, let context) = error else { return "cannot be written" }
        return at(context.codingPath, "cannot be written as JSON")
    }

    /// A value of another kind than a type: `found a text, expected a whole number`.
    package static func mismatch(_ type: any Any.Type, _ context: DecodingError.Context) -> String {
        let expected = "expected \(kind(of: type))"
        // `Expected to decode Int but found a string instead.`
        let said = context.debugDescription
        guard let place = said.ranges(of: "found ").last else { return expected }
        let rest = said[place.upperBound...]
        guard let found = foundWords.first(where: { rest.contains($0.0) }) else { return expected }
        return "found \(found.1), \(expected)"
    }

    /// What is wrong with a value: the words of our own types, and Foundation's in ours.
    package static func corrupted(_ context: DecodingError.Context) -> String {
        let said = context.debugDescription
        // Swift's words for an unknown word of a closed set.
        let (start, middle) = ("Cannot initialize ", " value ")
        if said.hasPrefix(start), let place = said.firstRange(of: middle) {
            return "found '\(said[place.upperBound...])', which is not known"
        }
        if said.hasPrefix("The given data was not valid JSON") || said.hasPrefix("Invalid JSON") {
            return "is not JSON" + (place(context.underlyingError).map { " (\($0))" } ?? "")
        }
        if said.hasPrefix("Number ") || said.hasPrefix("Parsed JSON number") {
            return "has a number that is out of range"
        }
        return said
    }

    /// Where JSON is broken, if Foundation says so: `Unexpected character '}' around line 1, column 3.`
    private static func place(_ error: (any Error)?) -> String? {
        guard let error = error as? CocoaError,
            let said = error.userInfo["NSDebugDescription"] as? String
        else { return nil }
        return said.hasSuffix(".") ? String(said.dropLast()) : said
    }

    /// What Foundation says that it found, and what we call it.
    private static let foundWords = [
        ("null", "null"), ("string", "a text"), ("array", "a list"), ("dictionary", "an object"),
        ("bool", "true or false"), ("number", "a number"),
    ]

    private static func kind(of type: any Any.Type) -> String {
        switch type {
        case is any FixedWidthInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        default:
            "\(type)".hasPrefix("Array<")
                ? "a list" : "\(type)".hasPrefix("Dictionary<") ? "an object" : "another kind of value"
        }
    }

    private static func at(_ path: [any CodingKey], _ what: String) -> String {
        let place = path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return place.isEmpty ? what : "\(place): \(what)"
    }
}
