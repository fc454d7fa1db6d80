package import Tensors

/// Linear attention: scores weigh the values as they are, out_i = Σ_j (q_i · k_j) v_j (Ustaomeroglu and Qu,
/// arXiv:2506.06179, section 2; Katharopoulos et al., arXiv:2006.16236, for the positive form). One state of D × D
/// values per head takes the place of the cache. It is ``HyperAttention`` of order 2 in its linear form.
package struct LinearAttention: AttentionKind {
    package static let name = "linear"

    /// What the sum over keys is divided by.
    package var normaliser: HyperAttention.Normaliser

    private enum CodingKeys: String, CodingKey, CaseIterable { case normaliser }

    package static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// The kind.
    package init(normaliser: HyperAttention.Normaliser = .count) { self.normaliser = normaliser }

    /// Reads the kind; a missing key takes the default of `init`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let read = try values.decodeIfPresent(HyperAttention.Normaliser.self, forKey: .normaliser)
        self.init(normaliser: read ?? .count)
    }

    private var hyper: HyperAttention {
        HyperAttention(order: 2, form: .linear, normaliser: normaliser)
    }

    package var takesBias: Bool { hyper.takesBias }

    package func fault(_ shape: HeadShape) -> String? { hyper.fault(shape) }

    package func inputs(_ shape: HeadShape) -> [AttentionInput] { hyper.inputs(shape) }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        hyper.attend(pass, pattern)
    }

    package func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache {
        hyper.makeCache(shape, room)
    }
}
