internal import Contract
internal import Randomness
internal import Report
internal import Tensors

/// Interactions of three (definition 6.1, theorem F.2): y_i = (1/L)·#{(j, k): s_i + s_j + s_k ≡ 0 mod 6},
/// learned by HyperAttention of order 3, against the best model of pairs.
struct ThreeWay: StudyExperiment {
    let name = "three-way"
    let title = "Three-way interactions: HyperAttention against pairs"

    /// N.
    var domain = 6
    /// L of training tuples.
    var length = 10
    /// Test lengths.
    var testLengths = [3, 5, 10, 20, 30, 60]
    /// Tuples of each test.
    var testTuples = 1500
    /// Tuples of one step.
    var batch = 64

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) throws -> StudySection {
        let training = TapeTraining(steps: options.isQuick ? 2000 : 4000, rate: 3e-2)
        let ranks = [domain, 2 * domain]
        let pairs = options.seeds.map(bestPairwise)
        let runs = ranks.map { rank in
            options.seeds.map { seed in
                let run = train(rank: rank, training, seed: seed)
                let error = run.relativeErrors[length] ?? .nan
                progress("HA of order 3, R = \(rank), seed \(seed): relative MSE \(error.brief)")
                return run
            }
        }
        let all = [("best model of pairs", pairs)] + zip(ranks, runs).map { ("HA order 3, R = \($0)", $1) }
        return StudySection(
            name: name,
            title: title,
            claims: ThreeWay.claims,
            settings: [
                Setting(
                    "training",
                    "AdamW without decay, \(training.steps) steps of \(batch) fresh tuples of \(length), "
                        + "rate \(training.rate) on half a cosine, start N(0, 0.5²); float32, linear "
                        + "HyperAttention in linear time"
                ),
                Setting("pairs", "F[s_i, s_j] by least squares on 20 000 tuples: any number of linear heads"),
            ],
            tables: [table(all)],
            figures: figures(all, runs),
            checks: checks(pairs, runs),
            remarks: options.isQuick
                ? ["--quick trains half of the steps, with one seed; bounds are those of the full study."]
                : []
        )
    }

    // MARK: - Task

    /// 1 where three entities add up to 0, `[N, N, N]`.
    var tensor: [Double] {
        (0..<domain * domain * domain).map { index in
            let sum = index / (domain * domain) + index / domain % domain + index % domain
            return sum % domain == 0 ? 1 : 0
        }
    }

    private func targets(_ tuples: EntityTuples) -> [Double] {
        let (n, length) = (domain, tuples.length)
        var targets: [Double] = []
        for first in stride(from: 0, to: tuples.entities.count, by: length) {
            var counts = [Double](repeating: 0, count: n)
            for entity in tuples.entities[first..<first + length] { counts[Int(entity)] += 1 }
            // How many pairs (j, k) add up to a remainder.
            var pairs = [Double](repeating: 0, count: n)
            for j in 0..<n { for k in 0..<n { pairs[(j + k) % n] += counts[j] * counts[k] } }
            for entity in tuples.entities[first..<first + length] {
                targets.append(pairs[(n - Int(entity)) % n] / Double(length))
            }
        }
        return targets
    }

    private func test(seed: UInt64, _ outputs: (EntityTuples) -> [Double]) -> [Int: Double] {
        var errors: [Int: Double] = [:]
        for length in testLengths {
            var stream = RandomStream(seed: seed, "three", "test", length)
            let tuples = EntityTuples(count: testTuples, domain: domain, length: length, using: &stream)
            let targets = targets(tuples)
            errors[length] = outputs(tuples).meanSquaredError(to: targets) / targets.variance
        }
        return errors
    }

    // MARK: - Models

    /// The least squared error of y_i = Σ_j F[s_i, s_j], which any number of linear heads of order 2 can be.
    ///
    /// Fitted at the training length; F takes the factor 1/L of the target with it.
    func bestPairwise(seed: UInt64) -> TaskRun {
        var stream = RandomStream(seed: seed, "three", "fit")
        let tuples = EntityTuples(count: 20_000, domain: domain, length: length, using: &stream)
        let targets = targets(tuples)
        var fit = SparseLeastSquares(size: domain * domain)
        for first in stride(from: 0, to: tuples.entities.count, by: length) {
            let tuple = tuples.entities[first..<first + length].map(Int.init)
            for (place, i) in tuple.enumerated() {
                fit.add(tuple.map { i * domain + $0 }, target: targets[first + place])
            }
        }
        let table = fit.solution()
        return TaskRun(
            parameters: domain * domain,
            relativeErrors: test(seed: seed) { $0.aggregate(table) },
            table: []
        )
    }

    /// Trains linear HyperAttention of order 3 and tests it at all lengths.
    func train(rank: Int, _ training: TapeTraining, seed: UInt64) -> TaskRun {
        var start = RandomStream(seed: seed, "three", "start")
        let net = TripleNet(domain: domain, rank: rank, using: &start)
        var stream = RandomStream(seed: seed, "three", "train")
        training.train(net.parameters) { tape in
            let tuples = EntityTuples(count: batch, domain: domain, length: length, using: &stream)
            let output = net.outputs(tuples, on: tape)
            return (output, TapeTraining.meanSquaredErrorSeed(output, targets(tuples)))
        }
        return TaskRun(
            parameters: net.parameters.reduce(0) { $0 + $1.count },
            relativeErrors: test(seed: seed) { net.outputs($0, on: Tape(recording: false)).doubles },
            table: net.tensor()
        )
    }

    // MARK: - Results

    private func table(_ all: [(String, [TaskRun])]) -> StudyTable {
        let notes: [(StudyTable.Cell, StudyTable.Cell)] = [
            (.number(0.61), .none), (.number(0.083), .number(0.196)), (.number(1.0e-9), .number(1.7e-9)),
        ]
        let far = 3 * length
        return StudyTable(
            "Relative MSE on triples that add up to 0 mod \(domain)",
            caption: "Trained at L = \(length) alone. Median, best and worst of seeds.",
            header: [
                "model", "parameters", "L = \(length)", "best", "worst", "L = \(far)",
                "our notes, L = \(length)", "L = \(far)",
            ],
            rows: zip(all, notes).map { entry, notes in
                let errors = { (length: Int) in entry.1.compactMap { $0.relativeErrors[length] } }
                return [
                    .text(entry.0), .count(entry.1.first?.parameters ?? 0),
                    .measured(errors(length).median), .measured(errors(length).min()),
                    .measured(errors(length).max()), .measured(errors(far).median), notes.0, notes.1,
                ]
            }
        )
    }

    private func figures(_ all: [(String, [TaskRun])], _ runs: [[TaskRun]]) -> [Figure] {
        let lines = Figure(
            "Error against length: three-way",
            caption: "Relative MSE, trained at L = \(length) alone; medians over seeds.",
            .lines(
                .init(
                    xName: "L",
                    yName: "relative MSE",
                    yScale: .logarithmic,
                    series: all.map { name, runs in
                        .init(
                            name,
                            x: testLengths.map(Double.init),
                            y: testLengths.map { length in
                                runs.compactMap { $0.relativeErrors[length] }.median ?? 0
                            }
                        )
                    }
                )
            )
        )
        let names = (0..<domain).map { "\($0)" }
        let slice = { (title: String, tensor: [Double]) in
            Figure.matrix(
                title,
                caption:
                    "T[1, s_j, s_k], the weight of pairs for an agent in state 1; rows s_j, columns s_k.",
                names: names,
                values: Array(tensor[domain * domain..<2 * domain * domain])
            )
        }
        return [
            lines, slice("T designed: three-way", tensor),
            slice("T learned, R = \(domain)", runs[0][0].table),
            slice("T learned, R = \(2 * domain)", runs[1][0].table),
        ]
    }

    private func checks(_ pairs: [TaskRun], _ runs: [[TaskRun]]) -> [StudyCheck] {
        let error = TaskRun.medianError
        let apart = runs[1].map { $0.table.meanSquaredError(to: tensor) }.median ?? .nan
        return [
            StudyCheck(
                "The best model of pairs leaves most of it: relative MSE at L = \(length)",
                found: error(pairs, length),
                expected: .between(0.5, 0.7),
                source: .notes
            ),
            StudyCheck(
                "HA of order 3, R = \(2 * domain): relative MSE at L = \(length)",
                found: error(runs[1], length),
                expected: .atMost(1e-6),
                source: .notes
            ),
            StudyCheck(
                "HA of order 3, R = \(2 * domain): relative MSE at L = \(3 * length), three times as long",
                found: error(runs[1], 3 * length),
                expected: .atMost(1e-6),
                source: .paper
            ),
            StudyCheck(
                "HA of order 3, R = \(domain): relative MSE at L = \(length), median of seeds",
                found: error(runs[0], length),
                expected: .between(0.01, 0.5),
                source: .notes
            ),
            StudyCheck(
                "HA of order 3, R = \(domain), is too small with every seed: the least relative MSE",
                found: runs[0].compactMap { $0.relativeErrors[length] }.min() ?? .nan,
                expected: .atLeast(0.01),
                source: .notes
            ),
            StudyCheck(
                "T learned against T designed, R = \(2 * domain): MSE, median of seeds",
                found: apart,
                expected: .atMost(1e-4)
            ),
        ]
    }

    private static let claims = [
        StudyClaim(
            .paper,
            "HyperAttention of order n represents any interaction of n entities; pairs cannot (theorem F.2)."
        ),
        StudyClaim(
            .notes,
            "The rank has to be well above N for this task: R = 2N reaches zero, R = N does not."
        ),
    ]
}

/// One head of linear HyperAttention of order 3 on one-hot codes, divided by L: y = (1/L)·Q (P¹ ⊙ P²) V³ with
/// P^m = (K^m)ᵀ V^m.
struct TripleNet {
    /// N.
    let domain: Int
    /// W_Q, W_K¹, W_K², W_V¹, W_V², each `[R, N]`, then V³, `[1, R]`.
    let parameters: [Tensor]

    /// A head before training.
    init(domain: Int, rank: Int, using stream: inout RandomStream) {
        self.domain = domain
        var parameters: [Tensor] = []
        for _ in 0..<5 { parameters.append(.normal([rank, domain], deviation: 0.5, using: &stream)) }
        parameters.append(.normal([1, rank], deviation: 0.5, using: &stream))
        self.parameters = parameters
    }

    /// Outputs `[B·L]` for tuples.
    func outputs(_ tuples: EntityTuples, on tape: Tape) -> Tensor {
        var x = [Float](repeating: 0, count: tuples.entities.count * domain)
        for (row, entity) in tuples.entities.enumerated() { x[row * domain + Int(entity)] = 1 }
        let code = Tensor(shape: [tuples.entities.count, domain], values: x)
        let maps = parameters.prefix(5).map { tape.linear(code, $0) }
        let sums = tape.hyperAttentionLinear(
            q: maps[0],
            keys: [maps[1], maps[2]],
            values: [maps[3], maps[4]],
            pattern: .groups(tuples.count, of: tuples.length),
            heads: 1,
            divisor: .none
        )
        return tape.scale(tape.linear(sums, parameters[5]), by: 1 / Float(tuples.length))
    }

    /// T[s_i, s_j, s_k] = Σ_στ q_i[σ] k¹_j[σ] k²_k[σ] v¹_j[τ] v²_k[τ] V³[τ], made symmetric in j and k, which
    /// is all that outputs depend on.
    func tensor() -> [Double] {
        let (n, rank) = (domain, parameters[0].rows)
        let weights = parameters.map(\.doubles)
        let at = { (map: Int, row: Int, entity: Int) in weights[map][row * n + entity] }
        let raw = { (i: Int, j: Int, k: Int) in
            let score = (0..<rank).reduce(0) { $0 + at(0, $1, i) * at(1, $1, j) * at(2, $1, k) }
            let worth = (0..<rank).reduce(0) { $0 + at(3, $1, j) * at(4, $1, k) * weights[5][$1] }
            return score * worth
        }
        return (0..<n * n * n).map { index in
            let (i, j, k) = (index / (n * n), index / n % n, index % n)
            return (raw(i, j, k) + raw(i, k, j)) / 2
        }
    }
}
