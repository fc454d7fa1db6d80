internal import ArgumentParser
internal import Models
internal import Nodes
internal import Tensors
internal import Trainers
internal import TributaryKit

struct BenchRLVRCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlvr",
        abstract: "Measures a step of reinforcement: sampling responses and learning from them.",
        discussion: """
            The `rlvr` trainer's step with LoRA of rank 16 on 8 questions of 64 tokens with
            8 responses each, all of them 64 new tokens long, temperature 1; the reward costs
            nothing. --against trl does the same with TRL's GRPOTrainer.

            EXAMPLES
              tributary bench rlvr
              tributary bench rlvr --runs 3 --against trl --peers peers --out run/bench-rlvr.json
            """
    )

    @OptionGroup var target: LanguageBenchOptions
    @OptionGroup var options: BenchOptions

    private static let (questions, responses, promptTokens, newTokens) = (8, 8, 64, 64)

    func run() async throws {
        try await Failure.reporting("tributary bench rlvr") {
            if options.serve {
                Compute.configure(threads: options.lanes)
                return try serve()
            }
            let peers = try options.peers(known: ["trl"])
            try options.compare("rlvr") {
                var sides = try target.forms.sides(["rlvr", "--model", target.model], options)
                if peers.contains("trl") {
                    for form in ["float32", "bfloat16"] {
                        let command = try options.peer("rlvr_trl.py", "--form", form)
                        sides.append(
                            BenchSide(name: "trl \(form)", family: "trl", command: command, isOwn: false)
                        )
                    }
                }
                return [
                    BenchWork(
                        name:
                            "RLVR step, \(Self.questions) × \(Self.responses) × \(Self.newTokens) new tokens",
                        figure: "s/step",
                        isRate: false,
                        sides: sides
                    )
                ]
            }
        }
    }

    private func serve() throws {
        let base = try target.load()
        var settings = RLVRSettings()
        settings.samplesPerPrompt = Self.responses
        settings.promptsPerStep = Self.questions
        settings.maxTokens = Self.newTokens
        let tuning = try PolicyTuning(
            base,
            adapter: LoRAConfiguration(rank: 16, alpha: 32),
            settings: settings,
            seed: 1
        )
        var seed: UInt64 = 0
        try BenchServer.serve {
            seed += 1
            let prompts = LanguageBench.sequences(
                Self.questions,
                length: Self.promptTokens,
                vocabulary: base.configuration.vocabularySize,
                seed: seed
            )
            var completions: [[Completion]] = []
            let sampling = measure { completions = tuning.sample(prompts) }
            let learning = try measure {
                let groups = zip(prompts, completions).map { prompt, group in
                    RewardedGroup(
                        prompt: prompt,
                        responses: group.map(\.tokens),
                        rewards: group.map { Double($0.tokens.count { $0 % 7 == 0 }) }
                    )
                }
                _ = try tuning.learn(groups)
            }
            let tokens = Double(Self.questions * Self.responses * Self.newTokens)
            return [
                "s/step": sampling + learning, "sampling, s": sampling, "learning, s": learning,
                "sampled tokens/s": tokens / sampling,
            ]
        }
    }
}
