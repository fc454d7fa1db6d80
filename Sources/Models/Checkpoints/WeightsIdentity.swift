internal import Digest
internal import Synchronization
internal import Tensors

/// What a model's weights are, whichever form they came in: a digest over their names in this program, their shapes and
/// their values in float32.
///
/// It is the SHA-256 of one line for each weight in ascending order of name, `name rows×columns digest`, where the digest
/// is the SHA-256 of the values in row-major order as little-endian float32, as the decoder uses them: with 1 added where a
/// family keeps norms as distances from 1, which GGUF has done already. The bytes of a file are pinned by its own
/// digest instead, where somebody says which file to fetch.
final class WeightsIdentity: Sendable {
    /// A weight of a model.
    struct Weight: Sendable {
        let name: String
        let shape: [Int]
        let stored: StoredWeight
        /// What the decoder adds to each value.
        let offset: Float
    }

    private let weights: [Weight]
    private let computed = Mutex<SHA256Digest?>(nil)

    /// Of the weights of a model, which are read when the digest is asked for: their values in the file, whatever form
    /// the model keeps them in.
    init(_ weights: [Weight]) { self.weights = weights }

    /// The digest, computed when it is first asked for.
    var digest: SHA256Digest {
        computed.withLock { computed in
            if let computed { return computed }
            let digest = compute()
            computed = digest
            return digest
        }
    }

    /// A copy of a weight's values by its name, without the offset; nil when there is none.
    func values(of name: String) -> [Float]? { weights.first { $0.name == name }?.stored.toArray() }

    private func compute() -> SHA256Digest {
        let digests = Compute.sideBySide(weights.count, threads: Compute.threads) { index in
            weights[index].stored.digest(plus: weights[index].offset)
        }
        return Self.whole(zip(weights, digests).map { ($0.name, $0.shape, $1) })
    }

    /// The digest of all weights from those of each.
    private static func whole(_ weights: [(name: String, shape: [Int], digest: SHA256Digest)]) -> SHA256Digest
    {
        let whole = SHA256()
        for weight in weights.sorted(by: { $0.name < $1.name }) {
            let shape = weight.shape.map(String.init).joined(separator: "×")
            whole.update("\(weight.name) \(shape) \(weight.digest)\n".utf8)
        }
        return whole.finish()
    }
}
