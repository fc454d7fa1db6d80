internal import Rounds

/// How many log lines of one kind there may be about one peer in a while: what a peer repeats without end is said
/// a few times and counted from then on.
struct NoteBudget {
    /// Lines of one kind and peer in one window.
    static let linesMax = 10
    /// How long a window is, in milliseconds.
    static let windowMs: Tick = 60_000
    /// Kinds and peers that are told apart; beyond it everything else shares one budget.
    static let keysMax = 4096

    private struct Window {
        var began: Tick
        var lines = 0
        var unsaid = 0
    }

    private var windows: [String: Window] = [:]

    /// Takes one line from a budget.
    ///
    /// - Returns: How many lines were left out since the last one; nil if this one is to be left out as well.
    mutating func spend(_ key: String, at now: Tick) -> Int? {
        let key = windows[key] != nil || windows.count < Self.keysMax ? key : ""
        var window = windows[key] ?? Window(began: now)
        defer { windows[key] = window }
        if now - window.began >= Self.windowMs {
            window.began = now
            window.lines = 0
        }
        guard window.lines < Self.linesMax else {
            window.unsaid += 1
            return nil
        }
        window.lines += 1
        defer { window.unsaid = 0 }
        return window.unsaid
    }
}
