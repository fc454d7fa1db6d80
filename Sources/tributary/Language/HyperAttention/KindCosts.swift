internal import Contract
internal import Models
internal import Randomness
internal import Report
internal import Tensors

/// What each attention kind costs in a decoder beside softmax: a training step, a prefill and a step of decoding.
struct KindCosts: StudyExperiment {
    let name = "kind-cost"
    let title = "The cost of each kind in a decoder"

    /// A kind, and whether its cost grows too fast for the longest texts here.
    private struct Entrant {
        var name: String
        var kind: any AttentionKind
        var isCubic = false
    }

    private static let entrants = [
        Entrant(name: "softmax", kind: SoftmaxAttention()),
        Entrant(name: "linear", kind: LinearAttention()),
        Entrant(name: "HFA, A = 2", kind: HyperFeatureAttention()),
        Entrant(name: "HFA, A = 2, factor of width 8", kind: HyperFeatureAttention(factorSize: 8)),
        Entrant(name: "HA, n = 3, linear, R = 16", kind: HyperAttention(order: 3, rank: 16)),
        Entrant(
            name: "HA, n = 3, windows of 16",
            kind: HyperAttention(order: 3, rank: 16, form: .exact, windows: [16, 16])
        ),
        Entrant(
            name: "HA, n = 3, exact, R = 16",
            kind: HyperAttention(order: 3, rank: 16, form: .exact),
            isCubic: true
        ),
        Entrant(
            name: "2 softmax + 2 HFA",
            kind: MixedAttention([
                .init(heads: 2, SoftmaxAttention()), .init(heads: 2, HyperFeatureAttention()),
            ])
        ),
    ]

    private enum Work: CaseIterable {
        case training, prefill, decode

        var title: String {
            switch self {
            case .training: "training"
            case .prefill: "prefill"
            case .decode: "decode"
            }
        }
    }

    func run(_ options: StudyOptions, progress: @Sendable (String) -> Void) async throws -> StudySection {
        let (length, repeats) = options.isQuick ? (64, 3) : (128, 7)
        let entrants = KindCosts.entrants.filter { !options.isQuick || !$0.isCubic }
        let decoders = entrants.map { entrant in
            LanguageDecoder(
                DecoderParameters(random: KindCosts.model.with(attention: [entrant.kind]), seed: 1)
            )
        }
        var seconds = entrants.map { _ in Work.allCases.map { _ in [Double]() } }
        for round in 0...repeats {
            for (index, decoder) in decoders.enumerated() {
                for (place, work) in Work.allCases.enumerated() {
                    let time = KindCosts.time(work, decoder, length: length)
                    // The first round warms caches and buffers up.
                    if round > 0 { seconds[index][place].append(time) }
                }
            }
            progress("round \(round) of \(repeats)")
        }
        let medians = seconds.map { $0.map { $0.median ?? .nan } }
        return section(entrants, decoders, medians, length, repeats)
    }

    private static let model = DecoderConfiguration(
        hiddenSize: 256,
        layerCount: 2,
        headCount: 4,
        intermediateSize: 512,
        vocabularySize: 256,
        positionsMax: 512
    )

    private static let sequences = 4
    private static let samples = 16
    private static let drawn = 16

    private static func time(_ work: Work, _ decoder: LanguageDecoder, length: Int) -> Double {
        var stream = RandomStream(seed: 1, "cost")
        let texts = (0..<sequences).map { _ in (0..<length).map { _ in Int32(stream.below(256)) } }
        let batch = PackedBatch(sequences: texts)
        let start = ContinuousClock.now
        switch work {
        case .training:
            zeroGradients(decoder.parameters.trainable)
            let tape = Tape(workspace: decoder.workspace)
            let logProbs = decoder.responseLogProbs(tape: tape, batch: batch)
            tape.backward(from: logProbs, seed: [Float](repeating: -1, count: logProbs.count))
            return (ContinuousClock.now - start).inSeconds
        case .prefill:
            _ = decoder.hidden(tape: Tape(recording: false, workspace: decoder.workspace), batch: batch)
            return (ContinuousClock.now - start).inSeconds
        case .decode:
            func draw(_ count: Int) -> Double {
                let start = ContinuousClock.now
                _ = decoder.generate(
                    prompts: texts.prefix(1).map { $0 },
                    samplesPerPrompt: samples,
                    settings: SamplingSettings(maxTokens: count)
                ) { RandomStream(seed: 1, "cost", $0, $1) }
                return (ContinuousClock.now - start).inSeconds
            }
            // Without the prefill and the first token.
            let first = draw(1)
            return max(draw(drawn + 1) - first, 0) / Double(drawn)
        }
    }

    private func section(
        _ entrants: [Entrant],
        _ decoders: [LanguageDecoder],
        _ medians: [[Double]],
        _ length: Int,
        _ repeats: Int
    ) -> StudySection {
        var section = StudySection(name: name, title: title)
        section.claims = [
            StudyClaim(
                .paper,
                "HFA costs as softmax attention does up to a constant; HA is cubic in the length, and linear by sums."
            )
        ]
        section.settings = [
            Setting(
                "decoder",
                "2 blocks of width 256, 4 heads of 64, feed-forward width 512; float32, one thread; kinds with more "
                    + "projections have more parameters here"
            ),
            Setting(
                "work",
                "training: forward and backward of \(KindCosts.sequences) texts of \(length); prefill: forward alone; "
                    + "decode: one token of each of \(KindCosts.samples) samples behind \(length)"
            ),
            Setting(
                "timing",
                "medians of \(repeats) rounds in which all kinds take turns, after one to warm up"
            ),
        ]
        section.tables = [
            StudyTable(
                "Milliseconds, and times softmax's",
                header: ["kind", "parameters"] + Work.allCases.flatMap { ["\($0.title), ms", "× softmax"] },
                rows: entrants.indices.map { index in
                    [.text(entrants[index].name), .count(decoders[index].configuration.parameterCount)]
                        + Work.allCases.indices.flatMap { work in
                            [
                                StudyTable.Cell.number(1e3 * medians[index][work]),
                                StudyTable.Cell.number(medians[index][work] / medians[0][work]),
                            ]
                        }
                }
            )
        ]
        return section
    }
}
