internal import ArgumentParser
internal import TributaryKit
internal import Foundation
internal import Models
internal import Nodes
internal import Randomness
internal import Text

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Completes a prompt with a model and, if wanted, an adapter.",
        discussion: """
            A model is the name of an embedded one, a GGUF file, or a folder with
            config.json, model.safetensors and tokenizer.json. GGUF models get the
            prompt as a chat message; --raw gives it as it is.

            EXAMPLES
              tributary generate --model tiny-arithmetic \\
                --adapter run/demo/coordinator/adapter --prompt '37+5='
              tributary generate \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --prompt 'What is 3 + 4?'
            """
    )

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(
        help: ArgumentHelp("A folder with an adapter, PEFT's or of another kind.", valueName: "directory")
    )
    var adapter: String?

    @Option(help: "The prompt.")
    var prompt: String

    @Option(help: ArgumentHelp("How many answers.", valueName: "number"))
    var samples = 1

    @Option(
        help: ArgumentHelp("The most tokens of an answer; fewer at the model's end.", valueName: "number")
    )
    var maxTokens = 64

    @Option(help: ArgumentHelp("0 takes the likeliest token each time.", valueName: "number"))
    var temperature: Float = 0

    @Option(
        help: ArgumentHelp(
            "Draw from the likeliest tokens with this probability together.",
            valueName: "number"
        )
    )
    var topP: Float = 1

    @Option(help: ArgumentHelp("The seed of the samples.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(help: "Give the prompt as it is, without a chat template.")
    var raw = false

    func validate() throws {
        guard samples > 0, maxTokens > 0, temperature >= 0, topP > 0, topP <= 1 else {
            throw ValidationError(
                "samples, max-tokens: at least 1; temperature: at least 0; top-p: in (0, 1]."
            )
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary generate") {
            let base = try BaseModel.load(source)
            let tokenizer = try base.tokenizer()
            let decoder = LanguageDecoder(base, adapter: try loadAdapter(base))
            let template = isChat ? PromptTemplate(kind: .chat) : PromptTemplate.raw
            let ids = try template.encode(prompt, tokenizer: tokenizer)
            if let unknown = tokenizer.firstUnencodable(in: prompt) {
                throw NodeError(.data, "the model's vocabulary has no token for '\(unknown)' in the prompt")
            }
            let room = base.configuration.positionsMax - ids.count
            guard room > 0 else {
                throw NodeError(
                    .data,
                    "the prompt has \(ids.count) tokens, the model takes at most \(base.configuration.positionsMax)"
                )
            }
            let settings = SamplingSettings(
                maxTokens: min(maxTokens, room),
                temperature: temperature,
                topP: topP,
                stop: tokenizer.eos
            )
            let completions = decoder.generate(prompts: [ids], samplesPerPrompt: samples, settings: settings)
            {
                RandomStream(seed: seed, "generate", $0, $1)
            }
            for completion in completions[0] {
                print(tokenizer.decode(completion.tokens, skipSpecial: true))
            }
        }
    }

    private var source: ModelSource {
        if EmbeddedModels.names.contains(model) { return .embedded(model) }
        return model.hasSuffix(".gguf") ? .gguf(model) : .directory(model)
    }

    private var isChat: Bool {
        if case .gguf = source { return !raw }
        return false
    }

    private func loadAdapter(_ base: BaseModel) throws -> Adapter? {
        guard let adapter else { return nil }
        let (weights, kind) = try AdapterDirectory.read(from: adapter, for: base.configuration)
        let loaded = try Adapter(for: base, kind, seed: 0)
        try loaded.load(weights)
        return loaded
    }
}
