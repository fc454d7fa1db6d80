public import ArgumentParser
public import Logging
public import Nodes

/// How a program logs.
public struct LogOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How log lines look: text or json.", valueName: "format"))
    var logFormat: StructuredLog.Format = .text

    @Option(
        help: ArgumentHelp(
            "Drop lines below this level: trace, debug, info, notice, warning, error.",
            valueName: "level"
        )
    )
    var logLevel: Logger.Level = .info

    /// The defaults.
    public init() {}

    /// A logger for a program.
    ///
    /// - Parameter label: The program's name.
    public func logger(label: String) -> Logger {
        StructuredLog.logger(label: label, format: logFormat, level: logLevel)
    }
}

extension StructuredLog.Format: ExpressibleByArgument {}

extension Logger.Level: @retroactive ExpressibleByArgument {}
