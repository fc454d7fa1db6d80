internal import Contract
internal import Foundation
internal import Randomness
internal import Report
internal import Tensors

/// What a forward and a backward pass cost at growing lengths (section 2.6 of our notes, F.3 of the paper):
/// exact HyperAttention of order 3 sums over pairs for each row, its linear form carries prefix sums.
///
/// Kinds and lengths take turns, so that whatever else the machine does falls on all of them. What the kinds cost
/// in a whole decoder is measured by `KindCosts`.
struct CostAgainstLength: StudyExperiment {
    let name = "cost"
    let title = "Cost against length"

    /// A kind of attention with the lengths it is timed at.
    struct Subject: Sendable {
        var name: String
        var kind: Kind
        var lengths: [Int]
        /// The exponent of T that counting operations gives.
        var exponent: Double
        /// What the measured exponent is expected to lie between; short lengths have a part that grows more
        /// slowly.
        var expected: ClosedRange<Double>

        enum Kind: Sendable { case softmax, featureProduct, exactTriples, linearTriples }
    }

    /// H and the size of a head, which is R for HyperAttention.
    static let (heads, size) = (2, 16)
    /// How many of the longest lengths the exponent is fitted to.
    static let fitted = 3

    static func subjects(_ options: StudyOptions) -> [Subject] {
        let longest = options.isQuick ? 1024 : 4096
        let powers = { (low: Int, high: Int) in
            sequence(first: low) { $0 * 2 <= high ? $0 * 2 : nil }.map { $0 }
        }
        return [
            Subject(
                name: "softmax",
                kind: .softmax,
                lengths: powers(64, longest),
                exponent: 2,
                expected: 1.5...2.3
            ),
            Subject(
                name: "HFA, A = 2",
                kind: .featureProduct,
                lengths: powers(64, longest),
                exponent: 2,
                expected: 1.5...2.3
            ),
            Subject(
                name: "HA order 3, exact",
                kind: .exactTriples,
                lengths: powers(16, 512),
                exponent: 3,
                expected: 2.4...3.3
            ),
            Subject(
                name: "HA order 3, linear",
                kind: .linearTriples,
                lengths: powers(64, longest),
                exponent: 1,
                expected: 0.8...1.2
            ),
        ]
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) throws -> StudySection {
        let subjects = Self.subjects(options)
        let repeats = options.isQuick ? 3 : 9
        progress("\(repeats) rounds of \(subjects.reduce(0) { $0 + $1.lengths.count }) measurements")
        let seconds = measure(subjects, repeats: repeats)
        let slopes = zip(subjects, seconds).map { subject, seconds in
            Self.slope(subject.lengths.suffix(Self.fitted), seconds.suffix(Self.fitted))
        }
        return StudySection(
            name: name,
            title: title,
            claims: [
                StudyClaim(
                    .paper,
                    "Exact HyperAttention of order n costs O(Tⁿ); its linear form O(T R²), less than "
                        + "softmax attention's O(T²) for long sequences; a product of score factors stays "
                        + "O(T²) (F.3, E.2)."
                )
            ],
            settings: [
                Setting(
                    "measured",
                    "forward and backward pass of the attention alone, causal, one sequence, \(Self.heads) "
                        + "heads of \(Self.size); R = \(Self.size)"
                ),
                Setting(
                    "how",
                    "medians of \(repeats) rounds in which kinds and lengths take turns; processor time of "
                        + "one thread; each measurement repeats a pass for at least 5 ms"
                ),
                Setting(
                    "exponents",
                    "least squares of log seconds on log T over the \(Self.fitted) longest lengths"
                ),
            ],
            tables: [
                slopeTable(subjects, slopes, seconds), timeTable(subjects, seconds),
            ],
            figures: [figure(subjects, seconds)],
            checks: zip(subjects, slopes).map { subject, slope in
                StudyCheck(
                    "\(subject.name): measured exponent of T, in theory \(Int(subject.exponent))",
                    found: slope,
                    expected: .between(subject.expected.lowerBound, subject.expected.upperBound),
                    source: .paper
                )
            },
            remarks: options.isQuick ? ["--quick stops at shorter lengths and repeats less often."] : []
        )
    }

    // MARK: - Measuring

    /// `[subject][length]`: median seconds of a forward and a backward pass.
    private func measure(_ subjects: [Subject], repeats: Int) -> [[Double]] {
        let passes = subjects.map { subject in subject.lengths.map { TimedPass(subject.kind, length: $0) } }
        // Once to fill the pools and to find out how often a pass must be repeated.
        let counts = passes.map {
            $0.map { max(1, Int((0.005 / max($0.seconds(passes: 1), 1e-7)).rounded(.up))) }
        }
        var all = passes.map { $0.map { _ in [Double]() } }
        for _ in 0..<repeats {
            for subject in passes.indices {
                for length in passes[subject].indices {
                    all[subject][length].append(
                        passes[subject][length].seconds(passes: counts[subject][length])
                    )
                }
            }
        }
        return all.map { $0.map { $0.median ?? .nan } }
    }

    /// The least-squares slope of log y on log x.
    static func slope(_ x: some Sequence<Int>, _ y: some Sequence<Double>) -> Double {
        let points = zip(x, y).map { (x: log(Double($0)), y: log($1)) }
        let (meanX, meanY) = (points.map(\.x).mean ?? 0, points.map(\.y).mean ?? 0)
        let above = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        let below = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        return above / below
    }

    // MARK: - Results

    private func slopeTable(_ subjects: [Subject], _ slopes: [Double], _ seconds: [[Double]]) -> StudyTable {
        StudyTable(
            "Growth with length",
            caption:
                "Short lengths have parts that grow more slowly; the last column is fitted to all of them.",
            header: ["kind", "fitted over T", "measured exponent", "theory", "over all T"],
            rows: subjects.indices.map { index in
                let subject = subjects[index]
                let fitted = subject.lengths.suffix(Self.fitted)
                return [
                    .text(subject.name), .text("\(fitted.first ?? 0)…\(fitted.last ?? 0)"),
                    .number(slopes[index]), .count(Int(subject.exponent)),
                    .number(Self.slope(subject.lengths, seconds[index])),
                ]
            }
        )
    }

    private func timeTable(_ subjects: [Subject], _ seconds: [[Double]]) -> StudyTable {
        let lengths = Set(subjects.flatMap(\.lengths)).sorted()
        return StudyTable(
            "Milliseconds of a forward and a backward pass",
            header: ["T"] + subjects.map(\.name),
            rows: lengths.map { length in
                [.text("\(length)")]
                    + zip(subjects, seconds).map { subject, seconds in
                        .measured(subject.lengths.firstIndex(of: length).map { seconds[$0] * 1000 })
                    }
            }
        )
    }

    private func figure(_ subjects: [Subject], _ seconds: [[Double]]) -> Figure {
        Figure(
            "Time against length",
            caption:
                "Milliseconds of a forward and a backward pass; both axes logarithmic, so that a power of T "
                + "is a line.",
            .lines(
                .init(
                    xName: "T",
                    yName: "ms",
                    xScale: .logarithmic,
                    yScale: .logarithmic,
                    series: zip(subjects, seconds).map { subject, seconds in
                        .init(
                            subject.name,
                            x: subject.lengths.map(Double.init),
                            y: seconds.map { $0.isFinite ? $0 * 1000 : 0 }
                        )
                    }
                )
            )
        )
    }
}

/// One kind of attention on random inputs of one length, to be run again and again.
private struct TimedPass {
    private let kind: CostAgainstLength.Subject.Kind
    private let pattern: AttentionPattern
    /// As many inputs as the kind with the most needs.
    private let inputs: [Tensor]
    private let seed: [Float]
    private let workspace = Workspace()

    init(_ kind: CostAgainstLength.Subject.Kind, length: Int) {
        self.kind = kind
        pattern = .groups(1, of: length, causal: true)
        let width = CostAgainstLength.heads * CostAgainstLength.size
        var stream = RandomStream(seed: 1, "cost", length)
        var inputs: [Tensor] = []
        for _ in 0..<5 { inputs.append(.normal([length, width], deviation: 1, using: &stream)) }
        self.inputs = inputs
        seed = [Float](repeating: 1, count: length * width)
    }

    /// Seconds of processor time of one forward and backward pass, as the mean of some.
    ///
    /// The thread's own time, not the clock's: the pass has one thread, and other programs may share its
    /// core.
    func seconds(passes: Int) -> Double {
        let began = Self.processorSeconds
        for _ in 0..<passes {
            let tape = Tape(workspace: workspace)
            tape.backward(from: output(tape), seed: seed)
        }
        return (Self.processorSeconds - began) / Double(passes)
    }

    private static var processorSeconds: Double {
        var time = timespec()
        precondition(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "the thread has no clock")
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func output(_ tape: Tape) -> Tensor {
        let heads = CostAgainstLength.heads
        switch kind {
        case .softmax:
            return tape.attention(
                factors: [ScoreFactor(q: inputs[0], k: inputs[1], heads: heads)],
                v: inputs[2],
                pattern: pattern,
                heads: heads,
                keyValueHeads: heads
            )
        case .featureProduct:
            return tape.attention(
                factors: [
                    ScoreFactor(q: inputs[0], k: inputs[1], heads: heads),
                    ScoreFactor(q: inputs[2], k: inputs[3], offset: 1, heads: heads),
                ],
                v: inputs[4],
                pattern: pattern,
                heads: heads,
                keyValueHeads: heads
            )
        case .exactTriples:
            return tape.hyperAttention(
                q: inputs[0],
                keys: [inputs[1], inputs[2]],
                values: [inputs[3], inputs[4]],
                pattern: pattern,
                heads: heads
            )
        case .linearTriples:
            return tape.hyperAttentionLinear(
                q: inputs[0],
                keys: [inputs[1], inputs[2]],
                values: [inputs[3], inputs[4]],
                pattern: pattern,
                heads: heads,
                divisor: .visible
            )
        }
    }
}
