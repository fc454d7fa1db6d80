internal import ArgumentParser
internal import Foundation
internal import Models
internal import Nodes
internal import Randomness
internal import Tensors
internal import TributaryKit

struct BenchGenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Measures sampling: prompts, one answer, many answers, and a whole call of `generate`.",
        discussion: """
            prefill: 512 tokens of one prompt. single: 128 tokens behind one. batch: 32
            prompts of 64 tokens, 128 new ones each; groups: 4 such prompts with 8 answers
            each. start: a whole call of `tributary generate` for 64 tokens, from the start
            of its process to its end. --tiny: batch on a random model of 1.1 million values.
            All but start draw at temperature 1. --against hf measures Hugging Face's
            generate, --against llama llama.cpp's own benches with each file of the peers'
            folder gguf, which feed tokens and draw none.

            EXAMPLES
              tributary bench generate
              tributary bench generate --tiny --threads 1
              tributary bench generate --only single,start --threads 1
              tributary bench generate --against hf,llama --peers peers \\
                --out run/bench-generate.json
            """
    )

    @OptionGroup var target: LanguageBenchOptions

    @Flag(help: "A random model of 1.1 million values in place of --model.")
    var tiny = false

    @Option(
        help: ArgumentHelp(
            "What is measured, with commas: \(SamplingWork.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "names"
        ),
        transform: BenchGenerateCommand.works
    )
    var only: [SamplingWork] = [.prefill, .single, .batch, .groups]

    @OptionGroup var options: BenchOptions

    private static func works(_ text: String) throws -> [SamplingWork] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            if let work = SamplingWork(rawValue: String(name)) { return work }
            let known = SamplingWork.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("only: found '\(name)', expected \(known).")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary bench generate") {
            if options.serve {
                Compute.configure(threads: options.lanes)
                return try serve(only[0])
            }
            let peers = try options.peers(known: ["hf", "llama"])
            try options.compare("generate") {
                try (tiny ? [.batch] : only).map { try work($0, against: peers) }
            }
        }
    }

    private func work(_ work: SamplingWork, against peers: [String]) throws -> BenchWork {
        let model = tiny ? ["--tiny"] : ["--model", target.model]
        let own = ["generate", "--only", work.rawValue] + model
        var sides = try target.forms.sides(own, options) { try cost(work, $0) }
        if peers.contains("hf"), work != .start {
            for form in ["float32", "bfloat16"] {
                let model = tiny ? "tiny" : "smollm2"
                let command = try options.peer(
                    "generate_hf.py",
                    "--form",
                    form,
                    "--work",
                    work.rawValue,
                    "--model",
                    model
                )
                sides.append(BenchSide(name: "hf \(form)", family: "hf", command: command, isOwn: false))
            }
        }
        if peers.contains("llama"), !tiny {
            let folder = (options.peers ?? "") + "/gguf"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                $0.hasSuffix(".gguf")
            }
            for name in names.sorted() {
                let command = try options.peer(
                    "llama.py",
                    "--file",
                    "\(folder)/\(name)",
                    "--work",
                    work.rawValue
                )
                let form = name.dropLast(".gguf".count)
                sides.append(
                    BenchSide(name: "llama.cpp \(form)", family: "llama.cpp", command: command, isOwn: false)
                )
            }
        }
        return BenchWork(
            name: tiny ? "tiny, \(work.title)" : work.title,
            figure: work == .start ? "s" : "tokens/s",
            isRate: work != .start,
            sides: sides
        )
    }

    /// What a token asks of the machine: the products with all values once, and for one answer alone reading them.
    private func cost(_ work: SamplingWork, _ form: WeightForm) throws -> BenchCost? {
        let model = tiny ? LanguageBench.tiny : try target.configuration()
        let values = LanguageBench.values(model)
        switch work {
        case .start: return nil
        case .prefill:
            let attention = LanguageBench.attention(model, before: Double(SamplingWork.longPrompt) / 2)
            return BenchCost(operations: (form.arithmetic, 2 * values.blocks + attention))
        case .single: return BenchCost(bytes: try target.bytes(of: form) * (values.blocks + values.head))
        case .batch, .groups:
            return BenchCost(operations: (form.arithmetic, 2 * (values.blocks + values.head)))
        }
    }

    private func serve(_ work: SamplingWork) throws {
        if work == .start { return try serveStart() }
        let decoder = LanguageDecoder(
            tiny ? try LanguageBench.frozenTiny(target.form) : try target.load()
        )
        // As trainers sample.
        decoder.cachePrecision = .half
        try BenchServer.serve { work.figures(decoder) }
    }

    /// Calls `tributary generate` as a person does, and waits for its end.
    private func serveStart() throws {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let words = [
            program, "generate", "--model", target.model, "--raw", "--prompt", SamplingWork.startPrompt,
            "--max-tokens", "64", "--threads", "\(options.lanes)", "--weights", target.form.rawValue,
        ]
        try BenchServer.serve {
            let process = try CommandProcess("exec " + BenchSide.shell(words))
            var status: Int32 = 0
            let seconds = try measure {
                status = try process.finish(giving: [], limit: 1 << 20, until: .now + .seconds(600)).status
            }
            guard status == 0 else {
                throw NodeError(.input, "tributary generate \(CommandProcess.words(status))")
            }
            var usage = rusage()
            getrusage(RUSAGE_CHILDREN.rawValue, &usage)
            return ["s": seconds, "peakMiB": Double(usage.ru_maxrss) / 1024]
        }
    }
}

/// What is measured of sampling.
enum SamplingWork: String, CaseIterable {
    case prefill, single, batch, groups, start

    /// The prompt of a whole call, behind which models tell more than 64 tokens.
    static let startPrompt = "Once upon a time, in a village by the sea,"
    /// The tokens of the one long prompt.
    static let longPrompt = 512
    private static let (promptTokens, newTokens, answers, samplesPerPrompt) = (64, 128, 32, 8)

    /// Its name, with its sizes.
    var title: String {
        switch self {
        case .prefill: "prefill, \(Self.longPrompt) tokens"
        case .single: "one answer, \(Self.newTokens) tokens"
        case .batch: "sampling \(Self.answers) × (\(Self.promptTokens) + \(Self.newTokens))"
        case .groups:
            "sampling \(Self.answers / Self.samplesPerPrompt) × \(Self.samplesPerPrompt) × (\(Self.promptTokens) + \(Self.newTokens))"
        case .start: "generate, 64 tokens from start to end"
        }
    }

    /// Prompts, samples of each, and new tokens; one token of an answer comes with the prompt.
    private var shape: (prompts: Int, length: Int, samples: Int, new: Int) {
        switch self {
        case .prefill, .start: (1, Self.longPrompt, 1, 1)
        case .single: (1, 1, 1, Self.newTokens + 1)
        case .batch: (Self.answers, Self.promptTokens, 1, Self.newTokens)
        case .groups:
            (Self.answers / Self.samplesPerPrompt, Self.promptTokens, Self.samplesPerPrompt, Self.newTokens)
        }
    }

    /// Samples once; returns what was measured.
    func figures(_ decoder: LanguageDecoder) -> [String: Double] {
        let shape = shape
        let prompts = LanguageBench.sequences(
            shape.prompts,
            length: shape.length,
            vocabulary: decoder.configuration.vocabularySize
        )
        let rows = shape.prompts * shape.samples
        let begin = ContinuousClock.now
        var (drawn, begun, drawnBefore) = (0, 0, 0)
        var firsts = [Bool](repeating: false, count: rows)
        var prefilled = begin
        _ = decoder.generate(
            prompts: prompts,
            samplesPerPrompt: shape.samples,
            settings: SamplingSettings(maxTokens: shape.new),
            observe: { prompt, sample, _, _ in
                drawn += 1
                let row = prompt * shape.samples + sample
                guard !firsts[row] else { return }
                firsts[row] = true
                begun += 1
                if begun == rows { (prefilled, drawnBefore) = (.now, drawn) }
            }
        ) { RandomStream(seed: 1, "bench-generate", $0, $1) }
        let end = ContinuousClock.now
        let (all, decoding) = ((end - begin).inSeconds, (end - prefilled).inSeconds)
        let decode = Double(drawn - drawnBefore) / max(decoding, 1e-9)
        switch self {
        case .prefill, .start: return ["tokens/s": Double(shape.length) / all]
        case .single: return ["tokens/s": decode]
        case .batch, .groups:
            return [
                "tokens/s": Double(drawn) / all, "decode alone, tokens/s": decode,
                "prefill, s": (prefilled - begin).inSeconds,
            ]
        }
    }
}
