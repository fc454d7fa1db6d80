internal import ArgumentParser
package import Logging
package import Nodes

/// How a program logs.
package struct LogOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How log lines look: text or json.", valueName: "format"))
    var logFormat: StructuredLog.Format = .text

    @Option(
        help: ArgumentHelp(
            "Drop lines below this level: trace, debug, info, notice, warning, error.",
            valueName: "level"
        ),
        transform: LogOptions.level
    )
    var logLevel: Logger.Level = .info

    /// The defaults.
    package init() {}

    private static func level(_ word: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: word) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("There is no log level '\(word)'; there are \(known).")
        }
        return level
    }

    /// A logger for a program.
    ///
    /// - Parameter label: The program's name.
    package func logger(label: String) -> Logger {
        StructuredLog.logger(label: label, format: logFormat, level: logLevel)
    }
}

extension StructuredLog.Format: ExpressibleByArgument {}
