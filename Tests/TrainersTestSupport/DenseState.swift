internal import Contract

/// What both toy trainers remember: a dense adapter, and a batch in flight with its answers.
struct DenseState<Answer> {
    var round = 0
    var values: [Float]
    var pending: (batch: PublicBatch, answers: [[Answer]])?
    let name: String
    let shape: [Int]
    /// The name of a counter that all clients add to; nil for none.
    var counts: String?
    var count: Float = 0
    /// The name of an array that never leaves the client; nil for none.
    var localName: String?
    var local: [Float] = []

    var adapter: AdapterWeights {
        var arrays = [NamedArray(name: name, shape: shape, values: values)]
        if let counts { arrays.append(NamedArray(name: counts, shape: [1], values: [count], part: .summed)) }
        if let localName {
            arrays.append(NamedArray(name: localName, shape: [local.count], values: local, part: .local))
        }
        return AdapterWeights(arrays)
    }

    mutating func begin(_ round: Int, _ adapter: AdapterWeights) throws {
        try self.adapter.layout.check(adapter.layout)
        self.round = round
        values = adapter[name]?.values ?? values
        if let counts { count = adapter[counts]?.values[0] ?? count }
        if let localName { local = adapter[localName]?.values ?? local }
        pending = nil
    }

    mutating func takePending(for pool: ResponsePool) throws -> (batch: PublicBatch, answers: [[Answer]]) {
        guard let pending else { throw PoolFault.nothingPending }
        try pool.check(against: pending.batch)
        self.pending = nil
        return pending
    }

    func snapshot(trainer: String, write: (Answer, inout SnapshotWriter) -> Void) -> [UInt8] {
        var writer = SnapshotWriter(trainer: trainer, version: 1)
        writer.write(round)
        writer.write(adapter)
        writer.write(pending == nil ? 0 : 1)
        if let pending {
            writer.write(pending.batch)
            for answer in pending.answers.joined() { write(answer, &writer) }
        }
        return writer.bytes
    }

    mutating func restore(
        _ bytes: [UInt8],
        trainer: String,
        read: (inout SnapshotReader) throws -> Answer
    ) throws {
        var reader = try SnapshotReader(bytes, trainer: trainer, version: 1)
        let round = try reader.int()
        let adapter = try reader.adapter()
        var pending: (PublicBatch, [[Answer]])?
        if try reader.int() == 1 {
            let batch = try reader.batch()
            let answers = try batch.items.map { _ in
                try (0..<batch.responsesPerItem).map { _ in try read(&reader) }
            }
            pending = (batch, answers)
        }
        try reader.finish()
        guard adapter.hasSameLayout(as: self.adapter) else {
            throw SnapshotFault("snapshot: another adapter")
        }
        try begin(round, adapter)
        self.pending = pending
    }
}
