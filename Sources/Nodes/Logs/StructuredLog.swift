internal import FoundationEssentials
internal import Glibc
package import Logging

/// Log lines on standard error: text for people, or one JSON object a line for machines.
///
/// Messages are static; everything that varies is metadata, sorted by key.
package struct StructuredLog: LogHandler {
    /// How lines look.
    package enum Format: String, Sendable, CaseIterable {
        /// `2026-01-31T12:00:00.123Z info  message  key=value`
        case text
        /// `{"time": …, "level": …, "message": …, "key": …}`; numbers are numbers
        case json
    }

    /// What each line carries besides its own metadata.
    package var metadata: Logger.Metadata = [:]
    /// Lines below this level are dropped.
    package var logLevel: Logger.Level
    private let label: String
    private let format: Format
    private let writer: LogWriter

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - label: Which program speaks.
    ///   - format: How lines look.
    ///   - level: Lines below it are dropped.
    ///   - writer: Where lines go.
    package init(
        label: String,
        format: Format,
        level: Logger.Level,
        writer: LogWriter = .standardError
    ) {
        self.writer = writer
        self.label = label
        self.format = format
        logLevel = level
    }

    /// A logger that writes through such a handler.
    package static func logger(label: String, format: Format, level: Logger.Level) -> Logger {
        Logger(label: label) { _ in StructuredLog(label: label, format: format, level: level) }
    }

    /// The metadata of a key.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = all.map { (key: $0.key, value: "\($0.value)") }.sorted { $0.key < $1.key }
        let time = StructuredLog.timestamp()
        let line =
            switch format {
            case .text: text(time: time, level: event.level, message: "\(event.message)", pairs: pairs)
            case .json: json(time: time, level: event.level, message: "\(event.message)", pairs: pairs)
            }
        writer.write(line)
    }

    private func text(
        time: String,
        level: Logger.Level,
        message: String,
        pairs: [(key: String, value: String)]
    ) -> String {
        let fields = pairs.map { "  \($0.key)=\($0.value.contains(" ") ? "\"\($0.value)\"" : $0.value)" }
        let name = level.rawValue + String(repeating: " ", count: max(0, 7 - level.rawValue.count))
        return "\(time) \(name) \(message)\(fields.joined())"
    }

    private func json(
        time: String,
        level: Logger.Level,
        message: String,
        pairs: [(key: String, value: String)]
    ) -> String {
        let head = [
            (key: "time", value: time), (key: "level", value: level.rawValue), (key: "program", value: label),
            (key: "message", value: message),
        ]
        return StructuredLog.object(head, pairs)
    }

    /// The error that ends a program, as one line like all others.
    ///
    /// - Parameters:
    ///   - program: Which program ends.
    ///   - message: What happened, in a sentence.
    ///   - exitCode: What it exits with.
    package static func fatalLine(program: String, message: String, exitCode: Int32) -> String {
        object(
            [
                ("time", timestamp()), ("level", Logger.Level.critical.rawValue), ("program", program),
                ("message", message),
            ],
            [("exitCode", "\(exitCode)")]
        )
    }

    /// Keys whose values are words that people chose, or hexadecimal: text, even where it looks like a number.
    private static let words: Set<String> = [
        "adapter", "client", "clients", "code", "fix", "host", "kernels", "missing", "monitor", "name",
        "peer",
        "proxy", "reason", "slices", "upload",
    ]

    private static func object(
        _ head: [(key: String, value: String)],
        _ pairs: [(key: String, value: String)]
    ) -> String {
        let members =
            head.map { "\(quoted($0.key)): \(quoted($0.value))" }
            + pairs.map { pair in
                let isNumber = !words.contains(pair.key) && isNumber(pair.value)
                return "\(quoted(pair.key)): \(isNumber ? pair.value : quoted(pair.value))"
            }
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// Whether a text is a number as JSON writes them.
    private static func isNumber(_ text: String) -> Bool {
        text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                result +=
                    "\\u00" + (scalar.value < 16 ? "0" : "")
                    + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let date = Date(timeIntervalSince1970: Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)
        return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
