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
        /// `{"time": …, "level": …, "message": …, "key": …}`
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
        let members = (head + pairs).map {
            "\(StructuredLog.quoted($0.key)): \(StructuredLog.quoted($0.value))"
        }
        return "{" + members.joined(separator: ", ") + "}"
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
