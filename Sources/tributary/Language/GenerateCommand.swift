internal import ArgumentParser
internal import TributaryKit
internal import Digest
internal import Foundation
internal import Glibc
internal import Models
internal import Nodes
internal import Randomness
internal import Text
internal import Trainers

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Completes a prompt with a model and, if wanted, an adapter.",
        discussion: """
            A model is the name of an embedded one, a GGUF file, or a folder with
            config.json, model.safetensors and tokenizer.json. A model with a chat
            template gets the prompt as a message; --raw gives it as it is, behind what
            the tokenizer itself puts before a text. Answers are shown as they come, one
            after the other. Without --prompt each line of standard input is one.

            EXAMPLES
              tributary generate --model tiny-arithmetic \\
                --adapter run/demo/coordinator/adapter --prompt '94-9='
              tributary generate \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --prompt 'What is 3 + 4?'
              tributary generate --model tiny-phases --raw --temperature 1 \\
                --prompt 'a = 3 , b = 5 , c = 7 , Q b = U b 9 A' \\
                --macrostates run/macrostates --steer 3:0.4
            """
    )

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(
        help: ArgumentHelp("A folder with an adapter, PEFT's or of another kind.", valueName: "directory")
    )
    var adapter: String?

    @Option(help: "The prompt; the lines of standard input, one by one, unless given.")
    var prompt: String?

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

    @Option(
        help: ArgumentHelp(
            "The day that a chat template takes for today; today unless given.",
            valueName: "YYYY-MM-DD"
        ),
        transform: GenerateCommand.day
    )
    var date: TemplateDate?

    @Option(
        help: ArgumentHelp(
            """
            How matrices are kept: \(WeightForm.allCases.map(\.rawValue).joined(separator: ", ")); int8 for a \
            GGUF file of 4 to 8 bits, else float32, unless given.
            """,
            valueName: "form"
        )
    )
    var weights: WeightForm?

    @OptionGroup var compute: ComputeOptions

    @Option(
        help: ArgumentHelp(
            "Push towards a group of macrostates, this many median state lengths strongly: 3:0.4.",
            valueName: "group:strength"
        )
    )
    var steer: String?

    @Option(help: ArgumentHelp("The folder of macrostates that --steer means.", valueName: "directory"))
    var macrostates: String?

    @Option(
        help: ArgumentHelp(
            "How: \(SteeringMethod.allCases.map { $0.rawValue }.joined(separator: ", ")).",
            valueName: "method"
        )
    )
    var steerMethod = SteeringMethod.futureGroup

    @Flag(help: "Steer to a group even if independent fits do not find it again.")
    var force = false

    /// The most tokens of all answers together: keys and values of each are kept until the last one ends.
    private static let tokensMax = 65_536

    func validate() throws {
        guard (steer == nil) == (macrostates == nil) else {
            throw ValidationError("--steer and --macrostates go together.")
        }
        if let steer { _ = try Self.target(steer) }
        try FlagRange.require(samples, in: 1...1024, "samples")
        try FlagRange.require(maxTokens, in: 1...65_536, "max-tokens")
        try FlagRange.requireTemperature(temperature)
        try FlagRange.require(topP, in: 1e-6...1, "top-p")
    }

    func run() async throws {
        try await Failure.reporting("tributary generate") {
            compute.configure()
            let named = try NamedModel(model, date: date ?? Today.date(), weights: weights)
            let decoder = LanguageDecoder(named.base, adapter: try named.adapter(adapter))
            let target = try self.target(named)
            let steering = try target.map {
                try Steering(
                    $0.macrostates,
                    group: $0.group,
                    strength: $0.strength,
                    method: steerMethod,
                    ignoresRecall: force
                )
            }
            if let prompt { return try answer(prompt, named, decoder, target, steering) }
            while let line = nextLine() { try answer(line, named, decoder, target, steering) }
        }
    }

    /// The next prompt of standard input, for which a terminal is asked.
    private func nextLine() -> String? {
        if isatty(STDIN_FILENO) == 1 { FileHandle.standardError.write(Data("prompt: ".utf8)) }
        return readLine()
    }

    private func answer(
        _ prompt: String,
        _ named: NamedModel,
        _ decoder: LanguageDecoder,
        _ target: Target?,
        _ steering: Steering?
    ) throws {
        let ids = try named.tokens(of: prompt, raw: raw)
        let room = named.base.configuration.positionsMax - ids.count
        try FlagRange.require(
            samples * min(maxTokens, room),
            in: 1...Self.tokensMax,
            "samples times max-tokens"
        )
        let settings = SamplingSettings(
            maxTokens: min(maxTokens, room),
            temperature: temperature,
            topP: topP,
            stop: try named.end(raw: raw)
        )
        var shown = ShownSamples(samples, tokenizer: named.tokenizer)
        let completions = decoder.generate(
            prompts: [ids],
            samplesPerPrompt: samples,
            settings: settings,
            hook: steering?.hook(),
            observe: { shown.take($2, of: $1, isEnd: $3) }
        ) { RandomStream(seed: seed, "generate", $0, $1) }
        try shown.finish()
        guard let target else { return }
        let plain = decoder.generate(prompts: [ids], samplesPerPrompt: samples, settings: settings) {
            RandomStream(seed: seed, "generate", $0, $1)
        }
        let checks = try [completions[0], plain[0]].map { completions in
            try SteeringCheck(
                prompt: ids,
                responses: completions.map(\.tokens),
                group: target.group,
                macrostates: target.macrostates,
                decoder: decoder,
                base: named.base
            )
        }
        let name = target.macrostates.name(of: target.group)
        FileHandle.standardError.write(Data((checks[0].text(beside: checks[1], group: name) + "\n").utf8))
    }

    private static func day(_ text: String) throws -> TemplateDate {
        guard let date = TemplateDate(text) else {
            throw ValidationError("found '\(text)', expected a day of the calendar as YYYY-MM-DD")
        }
        return date
    }

    private typealias Target = (macrostates: Macrostates, group: Int, strength: Double)

    /// What `--steer` means; nil without it.
    private func target(_ named: NamedModel) throws -> Target? {
        guard let steer, let macrostates else { return nil }
        let found = try MacrostateFolder.read(from: macrostates)
        try named.require(found.source, of: macrostates)
        let (group, strength) = try Self.target(steer)
        return (found, try found.group(group), strength)
    }

    /// The group and the strength of `GROUP:STRENGTH`; a name may have colons.
    private static func target(_ text: String) throws -> (group: String, strength: Double) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, let strength = Double(last), abs(strength) <= 100 else {
            throw ValidationError(
                "steer: found '\(text)', expected GROUP:STRENGTH such as 3:0.4, with a strength of at most 100."
            )
        }
        return (parts.dropLast().joined(separator: ":"), strength)
    }
}

extension SteeringMethod: ExpressibleByArgument {}
extension WeightForm: ExpressibleByArgument {}
