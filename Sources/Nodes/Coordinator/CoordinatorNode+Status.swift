internal import Contract
internal import FoundationEssentials
internal import Logging
internal import Rounds
internal import Transport
internal import Wire

/// Tells people how the run goes: log lines and `status.json`.
extension CoordinatorNode {
    func tell(_ note: CoordinatorNote) async throws {
        switch note {
        case .admitted(let client, let session):
            progress[client, default: blank(client)].connected = true
            log(.info, "client admitted", client, ["session": "\(session)"])
        case .turnedAway(let name, let code, let message):
            log(
                .warning,
                "client turned away",
                name,
                ["code": "\(code.name)", "reason": "\(message)"]
            )
        case .membersAdded(let round, let clients):
            logger.info(
                "new clients take part from the next round on",
                metadata: phase(round, nil, ["clients": "\(clients.joined(separator: ","))"])
            )
        case .tooLateForMembers(let clients):
            logger.warning(
                "new clients cannot take part: the last round is under way or over",
                metadata: ["clients": "\(clients.joined(separator: ","))"]
            )
        case .replaced(let client, let from, let by):
            log(.warning, "a newer session took over", client, ["from": "\(from)", "by": "\(by)"])
        case .left(let client, let reason): log(.info, "client left", client, ["reason": "\(reason)"])
        case .ahead(let client, let round, let completed):
            log(
                .warning,
                "a client is ahead of this state, which is an older copy; restore the newest",
                client,
                ["round": "\(round)", "completed": "\(completed)"]
            )
        case .uninformed(let clients):
            logger.warning(
                "ending although clients have not heard of the end; start the coordinator again to tell them",
                metadata: ["clients": "\(clients.joined(separator: ","))"]
            )
        case .disconnected(let client):
            progress[client, default: blank(client)].connected = false
            log(.info, "client disconnected", client)
        case .silent(let client):
            progress[client, default: blank(client)].connected = false
            log(.warning, "client went silent", client)
        case .violated(let client, let code, let message):
            log(
                .warning,
                "client broke the protocol",
                client,
                ["code": "\(code.name)", "reason": "\(message)"]
            )
        case .late(let client, let round, let step):
            try await store.note(
                "late",
                round: round,
                client: client,
                detail: step.map { "step \($0)" } ?? "update"
            )
            logger.warning("a contribution came late", metadata: phase(round, step, ["client": "\(client)"]))
        case .leftBehind(let round, let step, let clients):
            let names = clients.joined(separator: ",")
            try await store.note(
                "leftBehind",
                round: round,
                detail: "\(step.map { "step \($0) " } ?? "")\(names)"
            )
            logger.warning(
                "going on without stragglers",
                metadata: phase(round, step, ["clients": "\(names)"])
            )
        case .belowQuorum(let round, let step, let present, let quorum, let missing):
            logger.warning(
                "waiting: below quorum at the deadline",
                metadata: phase(
                    round,
                    step,
                    [
                        "present": "\(present)", "quorum": "\(quorum)",
                        "missing": "\(missing.joined(separator: ","))",
                    ]
                )
            )
        case .progress(let client, let step):
            progress[client] = RunStatus.Client(
                name: client,
                connected: true,
                step: step.step,
                reward: step.metrics.first { $0.name == "reward" }?.value,
                loss: step.metrics.first { $0.name == "loss" }?.value
            )
            logger.debug("progress", metadata: phase(step.round, step.step, ["client": "\(client)"]))
            try await record(step, of: client)
        }
    }

    /// Appends what a client reports of a step to `metrics.jsonl`, and says something in the log now and then. Only
    /// steps of the round under way count, so that no client can fill the disk.
    private func record(_ progress: StepProgress, of client: String) async throws {
        let steps = plan.steps
        guard progress.round == machine.record.completedRounds, progress.step < steps else { return }
        let isPublic =
            isPublicStep(progress.step, localPerPublic: plan.localPerPublic)
            && !machine.isSkipped(progress.step, for: client)
        let line = StepLine(
            kind: isPublic ? .public : .local,
            client: client,
            round: progress.round,
            step: progress.round * steps + progress.step + 1,
            metrics: Dictionary(progress.metrics.map { ($0.name, $0.value) }) { first, _ in first }
        )
        if let reason = await store.append(line) {
            logger.warning("metrics cannot be written", metadata: ["reason": "\(reason)"])
        }
        // The slowest of those that are here says how far the round is.
        reached[client] = max(reached[client] ?? 0, line.step)
        let present = self.progress.values.filter(\.connected)
        let slowest = (present.map { reached[$0.name] ?? 0 }.min() ?? 0) - progress.round * steps
        guard slowest > 0, pace.isDue(round: progress.round, step: slowest, of: steps) else { return }
        var metadata = phase(progress.round, nil, [:])
        metadata["step"] = "\(progress.round * steps + slowest)"
        metadata["steps"] = "\(plan.rounds * steps)"
        for (name, values) in [
            ("reward", present.compactMap(\.reward)), ("loss", present.compactMap(\.loss)),
        ]
        where !values.isEmpty {
            metadata[name] = "\(StepPace.rounded(values.reduce(0, +) / Double(values.count)))"
        }
        logger.info("all clients have taken this step", metadata: metadata)
    }

    /// Logs a line about one client, within the budget of such lines; those beyond it are counted in a later one.
    private func log(
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ client: String,
        _ others: Logger.Metadata = [:]
    ) {
        guard let unsaid = noteBudget.spend("\(client) \(message)", at: now) else { return }
        var metadata = others
        metadata["client"] = "\(client)"
        if unsaid > 0 { metadata["unsaid"] = "\(unsaid)" }
        logger.log(level: level, message, metadata: metadata)
    }

    private func phase(_ round: Int?, _ step: Int?, _ others: Logger.Metadata) -> Logger.Metadata {
        var metadata = others
        if let round { metadata["round"] = "\(round)" }
        if let step { metadata["step"] = "\(step)" }
        return metadata
    }

    private func blank(_ client: String) -> RunStatus.Client {
        RunStatus.Client(name: client, connected: false)
    }

    /// The run as it is now.
    var status: RunStatus {
        let record = machine.record
        let totals = counter.totals
        let phase: RunStatus.Phase =
            if record.completedRounds == plan.rounds {
                .finished
            } else if let current = record.current {
                current.closedWith == nil ? .training : .aggregating
            } else {
                .enrolling
            }
        let certified = certificates(sessions.values.map(\.connection.peer).sorted { $0.uri < $1.uri })
        let waiting = waitingFor(record)
        return RunStatus(
            phase: phase,
            round: record.completedRounds,
            rounds: plan.rounds,
            steps: plan.steps,
            measure: evaluations.values.first?.measure,
            values: evaluations.sorted { $0.key < $1.key }.map(\.value.value),
            vetoed: record.vetoed,
            bytesUp: totals.up,
            bytesDown: totals.down,
            clients: machine.plan.clients.map { progress[$0] ?? blank($0) },
            waitingFor: waiting,
            expiring: certified.due,
            overlap: overlap,
            federation: plan.federation,
            waitingSince: waitingSince.filter { waiting.contains($0.key) }.mapValues(CoordinatorNode.time),
            certificates: certified.all,
            adapter: record.completedRounds > 0 ? files.adapter : nil,
            updated: CoordinatorNode.time(wallClockMs())
        )
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
    }

    /// Notes since when clients are being waited for.
    private func noteWaiting() {
        let waiting = Set(waitingFor(machine.record))
        waitingSince = waitingSince.filter { waiting.contains($0.key) }
        let now = wallClockMs()
        for client in waiting where waitingSince[client] == nil { waitingSince[client] = now }
    }

    /// The status as an operator gets it: without the clients where they are too many for one message.
    func statusReport() throws -> Report {
        noteWaiting()
        var status = self.status
        var text = try status.json()
        if text.utf8.count > Limits.statusBytesMax {
            status.clients = []
            status.waitingFor = []
            status.waitingSince = [:]
            status.certificates = Array(status.certificates.prefix(3))
            status.expiring = Array(status.expiring.prefix(3))
            status.values = status.values.suffix(100)
            text = try status.json()
        }
        return Report(status: Array(text.utf8))
    }

    /// Who keeps the present phase from ending: those whose contribution others have made already, or else
    /// everyone who has not delivered this round's update.
    private func waitingFor(_ record: CoordinatorRecord) -> [String] {
        guard let current = record.current else {
            guard record.completedRounds < plan.rounds else { return machine.uninformed }
            return machine.plan.clients.filter { progress[$0]?.connected != true }
        }
        guard current.closedWith == nil else { return [] }
        let open = current.responses.keys.sorted().first { current.closedSteps[$0] == nil }
        return machine.plan.clients.filter { client in
            guard record.takesPart(client, in: current.round), machine.isAwaited(client) else { return false }
            if let open { return current.responses[open]?[client] == nil && current.updates[client] == nil }
            return current.updates[client] == nil
        }
    }

    /// Writes `status.json`, at most twice a second unless it must be now.
    func writeStatus(force: Bool) {
        guard let statusFile = files.status, force || ContinuousClock.now - lastStatus > .milliseconds(500)
        else { return }
        lastStatus = .now
        noteWaiting()
        do {
            try Data(status.json().utf8).write(to: URL(filePath: statusFile), options: .atomic)
        } catch {
            // A display is not worth a run; the ledger is where a full disk counts.
            logger.debug("status not written", metadata: ["reason": "\(FaultText.sentence(error))"])
        }
    }
}
