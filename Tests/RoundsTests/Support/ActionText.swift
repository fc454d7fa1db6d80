import Digest
import Wire

@testable import Rounds

/// Actions as the lines of scenario files; digests by the names that the scenario gave them.
struct ActionText {
    var names: [String: String] = [:]

    mutating func digest(_ name: String) -> SHA256Digest {
        let value = RoundsTests.digest(name)
        names["\(value)"] = name
        return value
    }

    func named(_ line: String) -> String {
        names.reduce(line) { text, name in text.replacing(name.key, with: name.value) }
    }

    /// Nil for timers, which scenarios leave out.
    func line(_ action: CoordinatorAction) -> String? {
        switch action {
        case .record(let fact): named("record \(fact)")
        case .send(let message, let id): named("\(id) <- \(text(message))")
        case .offer(let blob, let id): "\(id) <- \(text(blob))"
        case .sendChunks(let blob, let transfer, let from, let id):
            named("\(id) <- chunks of \(text(blob)) \(transfer) from \(from)")
        case .receive(let transfer, _): "receive \(text(transfer))"
        case .takeChunk(let chunk, let transfer): "take chunk \(chunk.index) of \(text(transfer))"
        case .close(let id): "close \(id)"
        case .computePool(let round, let step, let clients):
            "computePool \(round) \(step) \(clients.joined(separator: ","))"
        case .aggregate(let round, let clients): "aggregate \(round) \(list(clients))"
        case .evaluate(let round, let clients): "evaluate \(round) \(list(clients))"
        case .checkpoint(let round): "checkpoint \(round)"
        case .setTimer: nil
        case .note(let note): "note \(text(note))"
        case .finish(let outcome): "finish \(outcome)"
        }
    }

    private func text(_ message: CoordinatorMessage) -> String {
        switch message {
        case .welcome(let welcome): "welcome \(welcome.session)"
        case .refused(let refused): "refused \(refused.code.name)"
        case .roundStart(let start): "roundStart \(start.round)"
        case .batch(let batch): "batch \(batch.round) \(batch.step)"
        case .pool(let pool): "pool \(pool.round) \(pool.step)"
        case .stepSkipped(let skipped): "stepSkipped \(skipped.round) \(skipped.step)"
        case .accepted(let accepted): "accepted \(accepted.transfer)"
        case .rejected(let rejected):
            "rejected \(rejected.code.name)" + (rejected.transfer.map { " \($0)" } ?? "")
        case .finished(let finished): "finished \(finished.rounds) \(finished.adapter)"
        case .drain(let drain): "drain \(drain.reconnectAfterMs)"
        case .report: "report"
        case .continue(let request): "continue \(request.transfer) \(request.fromChunk)"
        case .chunk(let chunk): "chunk \(chunk.index)"
        case .heartbeat: "heartbeat"
        }
    }

    private func text(_ blob: CoordinatorBlob) -> String {
        switch blob {
        case .adapter(let round): "adapter \(round)"
        case .batch(let round, let step): "batch \(round) \(step)"
        case .pool(let round, let step, let client): "pool \(round) \(step) \(client)"
        }
    }

    private func text(_ transfer: Transfer) -> String {
        let place =
            switch transfer.place {
            case .responses(let round, let step): "responses \(round) \(step)"
            case .update(let round): "update \(round)"
            }
        return named("\(place) of \(transfer.client): \(transfer.digest)")
    }

    private func list(_ clients: [String]) -> String {
        clients.isEmpty ? "-" : clients.joined(separator: ",")
    }

    private func text(_ note: CoordinatorNote) -> String {
        switch note {
        case .admitted(let client, let session): "admitted \(client) \(session)"
        case .turnedAway(let name, let code, let message): "turnedAway \(name) \(code.name): \(message)"
        case .replaced(let client, let from, let by):
            "replaced \(client)\(from.isEmpty ? "" : " \(from) by \(by)")"
        case .left(let client, let reason): "left \(client): \(reason)"
        case .ahead(let client, let round, let completed): "ahead \(client) \(round) of \(completed)"
        case .membersAdded(let round, let clients): "membersAdded \(round) \(clients.joined(separator: ","))"
        case .tooLateForMembers(let clients): "tooLateForMembers \(clients.joined(separator: ","))"
        case .uninformed(let clients): "uninformed \(clients.joined(separator: ","))"
        case .disconnected(let client): "disconnected \(client)"
        case .silent(let client): "silent \(client)"
        case .violated(let client, let code, let message): "violated \(client) \(code.name): \(message)"
        case .late(let client, let round, let step): "late \(client) \(round)\(step.map { " \($0)" } ?? "")"
        case .leftBehind(let round, let step, let clients):
            "leftBehind \(round)\(step.map { " \($0)" } ?? ""): \(clients.joined(separator: ","))"
        case .belowQuorum(let round, let step, let present, let quorum, let missing):
            "belowQuorum \(round.map { "\($0)" } ?? "start")\(step.map { " \($0)" } ?? ""): "
                + "\(present) of \(quorum), missing \(missing.joined(separator: ","))"
        case .progress(let client, let progress): "progress \(client) \(progress.round) \(progress.step)"
        }
    }
}

extension ActionText {
    /// Nil for timers, which scenarios leave out.
    func line(_ action: ClientAction) -> String? {
        switch action {
        case .connect: "connect"
        case .hangUp: "hangUp"
        case .send(let message): named("-> \(text(message))")
        case .offer(let upload): "-> offer \(text(upload))"
        case .sendChunks(let upload, let from): "-> chunks of \(text(upload)) from \(from)"
        case .stopSending(let upload): "stopSending \(text(upload))"
        case .receive(let blob, _): "receive \(text(blob))"
        case .takeChunk(let chunk, let blob): "take chunk \(chunk.index) of \(text(blob))"
        case .prepare(let welcome): "prepare \(welcome.trainer)"
        case .beginRound(let round): "beginRound \(round)"
        case .startLocalSteps(let round, let steps): "localSteps \(round) \(steps)"
        case .respond(let round, let step): "respond \(round) \(step)"
        case .absorb(let round, let step): "absorb \(round) \(step)"
        case .packUpdate(let round): "packUpdate \(round)"
        case .keepResult(let finished): named("keepResult \(finished.rounds) \(finished.adapter)")
        case .save(let record):
            named("save \("\(ClientRecord(terms: nil, place: record.place))".dropFirst(2))")
        case .discard(let upload): "discard \(text(upload))"
        case .setTimer: nil
        case .note(let note): "note \(text(note))"
        case .finish(let outcome): named("finish \(text(outcome))")
        }
    }

    private func text(_ message: ClientMessage) -> String {
        switch message {
        case .hello(let hello): "hello \(hello.client)"
        case .fetchRound(let request): "fetchRound \(request.after)"
        case .fetchBatch(let request): "fetchBatch \(request.round) \(request.step)"
        case .offerResponses(let offer): "offerResponses \(offer.round) \(offer.step)"
        case .fetchPool(let request): "fetchPool \(request.round) \(request.step)"
        case .offerUpdate(let offer): "offerUpdate \(offer.round)"
        case .progress(let progress): "progress \(progress.round) \(progress.step)"
        case .bye(let bye): "bye: \(bye.reason)"
        case .ask(let ask): "ask: \(ask.what.rawValue)"
        case .continue(let request): "continue \(request.transfer) \(request.fromChunk)"
        case .chunk(let chunk): "chunk \(chunk.index)"
        case .heartbeat: "heartbeat"
        }
    }

    private func text(_ upload: ClientUpload) -> String {
        switch upload {
        case .responses(let round, let step): "responses \(round) \(step)"
        case .update(let round): "update \(round)"
        }
    }

    private func text(_ blob: ClientDownload) -> String {
        switch blob {
        case .adapter(let round): "adapter \(round)"
        case .batch(let round, let step): "batch \(round) \(step)"
        case .pool(let round, let step): "pool \(round) \(step)"
        }
    }

    private func text(_ note: ClientNote) -> String {
        switch note {
        case .welcomed(let session): "welcomed \(session)"
        case .retrying(let reason, let wait): "retrying after \(wait): \(reason)"
        case .roundBegan(let round): "roundBegan \(round)"
        case .stepSkipped(let round, let step): "stepSkipped \(round) \(step)"
        case .accepted(let upload): "accepted \(text(upload))"
        case .notCounted(let upload, let code, _): "notCounted \(text(upload)) \(code.name)"
        case .roundLost(let round, let code): "roundLost \(round) \(code.name)"
        case .withoutResult(let reason): "withoutResult: \(reason)"
        }
    }

    private func text(_ outcome: ClientOutcome) -> String {
        switch outcome {
        case .completed(let finished): "completed \(finished.rounds) \(finished.adapter)"
        case .drained: "drained"
        case .failed(let code, let reason): "failed \(code?.name ?? "-"): \(reason)"
        }
    }
}
