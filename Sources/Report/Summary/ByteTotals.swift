/// Bytes of one kind, both ways, as the coordinator counts them on the wire.
package struct ByteCount: Codable, Sendable, Equatable {
    /// What they were: `adapter`, `update`, `responses`, ….
    package var kind: String
    /// From clients to the coordinator.
    package var up: Int
    /// From the coordinator to clients.
    package var down: Int

    /// Makes a count.
    package init(kind: String, up: Int, down: Int) {
        self.kind = kind
        self.up = up
        self.down = down
    }
}

/// What a run sent, and what it would have sent had it synchronised full models.
package struct ByteTotals: Codable, Sendable, Equatable {
    /// From clients to the coordinator.
    package var up: Int
    /// From the coordinator to clients.
    package var down: Int
    /// Up and down together, if every client had received and sent the whole model in every round.
    package var fullModelSync: Int
    /// By kind, in the order to show them.
    package var byKind: [ByteCount]

    /// Adds up counts; kinds keep the order in which they first occur.
    package init(byKind counts: [ByteCount], fullModelSync: Int) {
        var merged: [ByteCount] = []
        for count in counts {
            if let place = merged.firstIndex(where: { $0.kind == count.kind }) {
                merged[place].up += count.up
                merged[place].down += count.down
            } else {
                merged.append(count)
            }
        }
        self.byKind = merged
        self.up = merged.reduce(0) { $0 + $1.up }
        self.down = merged.reduce(0) { $0 + $1.down }
        self.fullModelSync = fullModelSync
    }

    /// Up and down together.
    package var total: Int { up + down }
}
