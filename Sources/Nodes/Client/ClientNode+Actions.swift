internal import Aggregation
internal import Contract
internal import Logging
internal import Rounds
internal import Topology
internal import Wire

/// Performs what the machine decides.
extension ClientNode {
    func perform(_ action: ClientAction) async throws {
        switch action {
        case .connect: connect()
        case .hangUp: hangUp()
        case .send(let message): link?.post(message)
        case .offer(let upload): try await offer(upload)
        case .sendChunks(_, let first):
            if let offered { link?.post(chunksOf: offered, from: min(first, offered.chunks.count)) }
        case .stopSending: link?.stopChunks()
        case .receive(_, let manifest): try await receive(manifest)
        case .takeChunk(let chunk, let blob): try await take([chunk], of: blob)
        case .prepare(let welcome):
            beside("preparing the trainer") { node in try await node.prepare(heldOut: welcome.heldOut) }
        case .beginRound(let round): try await beginRound(round)
        case .startLocalSteps(let round, let steps):
            beside("local steps") { node in try await node.adapt(round, steps) }
        case .respond(let round, let step):
            beside("responding") { node in try await node.respond(round, step) }
        case .absorb(let round, let step):
            beside("absorbing a pool") { node in try await node.absorb(round, step) }
        case .keepResult(let finished): try await keepResult(finished)
        case .packUpdate(let round):
            beside("packing the update") { node in try await node.packUpdate(round) }
        case .save(let record): try await save(record)
        case .discard: try await store.discard()
        case .setTimer(let tick): setTimer(tick)
        case .note(let note): tell(note)
        case .finish(let outcome): self.outcome = outcome
        }
    }

    // MARK: - Trainer

    private func prepare(heldOut: [UInt8]) async throws {
        let snapshot = saved?.trainer ?? []
        try await trainer.prepare { [clock, makeTrainer, compare, logger] in
            if let overlap = try compare(heldOut) {
                logger.log(
                    level: overlap.isFound ? .warning : .info,
                    "compared private items with held-out ones",
                    metadata: ["found": "\(overlap.description)"]
                )
            }
            return try makeTrainer(clock.timer)
        }
        if !snapshot.isEmpty { try await trainer.run { try $0.restore(snapshot) } }
        if let saved {
            broadcast = saved.broadcast
            feedback = ErrorFeedback(residual: try saved.residual.map { try BlobDecoder.adapter(from: $0) })
            residual = saved.residual
            reports = saved.reports
            if saved.beginsRound, let broadcast, case .phase(let round, _) = saved.record.place {
                try await begin(round, with: broadcast)
            }
        }
        saved = nil
        clock.enter(.waiting)
        post(.prepared)
    }

    private func beginRound(_ round: Int) async throws {
        guard let downloaded else { throw NodeError(.failed, "round \(round) began without an adapter") }
        clock.enter(.other)
        try await begin(round, with: downloaded)
        broadcast = downloaded
        reports = []
    }

    private func begin(_ round: Int, with blob: EncodedBlob) async throws {
        try await trainer.run { trainer in
            let own = trainer.adapter
            let adapter = try own.layout.travelling.apply(to: BlobDecoder.adapter(from: blob))
            try trainer.beginRound(round, adapter: adapter.adding(localPartsOf: own))
        }
        unsaved = unsaved == .nothing ? .beginning : .more
    }

    private func adapt(_ round: Int, _ steps: Range<Int>) async throws {
        clock.enter(.working)
        unsaved = .more
        var (report, seconds) = try await trainer.run { [self] trainer in
            var sums: [String: Double] = [:]
            let report = try trainer.adapt(StepPlan(round: round, steps: steps)) { report in
                let seconds = clock.take()
                sums.merge(seconds, uniquingKeysWith: +)
                self.report(report, .local, seconds: seconds)
                if delayPerStep > .zero { pause(delayPerStep) }
                if self.trainer.isInterrupted { throw CancellationError() }
            }
            return (report, sums)
        }
        clock.enter(.other)
        report.metrics.merge(seconds) { _, measured in measured }
        reports.append(SavedReport(report))
        post(.adapted(round: round, steps: steps))
    }

    private func respond(_ round: Int, _ step: Int) async throws {
        guard let downloaded else { throw NodeError(.failed, "there is no batch to respond to") }
        clock.enter(.working)
        unsaved = .more
        let blob = try await trainer.run { trainer in
            try BlobEncoder.encode(trainer.respond(to: BlobDecoder.batch(from: downloaded)))
        }
        clock.enter(.other)
        try await store.keep(blob, draft: nil, examples: 0, metrics: [])
        offered = blob
        post(.responded(round: round, step: step, digest: blob.manifest.digest))
    }

    private func absorb(_ round: Int, _ step: Int) async throws {
        guard let downloaded else { throw NodeError(.failed, "there is no pool to absorb") }
        clock.enter(.working)
        unsaved = .more
        var report = try await trainer.run { try $0.absorb(BlobDecoder.pool(from: downloaded)) }
        clock.enter(.other)
        let seconds = clock.take()
        self.report(report, .public, seconds: seconds)
        report.metrics.merge(seconds) { _, measured in measured }
        reports.append(SavedReport(report))
        post(.absorbed(round: round, step: step))
    }

    /// Packs what the adapter has changed by since the broadcast: the topology's transforms, then the encoding, which
    /// carries over to the next round what it loses.
    private func packUpdate(_ round: Int) async throws {
        guard let broadcast, let encoding = machine.record.terms?.encoding else {
            throw NodeError(.failed, "round \(round) has no adapter to compare with")
        }
        let place = UpdatePlace(seed: job.topology.seed, round: round, client: name)
        let files = (update: store.draft(), owed: store.draft())
        let (blob, feedback, owed, measured) = try await trainer.run {
            [chain = job.outgoing, feedback] trainer in
            let adapter = trainer.adapter.travelling
            var metrics: [String: Double] = [:]
            try adapter.layout.check(broadcast.manifest.layout)
            let change = try AdapterChange(of: adapter, since: broadcast)
            // Transforms look at an update as a whole; without any, no more than one array is in memory.
            var whole: AdapterWeights?
            if !chain.isEmpty { (whole, metrics) = try chain.apply(change.whole(), at: place) }
            var feedback = feedback
            var square = 0.0
            let writer = try BlobWriter(
                .update,
                encoding: encoding,
                file: files.update,
                expectedBytes: encoding.bytesPerValue * adapter.valueCount
            )
            let blob = try feedback.encode(adapter.layout, to: writer) { index in
                let array = try whole?.arrays[index] ?? change.array(at: index)
                if array.part != .summed {
                    for value in array.values { square += Double(value) * Double(value) }
                }
                return array
            }
            metrics["update/norm"] = square.squareRoot()
            metrics["update/owed_norm"] = feedback.residual?.norm ?? 0
            metrics["update/encoded_bytes"] = Double(blob.manifest.encodedBytes)
            let owed = try feedback.residual.map { try BlobEncoder.encode($0, to: files.owed) }
            return (blob, feedback, owed, metrics)
        }
        let steps = machine.record.terms?.steps ?? 0
        let mean = StepReport.mean(
            of: reports.map { $0.report(round: round) },
            for: StepPlan(round: round, steps: 0..<steps)
        )
        // Of seconds the round's sum says more than the mean over its phases.
        let seconds = reports.map(\.seconds).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        let metrics = mean.metrics.merging(seconds) { _, sum in sum }.merging(measured) { _, own in own }
        try await store.keep(
            blob,
            draft: files.update,
            owed: owed.map { ($0, files.owed) },
            examples: mean.examples,
            metrics: Metric.list(metrics)
        )
        self.feedback = feedback
        residual = owed
        offered = blob
        post(.packed(round: round, digest: blob.manifest.digest))
    }

    /// Writes the adapter that the run came to into the state directory, as the coordinator writes its own.
    private func keepResult(_ finished: Finished) async throws {
        guard let downloaded else { throw NodeError(.failed, "there is no final adapter") }
        let folder = store.directory + "/adapter"
        try await trainer.run { [job] trainer in
            let adapter = try trainer.adapter.layout.travelling.apply(
                to: BlobDecoder.adapter(from: downloaded)
            )
            guard adapter.digest == finished.adapter else {
                throw NodeError(
                    .failed,
                    "the final adapter that came is \(adapter.digest), the coordinator announced \(finished.adapter)"
                )
            }
            try job.writeAdapter(adapter, to: folder)
        }
    }

    private func offer(_ upload: ClientUpload) async throws {
        guard let kept = try await store.kept() else {
            throw NodeError(.failed, "there is no upload to offer")
        }
        offered = kept.blob
        switch upload {
        case .responses(let round, let step):
            link?.post(
                .offerResponses(OfferResponses(round: round, step: step, manifest: kept.blob.manifest))
            )
        case .update(let round):
            link?.post(
                .offerUpdate(
                    OfferUpdate(
                        round: round,
                        manifest: kept.blob.manifest,
                        examples: kept.examples,
                        metrics: kept.metrics
                    )
                )
            )
        }
    }

    private func save(_ record: ClientRecord) async throws {
        // What begins a round is the broadcast and the state before, which is saved already.
        var beginsRound = false
        if unsaved == .beginning, case .phase(_, index: 0) = record.place { beginsRound = true }
        let isSaved = unsaved == .nothing || beginsRound
        let snapshot = isSaved ? nil : try await trainer.run { try $0.snapshot() }
        try await store.save(
            ClientStore.Saved(
                record: record,
                broadcast: broadcast,
                residual: residual,
                reports: reports,
                trainer: snapshot,
                beginsRound: beginsRound
            )
        )
        if !beginsRound { unsaved = .nothing }
        clock.enter(.waiting)
    }

    /// Appends a step's line to `metrics.jsonl`, and says something in the log now and then. Where lines cannot be
    /// written the training goes on.
    func record(_ line: StepLine) async {
        if let reason = await store.append(line) {
            logger.warning("metrics cannot be written", metadata: ["reason": "\(reason)"])
        }
        let steps = job.topology.rounds.steps
        guard pace.isDue(round: line.round, step: line.step - line.round * steps, of: steps) else { return }
        var metadata = StepPace.figures(line.metrics)
        metadata["round"] = "\(line.round)"
        metadata["step"] = "\(line.step)"
        metadata["steps"] = "\(steps * job.topology.rounds.count)"
        logger.info("step", metadata: metadata)
    }

    /// Runs work beside the loop; what it throws ends the client, unless the client is ending anyway.
    private func beside(_ what: String, _ body: @escaping @Sendable (ClientNode) async throws -> Void) {
        workSender.yield {
            do {
                try await body(self)
            } catch is CancellationError {
                // Interrupted on the way out; the snapshot has everything until here.
            } catch {
                await self.fail(what, error)
            }
        }
    }

    // MARK: - Time and people

    private func setTimer(_ tick: Tick) {
        timer?.cancel()
        let wait = max(0, tick - now)
        timer = Task { [sender] in
            do {
                try await Task.sleep(for: .milliseconds(wait))
            } catch {
                // Cancelled: another timer has taken its place.
                return
            }
            sender.yield(.event(.tick))
        }
    }

    private func tell(_ note: ClientNote) {
        switch note {
        case .welcomed(let session): logger.info("admitted", metadata: ["session": "\(session)"])
        case .retrying(let reason, let wait):
            statusKeeper.trouble = reason
            logger.warning("trying again", metadata: ["reason": "\(reason)", "afterMs": "\(wait)"])
        case .roundBegan(let round): logger.info("round began", metadata: ["round": "\(round)"])
        case .stepSkipped(let round, let step):
            logger.warning(
                "public step went on without this client",
                metadata: ["round": "\(round)", "step": "\(step)"]
            )
        case .accepted(let upload): logger.debug("accepted", metadata: ["upload": "\(upload)"])
        case .notCounted(let upload, let code, let message):
            logger.warning(
                "not counted",
                metadata: ["upload": "\(upload)", "code": "\(code.name)", "reason": "\(message)"]
            )
        case .roundLost(let round, let code):
            logger.warning(
                "the round went on without this client",
                metadata: ["round": "\(round)", "code": "\(code.name)"]
            )
        case .withoutResult(let reason):
            logger.warning(
                "the coordinator does not send the final adapter",
                metadata: ["reason": "\(reason)"]
            )
        }
    }
}

/// A step report as a client keeps it across a restart, so that the update it packs says the same.
struct SavedReport: Codable, Sendable {
    private var first: Int
    private var end: Int
    private var examples: Int
    private var metrics: [String: Double]

    init(_ report: StepReport) {
        first = report.steps.lowerBound
        end = report.steps.upperBound
        examples = report.examples
        metrics = report.metrics.filter { $0.value.isFinite }
    }

    /// How long the parts took, by name.
    var seconds: [String: Double] { metrics.filter { $0.key.hasPrefix("seconds/") } }

    func report(round: Int) -> StepReport {
        StepReport(round: round, steps: first..<end, examples: examples, metrics: metrics)
    }
}

/// What an adapter has changed by since the one that a round began from, array by array.
private struct AdapterChange: ~Copyable {
    private let adapter: AdapterWeights
    private let start: BlobReader

    /// Compares an adapter with a broadcast one, which has to have its names and shapes.
    init(of adapter: AdapterWeights, since broadcast: EncodedBlob) throws(WireError) {
        self.adapter = adapter
        start = try BlobReader(broadcast)
    }

    func array(at index: Int) throws -> NamedArray {
        var array = try start.array(at: index)
        let mine = adapter.arrays[index]
        for element in array.values.indices {
            array.values[element] = mine.values[element] - array.values[element]
        }
        array.part = mine.part
        return array
    }

    func whole() throws -> AdapterWeights {
        AdapterWeights(try adapter.arrays.indices.map { try array(at: $0) })
    }
}
