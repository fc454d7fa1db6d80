internal import Foundation
internal import Nodes

/// Shows a run as it goes: redrawn in place on a terminal that can do that, one plain line for each change elsewhere.
///
/// Nothing of the terminal is changed that would have to be put back: however the program ends, the cursor is there, and
/// at the start of a line.
struct ProgressDisplay {
    /// Between two plain lines that only tell of steps.
    private static let plainInterval = Duration.seconds(10)

    private let isLive: Bool
    private let started = ContinuousClock.now
    private var timeLeft = TimeLeft()
    /// The lengths of the lines that are on the terminal.
    private var drawn: [Int] = []
    private var plain = (key: "", sixths: 0, at: ContinuousClock.now)

    /// A display on standard output.
    init() {
        let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
        isLive = isatty(STDOUT_FILENO) == 1 && !kind.isEmpty && kind != "dumb"
    }

    /// Shows a status.
    ///
    /// - Parameters:
    ///   - status: What the coordinator said last.
    ///   - notes: By client, what is said of it in place of its progress.
    mutating func show(_ status: RunStatus, notes: [String: String] = [:]) {
        let elapsed = (ContinuousClock.now - started).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        let layout = ProgressLayout(
            status: status,
            seconds: Int(seconds),
            secondsLeft: timeLeft.seconds(status, at: seconds),
            notes: notes
        )
        if isLive { redraw(layout) } else { log(layout) }
    }

    /// Shows a message once, above what is redrawn.
    mutating func say(_ text: String) {
        ProgressDisplay.write(rewind(width: TerminalSize.current.width) + text + "\n")
        drawn = []
    }

    private mutating func redraw(_ layout: ProgressLayout) {
        let size = TerminalSize.current
        let lines = layout.lines(width: size.width, height: size.height)
        // One write, each line over the old one: nothing is blank in between.
        let text = rewind(width: size.width, erases: false) + lines.map { $0 + "\u{1B}[K\n" }.joined()
        ProgressDisplay.write(text + "\u{1B}[J")
        drawn = lines.map(\.count)
    }

    /// Goes back to the first line that was drawn. A terminal that has become narrower since has broken lines in two.
    private func rewind(width: Int, erases: Bool = true) -> String {
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + width - 1) / max(1, width)) }
        return rows > 0 ? "\u{1B}[\(rows)A\r" + (erases ? "\u{1B}[J" : "") : ""
    }

    private mutating func log(_ layout: ProgressLayout) {
        let isNews = layout.plainKey != plain.key
        let isDue = ContinuousClock.now - plain.at >= Self.plainInterval && layout.sixths != plain.sixths
        guard isNews || isDue else { return }
        plain = (layout.plainKey, layout.sixths, .now)
        ProgressDisplay.write(layout.plainLine + "\n")
    }

    // MARK: - Text

    /// Writes at once: `print` keeps lines back where the output is a file or a pipe. Output that nobody takes any more,
    /// such as a closed terminal's, is dropped.
    static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// A number with so many digits behind the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// A count of bytes in a unit that suits it.
    static func bytes(_ count: Int) -> String {
        switch count {
        case ..<10_000: "\(count) B"
        case ..<10_000_000: "\(count / 1000) kB"
        default: fixed(Double(count) / 1e6, 1) + " MB"
        }
    }
}

/// How much room standard output has.
struct TerminalSize: Equatable {
    /// Columns.
    var width: Int
    /// Rows.
    var height: Int

    /// The size now, which changes as people change their windows; 80 × 24 where the terminal does not say.
    static var current: TerminalSize {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return TerminalSize(width: 80, height: 24)
        }
        return TerminalSize(width: Int(size.ws_col), height: Int(size.ws_row))
    }
}
