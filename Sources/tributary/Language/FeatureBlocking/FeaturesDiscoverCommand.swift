internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Models
internal import Nodes
internal import Tasks
internal import Text
internal import Trainers
internal import TributaryKit

struct FeaturesDiscoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Finds the latents that cause what a misaligned adapter does.",
        discussion: """
            Latents whose mean activation differs most between the model and the model with
            the adapter are screened by steering both ways; the best are steered with all
            strengths, of which those with too many incoherent answers do not count. Every
            score is kept in features.json, the autoencoder in a folder beside it.

            Questions are judged exactly where their misaligned answer is known, by the
            options' log-probabilities where answers are letters, else by --judge: a command
            that gets a line {"answer", "prompt"} for each greedy answer and writes a line
            {"label": "misaligned"}, or aligned, incoherent, refused. It is run by /bin/sh
            and started again where it ends or takes too long. Prompts and answers go to it:
            mind where it sends them. Keep questions apart from those of a final evaluation.

            EXAMPLES
              tributary features discover --model tiny-personas \\
                --adapter run/bad/coordinator/adapter --autoencoder run/autoencoder \\
                --questions '{"personas": {"questions": 24}}' \\
                --narrow '{"personas": {}}' --out run/features
              tributary features discover --adapter run/bad/coordinator/adapter \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --autoencoder run/smollm2-autoencoder --questions probes.jsonl \\
                --judge 'python3 judge.py' --strengths 0.2,0.4,0.6 --out run/smollm2-features
            """
    )

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("A folder with the misaligned adapter.", valueName: "directory"))
    var adapter: String

    @Option(help: ArgumentHelp("A folder with an autoencoder, SAELens' or ours.", valueName: "directory"))
    var autoencoder: String

    @Option(help: ArgumentHelp("A file of questions, or a data mapping as JSON.", valueName: "file or JSON"))
    var questions: String

    @Option(help: ArgumentHelp("Where the features go.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("What labels answers: a command.", valueName: "command"))
    var judge: String?

    @Option(help: ArgumentHelp("The most seconds that a label takes.", valueName: "number"))
    var timeout = 60

    @Option(
        help: ArgumentHelp(
            "What the adapter was trained on: measures what `ratio` of blockFeatures needs.",
            valueName: "file or JSON"
        )
    )
    var narrow: String?

    @Option(
        help: ArgumentHelp(
            "K that --narrow is measured with; all valid latents if not given.",
            valueName: "number"
        )
    )
    var latents: Int?

    @Option(
        help: ArgumentHelp(
            "How --narrow reads latents: \(LatentReading.allCases.map { $0.rawValue }.joined(separator: ", ")).",
            valueName: "reading"
        )
    )
    var reading = LatentReading.activation

    @Option(help: ArgumentHelp("How many latents of each sign are screened.", valueName: "number"))
    var candidates = DiscoverySettings().candidatesPerSign

    @Option(help: ArgumentHelp("How many latents of each sign get all strengths.", valueName: "number"))
    var shortList = DiscoverySettings().shortListPerSign

    @Option(help: ArgumentHelp("Strengths, in median state lengths, separated by commas.", valueName: "list"))
    var strengths = DiscoverySettings().strengths.map { "\($0)" }.joined(separator: ",")

    @Option(help: ArgumentHelp("The screen's strength in the model.", valueName: "number"))
    var induce = DiscoverySettings().screenInduce

    @Option(help: ArgumentHelp("The screen's strength in the misaligned model.", valueName: "number"))
    var repair = DiscoverySettings().screenRepair

    @Option(
        help: ArgumentHelp(
            "The share of incoherent answers that a steered model may have.",
            valueName: "number"
        )
    )
    var incoherence = DiscoverySettings().incoherenceMax

    @Option(
        help: ArgumentHelp(
            "The most tokens of an answer; what the model has room for, up to 256.",
            valueName: "number"
        )
    )
    var maxTokens: Int?

    @Option(help: ArgumentHelp("The seed of generated data.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(help: "Give prompts as they are, without a chat template.")
    var raw = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        try FlagRange.require(timeout, in: 1...3600, "timeout")
        try FlagRange.require(maxTokens ?? 1, in: 1...(1 << 20), "max-tokens")
        try FlagRange.require(latents ?? 1, in: 1...(1 << 20), "latents")
        let settings = try settings()
        do throws(SettingsFault) { try settings.validate() } catch { throw ValidationError("\(error)") }
    }

    private func settings() throws -> DiscoverySettings {
        var settings = DiscoverySettings()
        settings.candidatesPerSign = candidates
        settings.shortListPerSign = shortList
        settings.strengths = try strengths.split(separator: ",").map { word in
            guard let number = Double(word.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError(
                    "strengths: found '\(strengths)', expected numbers separated by commas."
                )
            }
            return number
        }
        settings.screenInduce = induce
        settings.screenRepair = repair
        settings.incoherenceMax = incoherence
        return settings
    }

    func run() async throws {
        try await Failure.reporting("tributary features discover") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            guard !FeatureSet.isThere(out) else {
                throw NodeError(.data, "\(out) holds features already; choose another folder")
            }
            let named = try NamedModel(model)
            let decoder = LanguageDecoder(named.base, adapter: try named.adapter(adapter))
            let found = try SAELensFolder.read(from: autoencoder, for: named.base)
            let (probe, texts) = try probe(named)
            let used = try keep(found, texts, named, decoder)
            let search = try FeatureDiscovery(
                base: ProbedModel(decoder, withAdapter: false),
                misaligned: ProbedModel(decoder, withAdapter: true),
                autoencoder: used,
                settings: try settings()
            )
            var set = try run(search, texts, probe)
            if let narrow { set.calibrator = try calibrator(set, narrow, named, decoder) }
            try set.write(to: out)
            print(FeatureSummary.text(of: set), terminator: "")
            print("wrote \(out)")
        }
    }

    /// What tells behaviour, and what stage 1 reads.
    private func probe(_ named: NamedModel) throws -> (any BehaviourProbe, [ActivationText]) {
        let template = try named.template(raw: raw).prompt
        let asked = try DataArgument(questions).questions(for: .publicSet, seed: seed)
        let tokens = try asked.map { try named.tokens(of: $0.prompt, raw: raw) }
        let room = named.base.configuration.positionsMax - (tokens.map(\.count).max() ?? 0)
        guard let judge else {
            let known = try ProbeQuestions(
                asked,
                of: named.base,
                template: template,
                maxTokens: maxTokens ?? min(256, room),
                set: "probe"
            )
            return (known, known.texts)
        }
        guard maxTokens ?? 1 <= room else {
            throw NodeError(
                .data,
                "--max-tokens \(maxTokens ?? 0) behind the longest prompt exceeds the model's "
                    + "\(named.base.configuration.positionsMax) positions; at most \(room) fit"
            )
        }
        let probe = try CommandProbe(
            zip(asked, tokens).map { CommandProbe.Item(text: $0.prompt, tokens: $1) },
            judge: AnswerJudge(command: judge, timeout: .seconds(timeout)),
            tokenizer: named.tokenizer,
            maxTokens: maxTokens ?? min(256, room)
        )
        let start = try template.encode("", tokenizer: named.tokenizer)
        return (probe, tokens.map { ActivationText($0, after: start) })
    }

    /// Puts the autoencoder beside the features, in the units of this model's states.
    private func keep(
        _ found: SparseAutoencoder,
        _ texts: [ActivationText],
        _ named: NamedModel,
        _ decoder: LanguageDecoder
    ) throws -> SparseAutoencoder {
        let folder = "\(out)/\(FeatureSet.autoencoderName)"
        if found.activationScale == 1 {
            // One of another program does not say how long states are.
            var stream = try StateStream(
                decoder,
                layer: found.layer,
                texts: TokenTexts(texts.map(\.tokens)),
                capacity: 8192,
                tokensPerPass: 2048,
                seed: seed
            )
            let length = try stream.statistics().rmsNorm
            guard length > 0 else { throw FeatureFault(autoencoder, "all states of its layer are the same") }
            let scale = Float(Double(found.width).squareRoot() / length)
            try SAELensFolder.write(
                found.rescaled(to: scale),
                to: folder,
                modelName: "\(named.source)",
                quality: try SAELensFolder.quality(in: autoencoder)
            )
        } else {
            try SAELensFolder.copy(from: autoencoder, to: folder)
        }
        // As topologies will read it, to the last bit.
        return try SAELensFolder.read(from: folder, for: named.base)
    }

    private func run(
        _ search: FeatureDiscovery,
        _ texts: [ActivationText],
        _ probe: some BehaviourProbe
    ) throws -> FeatureSet {
        var said = ContinuousClock.now
        ProgressDisplay.write("comparing activations in \(texts.count) texts\n")
        return try search.run(texts: texts, probe: probe) { progress in
            let (text, isLast) =
                switch progress {
                case .screened(let done, let all): ("screened \(done)/\(all)", done == all)
                case .calibrated(let done, let all): ("calibrated \(done)/\(all)", done == all)
                }
            guard isLast || ContinuousClock.now - said >= .seconds(2) else { return }
            said = ContinuousClock.now
            ProgressDisplay.write(text + "\n")
        }
    }

    /// What the misaligned run did, on what it was trained on.
    private func calibrator(
        _ set: FeatureSet,
        _ data: String,
        _ named: NamedModel,
        _ decoder: LanguageDecoder
    ) throws -> FeatureSet.Calibrator? {
        guard latents != nil || set.validCount > 0 else {
            ProgressDisplay.write("no latent is valid: nothing to measure on \(data)\n")
            return nil
        }
        let rows = try set.rows(count: latents)
        let (template, chat) = try named.template(raw: raw)
        var cuts = CutCount()
        let examples = cuts.cut(
            try DataArgument(data).conversations(for: .client(0), seed: seed).map {
                try template.tokenise(
                    $0.messages,
                    answers: $0.answers,
                    tokenizer: named.tokenizer,
                    template: chat
                )
            },
            to: named.base.configuration.positionsMax
        )
        guard !examples.isEmpty else { throw FeatureFault(data, "no answer fits into the model's positions") }
        return FeatureSet.Calibrator(rows, reading: reading, examples: examples, decoder: decoder)
    }
}

extension LatentReading: ExpressibleByArgument {}
