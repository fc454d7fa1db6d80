internal import Contract
internal import Nodes
internal import Report

/// A run as lines of text: a function of what there is to show and of the room there is.
struct ProgressLayout {
    /// What the coordinator said last.
    var status: RunStatus
    /// How long this has been shown, in seconds.
    var seconds: Int
    /// How long the rest will take, in seconds; nil where nobody can tell yet.
    var secondsLeft: Int?
    /// By client, what is said of it in place of its progress, such as that it is lost.
    var notes: [String: String] = [:]

    // MARK: - A terminal

    /// The lines for a terminal; each fits its width, and all fit its height with a line to spare for the cursor.
    ///
    /// - Parameters:
    ///   - width: Columns.
    ///   - height: Rows.
    func lines(width: Int, height: Int) -> [String] {
        let room = max(1, height - 1)
        var lines = [fitted([round, status.phase.rawValue, quality, refused], width)]
        if room > 1 { lines.append(fitted([time, traffic], width)) }
        let waiting = room > 3 ? [waitingLine(width)] : []
        lines += clientLines(width: width, room: room - lines.count - waiting.count) + waiting
        return lines.map { ProgressLayout.cut($0, to: width) }
    }

    /// The pieces that fit a line, the first ones first.
    private func fitted(_ pieces: [String], _ width: Int) -> String {
        pieces.filter { !$0.isEmpty }.reduce("") { line, piece in
            let longer = line.isEmpty ? piece : line + "  " + piece
            return line.isEmpty || longer.count <= width ? longer : line
        }
    }

    private func clientLines(width: Int, room: Int) -> [String] {
        guard room > 0 else { return [] }
        let clients = status.clients
        guard clients.count > room else { return clients.map { line(of: $0, width: width) } }
        return clients.prefix(room - 1).map { line(of: $0, width: width) }
            + [summary(of: clients.dropFirst(room - 1), isRest: room > 1)]
    }

    /// What clients are doing that have no line of their own.
    private func summary(of clients: ArraySlice<RunStatus.Client>, isRest: Bool) -> String {
        var counts: [(word: String, count: Int)] = []
        for client in clients {
            let word = activity(of: client)
            if let index = counts.firstIndex(where: { $0.word == word }) {
                counts[index].count += 1
            } else {
                counts.append((word, 1))
            }
        }
        let text = counts.map { "\($0.count) \($0.word)" }.joined(separator: ", ")
        return isRest ? "  … and \(clients.count) more: \(text)" : "  \(clients.count) clients: \(text)"
    }

    private func activity(of client: RunStatus.Client) -> String {
        if notes[client.name] != nil { return "lost" }
        guard client.connected else { return status.phase == .finished ? "finished" : "not connected" }
        switch status.phase {
        case .enrolling, .aggregating, .finished: return "waiting"
        case .training: return status.waitingFor.contains(client.name) ? "training" : "waiting"
        }
    }

    private func line(of client: RunStatus.Client, width: Int) -> String {
        let longest = status.clients.map(\.name.count).max() ?? 0
        let column = min(longest, max(6, width / 4), 24)
        let name = ProgressLayout.shortened(client.name, to: column).padded(to: column)
        if let note = notes[client.name] { return "  \(name)  \(note)" }
        guard client.connected || status.phase == .finished else { return "  \(name)  not connected" }
        let done = client.step.map { $0 + 1 } ?? 0
        let digits = "\(status.steps)".count
        let step = "step \("\(done)".leftPadded(to: digits))/\(status.steps)"
        let learning =
            client.reward.map { "reward \(ProgressDisplay.fixed($0, 2))" }
            ?? client.loss.map { "loss \(ProgressDisplay.fixed($0, 4))" } ?? ""
        // Whatever stands behind the bars has one width for all clients and all steps, so that the bars do too.
        let rest = column + 5 + step.count + 14
        let barWidth = min(30, width - rest)
        guard barWidth >= 5 else {
            return fitted(["  " + name, step, learning], width)
        }
        let bar = ProgressLayout.bar(done, of: status.steps, width: barWidth)
        return "  \(name)  \(bar) \(step)" + (learning.isEmpty ? "" : "  " + learning)
    }

    private func waitingLine(_ width: Int) -> String {
        guard !status.waitingFor.isEmpty else { return "  waiting for nobody" }
        let names = status.waitingFor
        for shown in stride(from: names.count, through: 1, by: -1) {
            let rest = names.count - shown
            let line =
                "  waiting for " + names.prefix(shown).joined(separator: ", ")
                + (rest > 0 ? " and \(rest) more" : "")
            if line.count <= width { return line }
        }
        return "  waiting for \(names.count) clients"
    }

    // MARK: - A log

    /// One line for a log, a pipe, or a terminal that can do no more.
    var plainLine: String {
        let steps = status.clients.compactMap(\.step)
        let low = steps.min().map { "\($0 + 1)" } ?? "0"
        let step = status.phase == .training ? "step \(low)/\(status.steps)" : ""
        let waiting = status.waitingFor
        let names = waiting.prefix(5).joined(separator: ", ")
        let more = waiting.count > 5 ? " and \(waiting.count - 5) more" : ""
        let isWaiting = !waiting.isEmpty && status.phase != .finished
        return [
            round, status.phase.rawValue, step, quality, refused, time, traffic,
            isWaiting ? "waiting for \(names)\(more)" : "",
        ]
        .filter { !$0.isEmpty }.joined(separator: "  ")
    }

    /// What a line for a log tells, without what changes all the time: a new one is due when this has changed.
    var plainKey: String { "\(status.phase) \(status.round) \(status.values.count)" }

    /// How far the round is in sixths.
    var sixths: Int {
        let steps = status.clients.compactMap(\.step)
        guard !steps.isEmpty else { return 0 }
        return (steps.reduce(0, +) / steps.count + 1) * 6 / max(status.steps, 1)
    }

    // MARK: - Pieces

    private var round: String { "round \(min(status.round + 1, status.rounds))/\(status.rounds)" }

    /// The first value and the last one: as long after a thousand rounds as after two.
    private var quality: String {
        guard let measure = status.measure, let first = status.values.first else { return "" }
        let texts = ([first] + (status.values.count > 1 ? status.values.suffix(1) : []))
            .map { ScoreText.text($0, measure) }
        return "\(measure.name) \(texts.joined(separator: " → "))"
    }

    private var refused: String {
        status.vetoed.isEmpty ? "" : "\(status.vetoed.count) of \(status.round) rounds not taken"
    }

    private var traffic: String {
        "\(ProgressDisplay.bytes(status.bytesUp)) up, \(ProgressDisplay.bytes(status.bytesDown)) down"
    }

    private var time: String {
        let left = secondsLeft.map { ", about \(TimeLeft.text($0)) left" } ?? ""
        return TimeLeft.exact(seconds) + left
    }

    private static func bar(_ done: Int, of total: Int, width: Int) -> String {
        let filled = total > 0 ? min(width, done * width / total) : 0
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    /// A name that is at most so many columns wide, without its middle: names of one federation often begin alike.
    static func shortened(_ name: String, to width: Int) -> String {
        guard name.count > width, width > 2 else { return cut(name, to: width) }
        return String(name.prefix((width - 1) / 2)) + "…" + String(name.suffix(width / 2))
    }

    /// A text that is at most so many columns wide; one that was longer ends with an ellipsis.
    static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : String(text.prefix(max(0, width - 1))) + (width > 0 ? "…" : "")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
