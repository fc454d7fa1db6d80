import Digest
import Randomness
import Wire

@testable import Rounds

/// A coordinator's process and its disk.
struct SimulatedCoordinator {
    // The process: lost in a crash.
    var machine: CoordinatorMachine?
    var epoch = 0
    /// Uploads under way: how many chunks there are, by digest.
    var partial: [SHA256Digest: Int] = [:]
    // The disk.
    var facts: [String] = []
    var stored: Set<SHA256Digest> = []
    var adapters: [Int: SHA256Digest] = [0: hash("initial")]
    var pools: [CoordinatorBlob: SHA256Digest] = [:]
    // The end.
    var outcome: CoordinatorOutcome?

    func digest(of blob: CoordinatorBlob) -> SHA256Digest? {
        switch blob {
        case .adapter(let round): adapters[round]
        case .batch(let round, let step): hash("batch", "\(round)", "\(step)")
        case .pool: pools[blob]
        }
    }
}

extension Simulation {
    mutating func startCoordinator() {
        guard coordinator.machine == nil, coordinator.outcome == nil else { return }
        do {
            let facts = coordinator.facts.compactMap { CoordinatorFact($0) }
            checks.expect(facts.count == coordinator.facts.count, "a fact cannot be read back")
            let record = try CoordinatorRecord(replaying: facts)
            coordinator.machine = CoordinatorMachine(plan: plan, restoring: record)
        } catch {
            return checks.expect(false, "the record cannot be restored: \(error)")
        }
        coordinatorHandles(.started)
    }

    mutating func crashCoordinator() {
        guard coordinator.machine != nil, coordinator.outcome == nil else { return }
        coordinator.machine = nil
        coordinator.epoch += 1
        coordinator.partial = [:]
        for id in wires.keys.sorted() where wires[id]?.isOpenAtCoordinator == true {
            // What was sent before the crash may still arrive.
            if random.below(2) == 0 { wires[id]?.isCut = true }
            closeAtCoordinator(id)
        }
        schedule(.startCoordinator, after: delay(5_000))
    }

    mutating func coordinatorHandles(_ event: CoordinatorEvent) {
        guard let actions = coordinator.machine?.handle(event, at: now) else { return }
        for action in actions {
            if crashChance > 0, random.below(1_000_000) < crashChance { return crashCoordinator() }
            perform(action)
        }
    }

    private mutating func perform(_ action: CoordinatorAction) {
        switch action {
        case .record(let fact):
            checks.recorded(fact)
            coordinator.facts.append("\(fact)")
        case .send(let message, let id): send(message, over: id)
        case .offer(let blob, let id): offer(blob, id)
        case .sendChunks(let blob, let transfer, let from, let id):
            checks.expect(coordinator.digest(of: blob) == transfer, "chunks of another blob are asked for")
            for index in from..<max(from, chunkCount(transfer)) {
                send(CoordinatorMessage.chunk(Chunk(transfer: transfer, index: index, bytes: [0])), over: id)
            }
        case .receive(let transfer, let manifest): receive(transfer, manifest)
        case .takeChunk(let chunk, let transfer): take(chunk, transfer)
        case .close(let id): closeAtCoordinator(id)
        case .computePool(let round, let step, _): work(.pooled(round: round, step: step))
        case .aggregate(let round, let clients):
            checks.closed(round, with: clients)
            work(.aggregated(round: round, adapter: hash("not yet")))
        case .evaluate(let round, let clients):
            checks.closed(round, with: clients)
            work(isVetoed(round) ? .vetoed(round: round, adapter: hash("not yet")) : .evaluated(round: round))
        case .checkpoint(let round): work(.checkpointed(round: round))
        case .setTimer(let time): schedule(.coordinatorTimer(epoch: coordinator.epoch), after: time - now)
        case .note(let note): checks.noted(note)
        case .finish(let outcome): coordinator.outcome = outcome
        }
    }

    private mutating func work(_ event: CoordinatorEvent) {
        schedule(.coordinatorWork(epoch: coordinator.epoch, event), after: delay(300))
    }

    /// Work is done: its result goes to disk, and the machine hears of it.
    mutating func complete(_ event: CoordinatorEvent) {
        guard let record = coordinator.machine?.record else { return }
        switch event {
        case .pooled(let round, let step):
            let members = record.current?.closedSteps[step] ?? []
            let all = members.sorted().map {
                "\($0)=\(record.current?.responses[step]?[$0]?.description ?? "?")"
            }
            for client in members {
                let blob = CoordinatorBlob.pool(round: round, step: step, client: client)
                coordinator.pools[blob] = hash("pool", client, all.joined(separator: ","))
            }
            coordinatorHandles(event)
        case .aggregated(let round, _):
            let clients = record.current?.closedWith ?? []
            let all = clients.map { "\($0)=\(record.current?.updates[$0]?.digest.description ?? "?")" }
            let adapter = hash("adapter", all.joined(separator: ","))
            coordinator.adapters[round + 1] = adapter
            coordinatorHandles(.aggregated(round: round, adapter: adapter))
        case .vetoed(let round, _):
            guard let adapter = coordinator.adapters[round] else {
                return checks.expect(false, "round \(round) began without an adapter")
            }
            coordinator.adapters[round + 1] = adapter
            coordinatorHandles(.vetoed(round: round, adapter: adapter))
        case .transferStored(let transfer):
            coordinator.stored.insert(transfer.digest)
            coordinatorHandles(event)
        default: coordinatorHandles(event)
        }
    }

    private mutating func offer(_ blob: CoordinatorBlob, _ id: ConnectionID) {
        guard let digest = coordinator.digest(of: blob) else {
            return checks.expect(false, "\(blob) is offered before there is one")
        }
        let chunks = chunkCount(digest)
        switch blob {
        case .adapter(let round):
            let manifest = manifest(.adapter, digest, chunks: chunks)
            send(.roundStart(RoundStart(round: round, manifest: manifest)), over: id)
        case .batch(let round, let step):
            let manifest = manifest(.batch, digest, chunks: chunks)
            send(.batch(Batch(round: round, step: step, manifest: manifest)), over: id)
        case .pool(let round, let step, let client):
            checks.expect(wires[id].map { clients[$0.client].name } == client, "another client's pool")
            let manifest = manifest(.pool, digest, chunks: chunks)
            send(.pool(Pool(round: round, step: step, manifest: manifest)), over: id)
        }
    }

    private mutating func receive(_ transfer: Transfer, _ manifest: Manifest) {
        let chunks = chunkCount(transfer.digest)
        let have =
            coordinator.stored.contains(transfer.digest) ? chunks : coordinator.partial[transfer.digest] ?? 0
        coordinator.partial[transfer.digest] = have
        send(
            CoordinatorMessage.continue(Continue(transfer: transfer.digest, fromChunk: have)),
            over: transfer.connection
        )
        if have == chunks { work(.transferStored(transfer)) }
    }

    private mutating func take(_ chunk: Chunk, _ transfer: Transfer) {
        guard let have = coordinator.partial[transfer.digest], chunk.index == have else {
            return checks.expect(false, "chunk \(chunk.index) of an upload that is elsewhere")
        }
        checks.expect(chunk.transfer == transfer.digest, "a chunk of another transfer")
        coordinator.partial[transfer.digest] = have + 1
        if have + 1 == chunkCount(transfer.digest) { work(.transferStored(transfer)) }
    }
}
