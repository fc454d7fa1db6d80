public import Exchange

/// What a lossy encoding has lost so far, carried by the sender to its next update.
///
/// Each update is sent as encode(update + residual); what the receiver decodes is taken away, and
/// the rest is the next residual. The sum of what was received then differs from the sum of what
/// was meant by one residual only, however many updates there are (Seide et al., "1-bit stochastic
/// gradient descent", Interspeech 2014; Karimireddy et al., arXiv:1901.09847, Algorithm 2).
public struct ErrorFeedback: Sendable, Equatable {
    /// What is still owed; nil before the first update. A snapshot keeps it.
    public private(set) var residual: AdapterWeights?

    /// Starts with what is owed. A residual of another layout than the next update's is dropped then.
    public init(residual: AdapterWeights? = nil) { self.residual = residual }

    /// Encodes an update together with what is owed.
    ///
    /// Keep the blob until it is accepted: a second offer must be the same bytes, and a second call
    /// would count the update twice.
    ///
    /// - Returns: The blob, and what the receiver will decode from it.
    /// - Throws: As `BlobEncoder.encode`; what is owed is then unchanged.
    public mutating func encode(
        _ update: AdapterWeights,
        encoding: TensorEncoding
    ) throws(WireError) -> (blob: EncodedBlob, received: AdapterWeights) {
        var intended = update
        if let residual, residual.hasSameLayout(as: update) { intended = update.adding(residual) }
        let blob = try BlobEncoder.encode(intended, as: .update, encoding: encoding)
        let received = try BlobDecoder.adapter(from: blob)
        residual = intended.subtracting(received)
        return (blob, received)
    }
}

// MARK: - Snapshots

extension ErrorFeedback {
    /// What is owed as bytes, for a file; none before the first update.
    public func snapshot() throws(WireError) -> [UInt8] {
        guard let residual else { return [] }
        return try BlobEncoder.encode(residual, as: .update, encoding: .f32).serialized()
    }

    /// Reads what `snapshot()` wrote, bit for bit.
    public init(snapshot: [UInt8]) throws(WireError) {
        guard !snapshot.isEmpty else {
            self.init()
            return
        }
        self.init(residual: try BlobDecoder.adapter(from: EncodedBlob(serialized: snapshot)))
    }
}
