package import Contract

/// What a lossy encoding has lost so far, carried by the sender to its next update.
///
/// Each update is sent as encode(update + residual); what the receiver decodes is taken away, and
/// the rest is the next residual. The sum of what was received then differs from the sum of what
/// was meant by one residual only, however many updates there are (Seide et al., "1-bit stochastic
/// gradient descent", Interspeech 2014; Karimireddy et al., arXiv:1901.09847, Algorithm 2).
///
/// Arrays that travel exactly, those that are summed among them, owe nothing, and nothing is added to them.
package struct ErrorFeedback: Sendable, Equatable {
    /// What is still owed, of arrays that do not travel exactly, its parts all `.averaged`; nil before the first
    /// update and where nothing is lossy.
    package private(set) var residual: AdapterWeights?

    /// Starts with what is owed. A residual of another layout than the next update's is dropped then.
    package init(residual: AdapterWeights? = nil) { self.residual = residual }

    /// Encodes an update together with what is owed, array by array.
    ///
    /// Keep the blob until it is accepted: a second offer must be the same bytes, and a second call
    /// would count the update twice.
    ///
    /// - Parameters:
    ///   - layout: The update's layout.
    ///   - writer: Where the arrays go; it says how they are packed.
    ///   - array: Gives an array of the update by its place in the layout; asked for each once, in order.
    /// - Returns: The blob.
    /// - Throws: As `BlobWriter.append`, and what `array` throws; what is owed is then unchanged.
    package mutating func encode(
        _ layout: AdapterLayout,
        to writer: consuming BlobWriter,
        array: (Int) throws -> NamedArray
    ) throws -> EncodedBlob {
        let isLossy = layout.entries.map { writer.isLossy($0.part) }
        let lossy = zip(layout.entries, isLossy).filter { $1 }.map { $0.0 }
        var earlier = residual.flatMap { residual in
            residual.layout.entries.map(\.name) == lossy.map(\.name)
                && residual.layout.entries.map(\.shape) == lossy.map(\.shape) ? residual.arrays[...] : nil
        }
        var owed: [NamedArray] = []
        for index in layout.entries.indices {
            var intended = try array(index)
            guard isLossy[index] else {
                try writer.append(intended)
                continue
            }
            if let debt = earlier?.popFirst() { intended.values.add(debt.values) }
            let received = try writer.append(intended)
            intended.values.subtract(received)
            owed.append(NamedArray(name: intended.name, shape: intended.shape, values: intended.values))
        }
        let blob = try writer.finish()
        residual = owed.isEmpty ? nil : AdapterWeights(owed)
        return blob
    }
}

extension [Float] {
    fileprivate mutating func add(_ other: [Float]) {
        for index in indices { self[index] += other[index] }
    }

    fileprivate mutating func subtract(_ other: [Float]) {
        for index in indices { self[index] -= other[index] }
    }
}
