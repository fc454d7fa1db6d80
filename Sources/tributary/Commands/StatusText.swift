internal import Contract
internal import Foundation
internal import Nodes

/// A status as people read it: rounds and steps from 1, times in UTC.
enum StatusText {
    /// A coordinator's.
    static func lines(_ status: RunStatus, _ state: String, _ now: Date?, isAfar: Bool) -> [String] {
        var lines: [String] = []
        let about =
            switch status.phase {
            case .enrolling: "waiting for clients before round 1 of \(status.rounds)"
            case .training: "round \(status.round + 1) of \(status.rounds), clients train"
            case .aggregating: "round \(status.round + 1) of \(status.rounds), merging and evaluating"
            case .finished: "finished, \(status.rounds) rounds"
            }
        lines.append("\(status.federation ?? "coordinator")  \(about)  (\(isAfar ? "answers" : state))")
        if !status.waitingFor.isEmpty {
            let names = status.waitingFor.map { name in
                name + (status.waitingSince[name].map { " since \($0)\(ago($0, now))" } ?? "")
            }
            lines.append(field("waiting for", names[0]))
            lines += names.dropFirst().map { field("", $0) }
        }
        for (index, client) in status.clients.enumerated() {
            var parts = [
                client.name,
                client.connected ? "connected" : status.phase == .finished ? "finished" : "not connected",
            ]
            if let step = client.step { parts.append("step \(step + 1) of \(status.steps)") }
            if let reward = client.reward { parts.append("reward \(number(reward))") }
            if let loss = client.loss { parts.append("loss \(number(loss))") }
            lines.append(field(index == 0 ? "clients" : "", parts.joined(separator: "  ")))
        }
        if let measure = status.measure, !status.values.isEmpty {
            let recent = status.values.suffix(6).map(number).joined(separator: "  ")
            let first = max(0, status.values.count - 6)
            let from = first == 0 ? "base, then after each round" : "after each round from \(first) on"
            lines.append(field(measure.name, "\(recent)  (\(from))"))
        }
        if !status.vetoed.isEmpty {
            let rounds = status.vetoed.map { "\($0 + 1)" }.joined(separator: ", ")
            lines.append(field("not taken", "round \(rounds)"))
        }
        lines.append(
            field("traffic", "\(bytes(status.bytesUp)) from clients, \(bytes(status.bytesDown)) to them")
        )
        lines += certificates(status.certificates, due: status.expiring)
        if let adapter = status.adapter {
            lines.append(field("adapter", adapter + (isAfar ? " at the coordinator" : "")))
        }
        return lines + updated(status.updated, now)
    }

    /// A client's.
    static func lines(_ status: ClientStatus, _ state: String, _ now: Date?, folder: String?) -> [String] {
        let step = status.step.map { ($0 - 1) % max(1, status.steps) + 1 }
        var about = status.finished ? "finished, \(status.rounds) rounds" : status.activityText
        if !status.finished {
            about += ", round \(status.round + 1) of \(status.rounds)"
            if let step, status.isTraining { about += ", step \(step) of \(status.steps)" }
        }
        var lines = ["\(status.client) of \(status.federation)  \(about)  (\(state))"]
        if !status.finished { lines.append(field("since", status.since + ago(status.since, now))) }
        let trouble =
            status.finished ? "told the end" : "NOT CONNECTED" + (status.trouble.map { ": \($0)" } ?? "")
        let link = status.connected ? "connected" : trouble
        lines.append(field("coordinator", "\(status.coordinator)  \(link)"))
        let measured = ["reward", "loss", "kl", "entropy", "completions/mean_length"].compactMap { name in
            status.metrics[name].map { "\(name) \(number($0))" }
        }
        if !measured.isEmpty { lines.append(field("last step", measured.joined(separator: "  "))) }
        if status.connected {
            lines.append(
                field(
                    "traffic",
                    "\(bytes(status.bytesUp)) up, \(bytes(status.bytesDown)) down since it connected"
                )
            )
        }
        lines += certificates(status.certificates, due: [])
        if let folder {
            let adapter = folder + "/adapter"
            if FileManager.default.fileExists(atPath: adapter) { lines.append(field("adapter", adapter)) }
        }
        return lines + updated(status.updated, now)
    }

    private static func certificates(_ all: [RunStatus.Expiry], due: [RunStatus.Expiry]) -> [String] {
        guard !all.isEmpty else { return [] }
        let texts = all.map { expiry in
            "\(expiry.name) until \(expiry.notAfter.prefix(10))\(due.contains(expiry) ? " (RENEW)" : "")"
        }
        return texts.enumerated().map { field($0.offset == 0 ? "certificates" : "", $0.element) }
    }

    private static func updated(_ time: String?, _ now: Date?) -> [String] {
        guard let time, now != nil else { return [] }
        return [field("as of", time + ago(time, now))]
    }

    private static func field(_ name: String, _ value: String) -> String {
        "  " + name + String(repeating: " ", count: max(1, 14 - name.count)) + value
    }

    /// How long ago a time was, in words.
    static func ago(_ time: String, _ now: Date?) -> String {
        guard let now, let then = try? Date(time, strategy: .iso8601) else { return "" }
        let seconds = max(0, Int(now.timeIntervalSince(then)))
        switch seconds {
        case ..<120: return " (\(seconds) s)"
        case ..<7200: return " (\(seconds / 60) min)"
        default: return " (\(seconds / 3600) h)"
        }
    }

    private static func number(_ value: Double) -> String {
        // What rounding leaves of zero, such as the loss of one update a batch.
        (abs(value) < 1e-9 ? 0 : value).formatted(
            .number.precision(.significantDigits(1...4)).grouping(.never).locale(
                Locale(identifier: "en_US_POSIX")
            )
        )
    }

    private static func bytes(_ count: Int) -> String {
        switch count {
        case ..<1_000: "\(count) B"
        case ..<1_000_000: "\(number(Double(count) / 1e3)) kB"
        case ..<1_000_000_000: "\(number(Double(count) / 1e6)) MB"
        default: "\(number(Double(count) / 1e9)) GB"
        }
    }
}
