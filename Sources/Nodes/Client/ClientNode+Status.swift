internal import FoundationEssentials
internal import Logging
internal import Rounds
internal import Topology
internal import Transport

/// Tells people how the client goes: `status.json`.
extension ClientNode {
    /// What is kept of the status between two writings.
    struct StatusKeeper {
        /// Milliseconds since 1970.
        let wallClockMs: @Sendable () -> Int64
        /// Until when this program and the peers that are given are certified.
        let certificates: @Sendable ([PeerIdentity]) -> RunStatus.Certificates
        /// When it was written last.
        var written = ContinuousClock.now - .seconds(10)
        /// Whether it is to be written soon.
        var isDue = false
        /// What the client was about then, and since when.
        var activity: (what: ClientActivity, sinceMs: Int64)?
        /// Why the last connection ended or could not be made.
        var trouble: String?
        /// The step that was taken last.
        var last: StepLine?
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
    }

    /// Has the status written soon, so that the last change is said even if nothing follows it.
    private func writeStatusLater() {
        guard !statusKeeper.isDue else { return }
        statusKeeper.isDue = true
        Task { [sender] in
            guard (try? await Task.sleep(for: .milliseconds(600))) != nil else { return }
            sender.yield(.statusDue)
        }
    }

    /// Writes `status.json`, at most twice a second unless it must be now.
    func writeStatus(force: Bool) {
        let (activity, round) = machine.activity
        let isNews = statusKeeper.activity?.what != activity
        if isNews { statusKeeper.activity = (activity, statusKeeper.wallClockMs()) }
        guard force || ContinuousClock.now - statusKeeper.written > .milliseconds(500) else {
            return writeStatusLater()
        }
        statusKeeper.written = .now
        let now = statusKeeper.wallClockMs()
        let rounds = job.topology.rounds
        if machine.isWelcome { statusKeeper.trouble = nil }
        let isFinished = if case .completed? = outcome { true } else { false }
        let traffic = link?.connection.traffic
        let status = ClientStatus(
            federation: job.topology.federation,
            client: name,
            coordinator: "\(job.topology.coordinator.host):\(job.topology.coordinator.port)",
            connected: machine.isWelcome,
            trouble: statusKeeper.trouble,
            activity: activity,
            since: Self.time(statusKeeper.activity?.sinceMs ?? now),
            finished: isFinished,
            round: round ?? min(machine.record.stepsDone / max(1, rounds.steps), rounds.count - 1),
            rounds: rounds.count,
            step: statusKeeper.last?.step ?? (machine.record.stepsDone > 0 ? machine.record.stepsDone : nil),
            steps: rounds.steps,
            metrics: statusKeeper.last?.metrics ?? [:],
            bytesUp: traffic?.bytesOut ?? 0,
            bytesDown: traffic?.bytesIn ?? 0,
            certificates: statusKeeper.certificates(link.map { [$0.connection.peer] } ?? []).all,
            updated: Self.time(now)
        )
        do {
            let file = URL(filePath: store.directory + "/status.json")
            try Data((status.json() + "\n").utf8).write(to: file, options: .atomic)
        } catch {
            // A display is not worth a run; the snapshot is where a full disk counts.
            logger.debug("status not written", metadata: ["reason": "\(error)"])
        }
    }
}
