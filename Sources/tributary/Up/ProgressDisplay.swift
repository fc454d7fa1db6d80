internal import Contract
internal import Foundation
internal import Nodes
internal import Report

/// Shows a run as it goes: redrawn in place on a terminal, one plain line for each change elsewhere.
struct ProgressDisplay {
    private let isTerminal: Bool
    private let started = ContinuousClock.now
    private var drawnLines = 0
    private var lastPlainLine = ""

    init() { isTerminal = isatty(STDOUT_FILENO) == 1 }

    /// Shows a status.
    mutating func show(_ status: RunStatus) {
        if isTerminal { redraw(status) } else { log(status) }
    }

    /// Shows a message once, below what is there.
    mutating func say(_ text: String) {
        drawnLines = 0
        write(text + "\n")
    }

    // MARK: - Terminal

    private mutating func redraw(_ status: RunStatus) {
        var lines = [headline(status)]
        for client in status.clients {
            let done = client.step.map { $0 + 1 } ?? 0
            let bar = ProgressDisplay.bar(done, of: status.steps, width: 30)
            let reward =
                client.reward.map { "reward \(ProgressDisplay.fixed($0, 2))" }
                ?? client.loss.map { "loss \(ProgressDisplay.fixed($0, 4))" } ?? ""
            let state = client.connected ? "" : "not connected"
            lines.append(
                "  \(client.name.padded(to: 16)) \(bar) step \(done)/\(status.steps)  \(reward)\(state)"
            )
        }
        let waiting = status.waitingFor.isEmpty ? "nobody" : status.waitingFor.joined(separator: ", ")
        lines.append("  waiting for \(waiting)")
        let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
        write(up + lines.map { "\u{1B}[2K" + $0 + "\n" }.joined())
        drawnLines = lines.count
    }

    private func headline(_ status: RunStatus) -> String {
        let seconds = Int((ContinuousClock.now - started).components.seconds)
        let quality =
            status.measure.map { measure in
                "\(measure.name) "
                    + ProgressDisplay.shortened(status.values.map { ScoreText.text($0, measure) })
                    .joined(separator: " → ")
            } ?? "not evaluated yet"
        let bytes =
            "\(ProgressDisplay.bytes(status.bytesUp)) up, \(ProgressDisplay.bytes(status.bytesDown)) down"
        let round = "round \(min(status.round + 1, status.rounds))/\(status.rounds)"
        let vetoed = status.vetoed.map { "\($0 + 1)" }.joined(separator: ", ")
        let refused = vetoed.isEmpty ? "" : "  not taken: \(vetoed)"
        return
            "\(round)  \(status.phase.rawValue)  \(quality)\(refused)  \(bytes)  \(seconds) s"
    }

    /// The first and the last values where there are many: a line stays a line.
    static func shortened(_ values: [String]) -> [String] {
        values.count > 5 ? [values[0], "…"] + values.suffix(3) : values
    }

    // MARK: - Log

    private mutating func log(_ status: RunStatus) {
        let steps = status.clients.compactMap(\.step)
        let tenth = steps.isEmpty ? 0 : (steps.reduce(0, +) / steps.count + 1) * 6 / max(status.steps, 1)
        let key = "\(status.phase) \(status.round) \(status.values.count) \(tenth)"
        guard key != lastPlainLine else { return }
        lastPlainLine = key
        let low = steps.min().map { "\($0 + 1)" } ?? "0"
        let waiting =
            status.waitingFor.isEmpty ? "" : "  waiting for \(status.waitingFor.joined(separator: ", "))"
        write("\(headline(status))  step \(low)/\(status.steps)\(waiting)\n")
    }

    // MARK: - Text

    private func write(_ text: String) { ProgressDisplay.write(text) }

    /// Writes at once: `print` keeps lines back where the output is a file or a pipe.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private static func bar(_ done: Int, of total: Int, width: Int) -> String {
        let filled = total > 0 ? min(width, done * width / total) : 0
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    static func bytes(_ count: Int) -> String {
        switch count {
        case ..<10_000: "\(count) B"
        case ..<10_000_000: "\(count / 1000) kB"
        default: fixed(Double(count) / 1e6, 1) + " MB"
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
