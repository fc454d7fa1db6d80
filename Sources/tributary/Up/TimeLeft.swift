internal import Nodes

/// How long a run still takes, from how long the part of it took that was watched.
struct TimeLeft {
    /// How far the run was when training was seen first, in rounds, and when that was.
    private var first: (done: Double, seconds: Double)?

    /// Less than this part of a round says nothing about the rest.
    private static let leastRounds = 0.1
    private static let leastSeconds = 3.0

    /// Takes a status and estimates.
    ///
    /// - Parameters:
    ///   - status: What the coordinator said last.
    ///   - seconds: When, in seconds since any origin.
    /// - Returns: Seconds; nil where nobody can tell.
    mutating func seconds(_ status: RunStatus, at seconds: Double) -> Int? {
        guard status.phase == .training || status.phase == .aggregating else { return nil }
        let done = TimeLeft.rounds(status)
        guard let first else {
            self.first = (done, seconds)
            return nil
        }
        let (rounds, elapsed) = (done - first.done, seconds - first.seconds)
        guard rounds >= Self.leastRounds, elapsed >= Self.leastSeconds else { return nil }
        return Int(max(0, elapsed / rounds * (Double(status.rounds) - done)))
    }

    /// How many rounds are done, the one under way in part.
    private static func rounds(_ status: RunStatus) -> Double {
        let steps = status.clients.filter(\.connected).map { Double(($0.step ?? -1) + 1) }
        let mean = steps.isEmpty ? 0 : steps.reduce(0, +) / Double(steps.count)
        let part = status.phase == .aggregating ? 1 : mean / Double(max(status.steps, 1))
        return Double(status.round) + min(1, part)
    }

    /// A time that is only about right: `40 s`, `12 min`, `3 h 20 min`, `2 days`.
    static func text(_ seconds: Int) -> String {
        switch seconds {
        case ..<10: "\(max(1, seconds)) s"
        case ..<55: "\((seconds + 4) / 5 * 5) s"
        case ..<5400: "\(max(1, (seconds + 30) / 60)) min"
        case ..<172_800: "\(seconds / 3600) h \(seconds % 3600 / 600 * 10) min"
        default: "\((seconds + 43_200) / 86_400) days"
        }
    }

    /// A time as it is: `34 s`, `12:05`, `1:12:05`.
    static func exact(_ seconds: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        guard seconds >= 60 else { return "\(seconds) s" }
        let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60)
        return hours > 0
            ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(minutes):\(two(seconds % 60))"
    }
}
