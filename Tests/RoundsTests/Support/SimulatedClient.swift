import Digest
import Randomness
import Wire

@testable import Rounds

/// A client's process and its disk.
struct SimulatedClient {
    /// A piece of the trainer's work.
    enum Job {
        case prepare
        case adapt(round: Int, steps: Range<Int>)
        case respond(round: Int, step: Int)
        case absorb(round: Int, step: Int)
        case pack(round: Int)
        case downloaded(ClientDownload)
    }

    let name: String
    // The process: lost in a crash.
    var machine: ClientMachine?
    var epoch = 0
    var connection: ConnectionID?
    var model = hash("untrained")
    var downloads: [ClientDownload: (digest: SHA256Digest, have: Int)] = [:]
    // The disk.
    var saved: (record: String, model: SHA256Digest)?
    var kept: [ClientUpload: SHA256Digest] = [:]
    // The end.
    var outcome: ClientOutcome?
    /// The final adapter that it fetched.
    var result: SHA256Digest?

    init(name: String) { self.name = name }

    /// Does a piece of work; its result is what the machine hears.
    mutating func finish(_ job: Job) -> ClientEvent {
        switch job {
        case .prepare:
            if let saved { model = saved.model }
            return .prepared
        case .adapt(let round, let steps):
            for step in steps { model = hash("local", name, "\(model)", "\(round)", "\(step)") }
            return .adapted(round: round, steps: steps)
        case .respond(let round, let step):
            let batch = downloads[.batch(round: round, step: step)]?.digest.description ?? "?"
            let digest = hash("responses", name, "\(model)", batch)
            kept[.responses(round: round, step: step)] = digest
            return .responded(round: round, step: step, digest: digest)
        case .absorb(let round, let step):
            let pool = downloads[.pool(round: round, step: step)]?.digest.description ?? "?"
            model = hash("absorb", "\(model)", pool)
            return .absorbed(round: round, step: step)
        case .pack(let round):
            let digest = hash("update", name, "\(model)")
            kept[.update(round: round)] = digest
            return .packed(round: round, digest: digest)
        case .downloaded(let blob): return .downloaded(blob)
        }
    }
}

extension Simulation {
    mutating func startClient(_ index: Int) {
        guard clients[index].machine == nil, clients[index].outcome == nil else { return }
        var record = ClientRecord()
        if let saved = clients[index].saved {
            guard let read = ClientRecord(saved.record) else {
                return checks.expect(false, "'\(saved.record)' cannot be read back")
            }
            record = read
        }
        var stream = RandomStream(seed: 1, clients[index].name, "back-off", clients[index].epoch)
        let jitter = (0..<16).map { _ in stream.uniform() }
        let backOff = BackOff(firstMs: 100, longestMs: 4_000, jitter: jitter)
        clients[index].machine = ClientMachine(
            plan: plan.client(clients[index].name, backOff: backOff),
            restoring: record
        )
        clientHandles(index, .started)
    }

    mutating func crashClient(_ index: Int) {
        guard clients[index].machine != nil, clients[index].outcome == nil else { return }
        clients[index].machine = nil
        clients[index].epoch += 1
        clients[index].downloads = [:]
        clients[index].model = hash("lost")
        if let id = clients[index].connection {
            clients[index].connection = nil
            // What was sent before the crash may still arrive; half of the time the host dies as well,
            // and the coordinator takes a while to notice.
            if random.below(2) == 0 { wires[id]?.isCut = true }
            let isCut = wires[id]?.isCut == true
            let arrival = max((wires[id]?.toCoordinator ?? now) - now, 0) + 1
            schedule(.coordinatorLoses(id), after: isCut ? delay(8_000) : arrival)
        }
        schedule(.startClient(index), after: delay(6_000))
    }

    mutating func clientHandles(_ index: Int, _ event: ClientEvent) {
        guard clients[index].outcome == nil, let actions = clients[index].machine?.handle(event, at: now)
        else {
            return
        }
        for action in actions { perform(action, index) }
    }

    private mutating func perform(_ action: ClientAction, _ index: Int) {
        switch action {
        case .connect: schedule(.connected(index, epoch: clients[index].epoch), after: delay(60))
        case .hangUp: closeAtClient(index)
        case .send(let message):
            if let id = clients[index].connection { send(message, over: id) }
        case .offer(let upload): offer(upload, index)
        case .sendChunks(let upload, let from):
            guard let id = clients[index].connection, let digest = clients[index].kept[upload] else { return }
            for chunk in from..<max(from, chunkCount(digest)) {
                send(ClientMessage.chunk(Chunk(transfer: digest, index: chunk, bytes: [0])), over: id)
            }
        case .stopSending: break
        case .receive(let blob, let manifest):
            let known = clients[index].downloads[blob]
            let have = known?.digest == manifest.digest ? known?.have ?? 0 : 0
            clients[index].downloads[blob] = (manifest.digest, have)
            guard let id = clients[index].connection else { return }
            send(ClientMessage.continue(Continue(transfer: manifest.digest, fromChunk: have)), over: id)
            if have == chunkCount(manifest.digest) { job(.downloaded(blob), index) }
        case .takeChunk(let chunk, let blob): take(chunk, blob, index)
        case .prepare: job(.prepare, index)
        case .beginRound(let round):
            let adapter = clients[index].downloads[.adapter(round: round)]?.digest.description ?? "?"
            clients[index].model = hash("begin", adapter)
        case .startLocalSteps(let round, let steps): job(.adapt(round: round, steps: steps), index)
        case .respond(let round, let step): job(.respond(round: round, step: step), index)
        case .absorb(let round, let step): job(.absorb(round: round, step: step), index)
        case .packUpdate(let round): job(.pack(round: round), index)
        case .keepResult(let finished):
            clients[index].result = clients[index].downloads[.adapter(round: finished.rounds)]?.digest
        case .save(let record): clients[index].saved = ("\(record)", clients[index].model)
        case .discard(let upload): clients[index].kept[upload] = nil
        case .setTimer(let time):
            schedule(.clientTimer(index, epoch: clients[index].epoch), after: time - now)
        case .note(let note): checks.noted(note, by: clients[index])
        case .finish(let outcome): clients[index].outcome = outcome
        }
    }

    private mutating func job(_ job: SimulatedClient.Job, _ index: Int) {
        let wait = delay(200) * Tick(slowness[index])
        schedule(.clientWork(index, epoch: clients[index].epoch, job), after: wait)
    }

    private mutating func offer(_ upload: ClientUpload, _ index: Int) {
        guard let id = clients[index].connection else { return }
        guard let digest = clients[index].kept[upload] else {
            return checks.expect(false, "\(clients[index].name) offers what it has not kept: \(upload)")
        }
        let chunks = chunkCount(digest)
        switch upload {
        case .responses(let round, let step):
            let manifest = manifest(.responses, digest, chunks: chunks)
            send(.offerResponses(OfferResponses(round: round, step: step, manifest: manifest)), over: id)
        case .update(let round):
            let manifest = manifest(.update, digest, chunks: chunks)
            send(
                .offerUpdate(OfferUpdate(round: round, manifest: manifest, examples: index + 1, metrics: [])),
                over: id
            )
        }
    }

    private mutating func take(_ chunk: Chunk, _ blob: ClientDownload, _ index: Int) {
        guard let known = clients[index].downloads[blob], known.digest == chunk.transfer,
            known.have == chunk.index
        else { return checks.expect(false, "chunk \(chunk.index) of a download that is elsewhere") }
        clients[index].downloads[blob]?.have += 1
        if known.have + 1 == chunkCount(known.digest) { job(.downloaded(blob), index) }
    }
}
