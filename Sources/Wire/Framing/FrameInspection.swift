internal import Contract
internal import Digest

/// Says in words what captured bytes are, for `tributary inspect` and for test vectors.
///
/// Payload bytes are counted, never shown.
package enum FrameInspection {
    /// One line for each fact about the frames in a capture of one direction; the last line names
    /// the error if there is one.
    package static func describe(_ bytes: some Collection<UInt8>) -> [String] {
        var decoder = FrameDecoder(from: nil)
        decoder.append(bytes)
        var lines: [String] = []
        var position = 0
        do throws(WireError) {
            while let frame = try decoder.next() {
                let type = "\(frame.type) (type \(frame.type.rawValue))"
                lines.append("frame at byte \(position): \(type), body \(frame.body.count) B")
                position += Frame.headerBytes + frame.body.count
                lines += try describe(frame).map { "    \($0)" }
            }
            try decoder.finish()
        } catch {
            lines.append("error \(error.code.rawValue) \(error.code.name): \(error)")
        }
        return lines
    }

    /// The fields of the message in a frame, `name: value`, with the names of the `.proto` files.
    package static func describe(_ frame: Frame) throws(WireError) -> [String] {
        frame.type.mayCome(from: .client)
            ? lines(of: try ClientMessage(frame: frame)) : lines(of: try CoordinatorMessage(frame: frame))
    }

    static func lines(of message: ClientMessage) -> [String] {
        switch message {
        case .hello(let hello):
            [
                "protocol_version: \(hello.protocolVersion)", "software: \(hello.software)",
                "federation: \(hello.federation)", "client: \(hello.client)", "trainer: \(hello.trainer)",
            ] + hello.fingerprint.map { "fingerprint \($0.name): \($0.value)" }
        case .fetchRound(let request): ["after: \(request.after)"]
        case .fetchBatch(let request): place(request.round, request.step)
        case .offerResponses(let offer): place(offer.round, offer.step) + lines(of: offer.manifest)
        case .fetchPool(let request): place(request.round, request.step)
        case .offerUpdate(let offer):
            ["round: \(offer.round)"] + lines(of: offer.manifest) + ["examples: \(offer.examples)"]
                + offer.metrics.map(line)
        case .progress(let progress): place(progress.round, progress.step) + progress.metrics.map(line)
        case .bye(let bye): ["reason: \(bye.reason)"]
        case .ask(let ask): ["what: \(ask.what.rawValue)"]
        case .continue(let request): lines(of: request)
        case .chunk(let chunk): lines(of: chunk)
        case .heartbeat: []
        }
    }

    static func lines(of message: CoordinatorMessage) -> [String] {
        switch message {
        case .welcome(let welcome):
            [
                "session: \(welcome.session)", "seed: \(welcome.seed)", "trainer: \(welcome.trainer)",
                "settings: \(welcome.settings.count) B", "rounds: \(welcome.rounds)",
                "steps: \(welcome.steps)", "local_per_public: \(welcome.localPerPublic)",
                "heartbeat_ms: \(welcome.heartbeatMs)", "encoding: \(welcome.encoding.rawValue)",
            ] + (welcome.heldOut.isEmpty ? [] : ["held_out: \(welcome.heldOut.count) B"])
        case .refused(let refused): [line(refused.code), "message: \(refused.message)"]
        case .roundStart(let start): ["round: \(start.round)"] + lines(of: start.manifest)
        case .batch(let batch): place(batch.round, batch.step) + lines(of: batch.manifest)
        case .pool(let pool): place(pool.round, pool.step) + lines(of: pool.manifest)
        case .stepSkipped(let notice): place(notice.round, notice.step)
        case .accepted(let accepted): ["transfer: \(accepted.transfer)"]
        case .rejected(let rejected):
            [
                line(rejected.code), "message: \(rejected.message)",
                "transfer: \(rejected.transfer?.description ?? "none")",
            ]
        case .finished(let finished): ["rounds: \(finished.rounds)", "adapter: \(finished.adapter)"]
        case .drain(let drain): ["reconnect_after_ms: \(drain.reconnectAfterMs)"]
        case .report(let report): ["status: \(report.status.count) B"]
        case .continue(let request): lines(of: request)
        case .chunk(let chunk): lines(of: chunk)
        case .heartbeat: []
        }
    }

    /// The manifest's facts: one line for the whole and one for each entry.
    package static func lines(of manifest: Manifest) -> [String] {
        let head =
            "manifest: \(manifest.kind.rawValue), \(manifest.entries.count) entries, "
            + "\(manifest.rawBytes) raw B, \(manifest.encodedBytes) encoded B, digest \(manifest.digest)"
        return [head]
            + manifest.entries.map { entry in
                "entry \(entry.name): \(entry.elementType.rawValue) \(entry.shape) "
                    + "\(entry.compression.rawValue), \(entry.rawBytes) raw B, \(entry.encodedBytes) encoded B"
            }
    }

    private static func place(_ round: Int, _ step: Int) -> [String] { ["round: \(round)", "step: \(step)"] }

    private static func line(_ metric: Metric) -> String { "metric \(metric.name): \(metric.value)" }

    private static func line(_ code: ErrorCode) -> String { "code: \(code.rawValue) \(code.name)" }

    private static func lines(of request: Continue) -> [String] {
        ["transfer: \(request.transfer)", "from_chunk: \(request.fromChunk)"]
    }

    private static func lines(of chunk: Chunk) -> [String] {
        ["transfer: \(chunk.transfer)", "index: \(chunk.index)", "bytes: \(chunk.bytes.count) B"]
    }
}
