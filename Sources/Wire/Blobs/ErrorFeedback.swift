package import Contract

/// What a lossy encoding has lost so far, carried by the sender to its next update.
///
/// Each update is sent as encode(update + residual); what the receiver decodes is taken away, and
/// the rest is the next residual. The sum of what was received then differs from the sum of what
/// was meant by one residual only, however many updates there are (Seide et al., "1-bit stochastic
/// gradient descent", Interspeech 2014; Karimireddy et al., arXiv:1901.09847, Algorithm 2).
///
/// Arrays that are summed are exact in every encoding, so nothing is owed of them and nothing added.
package struct ErrorFeedback: Sendable, Equatable {
    /// What is still owed, without summed arrays, its parts all `.averaged`; nil before the first update and
    /// where nothing but summed arrays travels. A snapshot keeps it.
    package private(set) var residual: AdapterWeights?

    /// Starts with what is owed. A residual of another layout than the next update's is dropped then.
    package init(residual: AdapterWeights? = nil) { self.residual = residual }

    /// Encodes an update together with what is owed.
    ///
    /// Keep the blob until it is accepted: a second offer must be the same bytes, and a second call
    /// would count the update twice.
    ///
    /// - Returns: The blob, and what the receiver will decode from it, with the update's parts.
    /// - Throws: As `BlobEncoder.encode`; what is owed is then unchanged.
    package mutating func encode(
        _ update: AdapterWeights,
        encoding: TensorEncoding
    ) throws(WireError) -> (blob: EncodedBlob, received: AdapterWeights) {
        let counts = update.arrays.filter { $0.part == .summed }
        var intended = Self.lossy(update)
        if let residual, residual.hasSameLayout(as: intended) { intended = intended.adding(residual) }
        let whole = AdapterWeights(intended.arrays + counts)
        let blob = try BlobEncoder.encode(whole, as: .update, encoding: encoding)
        let received = try BlobDecoder.adapter(from: blob).withParts(of: whole)
        let owed = intended.subtracting(Self.lossy(received)).arrays.map {
            NamedArray(name: $0.name, shape: $0.shape, values: $0.values)
        }
        residual = owed.isEmpty ? nil : AdapterWeights(owed)
        return (blob, received)
    }

    private static func lossy(_ adapter: AdapterWeights) -> AdapterWeights {
        AdapterWeights(adapter.arrays.filter { $0.part != .summed })
    }
}

// MARK: - Snapshots

extension ErrorFeedback {
    /// What is owed as bytes, for a file; none before the first update.
    package func snapshot() throws(WireError) -> [UInt8] {
        guard let residual else { return [] }
        return try BlobEncoder.encode(residual, as: .update, encoding: .f32).serialized()
    }

    /// Reads what `snapshot()` wrote, bit for bit.
    package init(snapshot: [UInt8]) throws(WireError) {
        guard !snapshot.isEmpty else {
            self.init()
            return
        }
        self.init(residual: try BlobDecoder.adapter(from: EncodedBlob(serialized: snapshot)))
    }
}
