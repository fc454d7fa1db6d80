/// Bytes of one kind, both ways, as the coordinator counts them on the wire.
public struct ByteCount: Codable, Sendable, Equatable {
    /// What they were: `adapter`, `update`, `responses`, ….
    public var kind: String
    /// From clients to the coordinator.
    public var up: Int
    /// From the coordinator to clients.
    public var down: Int

    /// Makes a count.
    public init(kind: String, up: Int, down: Int) {
        self.kind = kind
        self.up = up
        self.down = down
    }
}

/// What a run sent, and what it would have sent had it synchronised full models.
public struct ByteTotals: Codable, Sendable, Equatable {
    /// From clients to the coordinator.
    public var up: Int
    /// From the coordinator to clients.
    public var down: Int
    /// Up and down together, if every client had received and sent the whole model in every round.
    public var fullModelSync: Int
    /// By kind, in the order to show them.
    public var byKind: [ByteCount]

    /// Adds up counts; kinds keep the order in which they first occur.
    public init(byKind counts: [ByteCount], fullModelSync: Int) {
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
    public var total: Int { up + down }
}
