package import Tensors

/// HyperAttention of order n and rank R (Ustaomeroglu and Qu, arXiv:2506.06179, definition 6.1 and appendix F): a
/// row looks at tuples of n − 1 rows at once,
///
///     A[i, j₁ … j_{n−1}] = Σ_σ Q[i,σ] K¹[j₁,σ] … K^{n−1}[j_{n−1},σ]
///     u_i[σ] = Σ_{j₁ … j_{n−1}} weight(A) V¹[j₁,σ] … V^{n−1}[j_{n−1},σ]
///
/// The paper's Vⁿ and W_O follow as one map, the block's output map: the output depends on their product alone.
///
/// In the exact form the weights are a softmax over all visible tuples jointly, with scores over √R (our choice),
/// at a cost of T^{n−1} for a row; windows w_m leave the tuples with j_m > i − w_m. In the linear form the weights
/// are the scores, which come out of n − 1 running sums of R × R values, so that a row costs the same whatever its
/// place (appendix F.3). All of a tuple's rows are visible ones, in any order. Rotary positions turn Q and every
/// K, which is not relative in three places or more: a reconstruction, like the normalisers.
package struct HyperAttention: AttentionKind {
    package static let name = "hyper"

    /// How tuples are weighed.
    package enum Form: String, Sendable, Hashable, AttentionWord {
        /// By softmax over all visible tuples.
        case exact
        /// By their scores.
        case linear
    }

    /// What the linear form's sums are divided by.
    package enum Normaliser: String, Sendable, Hashable, AttentionWord {
        /// Nothing: sums grow with the number of rows.
        case none
        /// The number of visible tuples.
        case count
        /// The sum of the weights, which elu(x) + 1 of queries and keys makes positive (Katharopoulos et al.,
        /// arXiv:2006.16236); without rotary positions, which would undo that.
        case positive
    }

    /// n.
    package var order: Int
    /// R, the columns of a head; nil for the layer's head size.
    package var rank: Int?
    /// How tuples are weighed.
    package var form: Form
    /// The linear form's divisor.
    package var normaliser: Normaliser
    /// The exact form's windows w_1 … w_{n−1}; nil for all rows.
    package var windows: [Int]?
    /// Whether all places of a tuple have the same keys and values (the paper's weight sharing, as we read it).
    package var isShared: Bool
    /// Whether queries and keys are turned by their positions.
    package var rotary: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case order, rank, form, normaliser, windows, rotary
        case isShared = "shared"
    }

    package static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// The kind.
    package init(
        order: Int = 3,
        rank: Int? = nil,
        form: Form = .linear,
        normaliser: Normaliser = .count,
        windows: [Int]? = nil,
        isShared: Bool = false,
        rotary: Bool = true
    ) {
        self.order = order
        self.rank = rank
        self.form = form
        self.normaliser = normaliser
        self.windows = windows
        self.isShared = isShared
        self.rotary = rotary
    }

    /// Reads the kind; a missing key takes the default of `init`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        order = try values.decodeIfPresent(Int.self, forKey: .order) ?? order
        rank = try values.decodeIfPresent(Int.self, forKey: .rank)
        form = try values.decodeIfPresent(Form.self, forKey: .form) ?? form
        normaliser = try values.decodeIfPresent(Normaliser.self, forKey: .normaliser) ?? normaliser
        windows = try values.decodeIfPresent([Int].self, forKey: .windows)
        isShared = try values.decodeIfPresent(Bool.self, forKey: .isShared) ?? isShared
        rotary = try values.decodeIfPresent(Bool.self, forKey: .rotary) ?? rotary
    }

    package func fault(_ shape: HeadShape) -> String? {
        let width = rank ?? shape.headSize
        if !(2...8).contains(order) { return "order \(order) is not between 2 and 8" }
        if !(1...4096).contains(width) { return "rank \(width) is not between 1 and 4096" }
        if shape.keyValueHeads != shape.heads {
            return "\(shape.keyValueHeads) key-value heads for \(shape.heads) heads; it has as many of each"
        }
        if isRotated && !width.isMultiple(of: 2) {
            return "rank \(width) is odd; rotary positions need pairs"
        }
        if form == .exact && windows == nil && order > 4 {
            return "order \(order) over all rows costs T^\(order) in the exact form; above 4 it needs windows"
        }
        guard let windows else { return nil }
        if form == .linear { return "windows go with the exact form" }
        if windows.count != order - 1 || windows.contains(where: { $0 < 1 }) {
            return "windows \(windows), expected \(order - 1) of at least 1"
        }
        return nil
    }

    package var takesBias: Bool { form == .exact }

    package func inputs(_ shape: HeadShape) -> [AttentionInput] {
        let width = outputWidth(shape)
        return [AttentionInput("q_proj", width)]
            + places.map { AttentionInput(name("k_proj", $0), width) }
            + places.map { AttentionInput(name("v_proj", $0), width) }
    }

    package func outputWidth(_ shape: HeadShape) -> Int { shape.heads * (rank ?? shape.headSize) }

    package func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor {
        attend(pass, projections(pass), pattern)
    }

    package func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache {
        switch form {
        case .exact: ExactCache(kind: self, rows: RowCache(slots: room.slots, rowsMax: room.rowsMax))
        case .linear: LinearCache(kind: self, slots: room.slots)
        }
    }

    // MARK: - Projections

    private var isPositive: Bool { form == .linear && normaliser == .positive }
    private var isRotated: Bool { rotary && !isPositive }

    /// The places of a tuple that have weights of their own, from 1.
    private var places: [Int] { Array(1..<(isShared ? 2 : max(order, 2))) }

    private func name(_ base: String, _ place: Int) -> String { place == 1 ? base : "\(base)_\(place)" }

    private struct Projections {
        var q: Tensor
        var keys: [Tensor]
        var values: [Tensor]
    }

    private func projections(_ pass: AttentionPass) -> Projections {
        func scored(_ name: String) -> Tensor {
            let x = pass.project(name)
            if isPositive { return pass.tape.positive(x) }
            return isRotated ? pass.rotate(x, pass.shape.heads) : x
        }
        var all = Projections(
            q: scored("q_proj"),
            keys: places.map { scored(name("k_proj", $0)) },
            values: places.map { pass.project(name("v_proj", $0)) }
        )
        if isShared {
            all.keys = Array(repeating: all.keys[0], count: order - 1)
            all.values = Array(repeating: all.values[0], count: order - 1)
        }
        return all
    }

    private func attend(_ pass: AttentionPass, _ all: Projections, _ pattern: AttentionPattern) -> Tensor {
        let (tape, heads) = (pass.tape, pass.shape.heads)
        switch form {
        case .exact:
            return tape.hyperAttention(
                q: all.q,
                keys: all.keys,
                values: all.values,
                pattern: pattern,
                windows: windows,
                heads: heads
            )
        case .linear:
            func sums(_ values: [Tensor]) -> Tensor {
                tape.hyperAttentionLinear(
                    q: all.q,
                    keys: all.keys,
                    values: values,
                    pattern: pattern,
                    heads: heads,
                    divisor: divisor
                )
            }
            guard isPositive else { return sums(all.values) }
            return tape.divideHeads(sums(all.values), by: sums(ones(all.q.rows, heads)), heads: heads)
        }
    }

    private var divisor: HyperDivisor { normaliser == .count ? .visible : .none }

    /// Values of one, whose weighted sum is the sum of the weights.
    private func ones(_ rows: Int, _ heads: Int) -> [Tensor] {
        let one = Tensor(shape: [rows, heads], values: [Float](repeating: 1, count: rows * heads))
        return Array(repeating: one, count: order - 1)
    }

    // MARK: - Caches

    /// The keys and values of every row, for each place of a tuple.
    private final class ExactCache: AttentionCache {
        private let kind: HyperAttention
        private let rows: RowCache

        init(kind: HyperAttention, rows: RowCache) {
            self.kind = kind
            self.rows = rows
        }

        func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor {
            let all = kind.projections(pass)
            rows.begin(keys: all.keys, values: all.values, beginnings)
            return kind.attend(pass, all, AttentionPattern(segments: beginnings.map(\.segment)))
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor {
            let all = kind.projections(pass)
            return pass.tape.cachedHyperAttention(
                q: all.q,
                segments: rows.store(keys: all.keys, values: all.values, samples),
                windows: kind.windows,
                heads: pass.shape.heads
            )
        }

        func forget(_ beginning: Int) { rows.forget(beginning) }
    }

    /// Running sums of keys times values: of a beginning, and of each sample once it has a row of its own. The same
    /// size however long a sample grows.
    private final class LinearCache: AttentionCache {
        /// The sums of the values, and those of ones where they are the divisor.
        private struct Sums {
            let values: Tensor
            let ones: Tensor?
        }

        private let kind: HyperAttention
        private var beginnings: [Int: Sums] = [:]
        private var slots: [Sums?]

        init(kind: HyperAttention, slots: Int) {
            self.kind = kind
            self.slots = Array(repeating: nil, count: slots)
        }

        func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor {
            let all = kind.projections(pass)
            let heads = pass.shape.heads
            let ones = kind.isPositive ? kind.ones(all.q.rows, heads) : nil
            for beginning in beginnings {
                func state(_ values: [Tensor]) -> Tensor {
                    pass.tape.hyperAttentionState(
                        keys: all.keys,
                        values: values,
                        rows: beginning.segment.rows,
                        heads: heads
                    )
                }
                self.beginnings[beginning.number] = Sums(values: state(all.values), ones: ones.map(state))
            }
            return kind.attend(pass, all, AttentionPattern(segments: beginnings.map(\.segment)))
        }

        func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor {
            let all = kind.projections(pass)
            let (tape, heads) = (pass.tape, pass.shape.heads)
            let states = samples.map { sums(of: $0) }
            func next(_ values: [Tensor], _ states: [Tensor]) -> Tensor {
                tape.hyperAttentionStep(
                    q: all.q,
                    keys: all.keys,
                    values: values,
                    states: states,
                    counts: samples.map { $0.beginningRows + $0.step },
                    heads: heads,
                    divisor: kind.divisor
                )
            }
            let out = next(all.values, states.map(\.values))
            guard kind.isPositive else { return out }
            let weights = next(kind.ones(samples.count, heads), states.compactMap(\.ones))
            return tape.divideHeads(out, by: weights, heads: heads)
        }

        func forget(_ beginning: Int) { beginnings[beginning] = nil }

        private func sums(of sample: CachedSample) -> Sums {
            if sample.step > 0, let sums = slots[sample.slot] { return sums }
            guard let beginning = beginnings[sample.beginning] else {
                preconditionFailure("LinearCache: beginning \(sample.beginning) was not run")
            }
            func copy(_ tensor: Tensor) -> Tensor { Tensor(shape: tensor.shape, values: tensor.toArray()) }
            let sums = Sums(values: copy(beginning.values), ones: beginning.ones.map(copy))
            slots[sample.slot] = sums
            return sums
        }
    }
}
