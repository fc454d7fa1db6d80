internal import ArgumentParser
internal import Models
internal import Nodes
internal import Tensors
internal import Trainers
internal import TributaryKit

struct BenchTrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Measures steps of training: LoRA on a model, or all values of a tiny one.",
        discussion: """
            LoRA of rank 16 on all maps of all blocks, 8 sequences of 256 tokens, a loss on
            every token, AdamW: the step that the trainers take. --tiny trains all values of
            a random model of 1.1 million values on 32 sequences of 64 tokens. --against
            torch does the same with PyTorch, PEFT and AdamW, in float32 and in bfloat16
            (autocast).

            EXAMPLES
              tributary bench train
              tributary bench train --tiny --threads 1
              tributary bench train --against torch --peers peers --out run/bench-train.json
            """
    )

    @OptionGroup var target: LanguageBenchOptions

    @Flag(help: "A random model of 1.1 million values in place of --model.")
    var tiny = false

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard !tiny || target.forms.weights == [.float32] else {
            throw ValidationError("--tiny trains all values, which are float32: leave --weights out.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary bench train") {
            if options.serve {
                Compute.configure(threads: options.lanes)
                return try tiny ? serveTiny() : serveLoRA()
            }
            let peers = try options.peers(known: ["torch"])
            try options.compare("train") {
                let own = ["train"] + (tiny ? ["--tiny"] : ["--model", target.model])
                var sides = try target.forms.sides(own, options) { form in
                    // Back through a map of 8 bits goes as bfloat16, and half of all operations go back.
                    BenchCost(operations: (form == .int8 ? .bfloat16 : form.arithmetic, try operations()))
                }
                if peers.contains("torch") {
                    for form in ["float32", "bfloat16"] {
                        let command = try options.peer(
                            "train_torch.py",
                            "--form",
                            form,
                            "--model",
                            tiny ? "tiny" : "smollm2"
                        )
                        sides.append(
                            BenchSide(
                                name: "torch \(form)",
                                family: "torch \(form)",
                                command: command,
                                isOwn: false
                            )
                        )
                    }
                }
                let name =
                    tiny
                    ? "training all of 1.1 M values, 32 × 64"
                    : "LoRA step, rank 16, \(Self.batch) × \(Self.length)"
                return [BenchWork(name: name, figure: "tokens/s", sides: sides)]
            }
        }
    }

    private static let (batch, length, rank) = (8, 256, 16)
    private static let (tinyBatch, tinyLength, tinySteps) = (32, 64, 20)

    /// Useful operations of a step for one token: maps forwards and back to their inputs, factors and a tiny model's
    /// values to their gradients as well; attention forwards and back.
    private func operations() throws -> Double {
        let model = tiny ? LanguageBench.tiny : try target.configuration()
        let values = LanguageBench.values(model)
        let attention = LanguageBench.attention(
            model,
            before: Double(tiny ? Self.tinyLength : Self.length) / 2
        )
        let own = 3.5 * attention
        if tiny { return 6 * (values.blocks + values.head) + own }
        let factors = (0..<model.layerCount).reduce(0) { sum, layer in
            sum + model.modules(layer: layer).reduce(0) { $0 + ($1.rows + $1.columns) * Self.rank }
        }
        return 4 * (values.blocks + values.head) + 6 * Double(factors) + own
    }

    private func serveLoRA() throws {
        let base = try target.load()
        let tuning = try FineTuning(
            base,
            adapter: LoRAConfiguration(rank: Self.rank, alpha: Double(2 * Self.rank)),
            optimiser: OptimiserSettings(),
            seed: 1
        )
        let sequences = LanguageBench.sequences(
            Self.batch,
            length: Self.length,
            vocabulary: base.configuration.vocabularySize
        )
        let groups = sequences.map { LearningGroup(prompt: [$0[0]], responses: [Array($0.dropFirst())]) }
        var step = 0
        try BenchServer.serve {
            let seconds = try measure {
                _ = try tuning.train(on: groups, batch: Self.batch, steps: step..<step + 1)
            }
            step += 1
            return ["tokens/s": Double(Self.batch * Self.length) / seconds, "s/step": seconds]
        } parts: {
            let forward = measure {
                for sequence in sequences {
                    _ = tuning.decoder.responseLogProbs(
                        tape: Tape(recording: false, workspace: tuning.decoder.workspace),
                        batch: PackedBatch(sequences: [sequence])
                    )
                }
            }
            var optimiser = AdamW(learningRate: 1e-5)
            let parameters = tuning.adapter.parameters
            let stepping = (0..<2).map { _ in measure { optimiser.step(parameters: parameters) } }
            return ["forward alone, s": forward, "optimiser alone, s": stepping[1]]
        }
    }

    private func serveTiny() throws {
        let parameters = DecoderParameters(random: LanguageBench.tiny, seed: 1)
        let decoder = LanguageDecoder(parameters)
        var optimiser = AdamW(learningRate: 1e-4)
        let batch = PackedBatch(
            sequences: LanguageBench.sequences(
                Self.tinyBatch,
                length: Self.tinyLength,
                vocabulary: LanguageBench.tiny.vocabularySize
            )
        )
        let seed = [Float](repeating: -1 / Float(batch.targets.count), count: batch.targets.count)
        try BenchServer.serve {
            var (forward, back, stepping) = (0.0, 0.0, 0.0)
            for _ in 0..<Self.tinySteps {
                zeroGradients(parameters.trainable)
                let tape = Tape(recording: true, workspace: decoder.workspace)
                var logProbs: Tensor?
                forward += measure { logProbs = decoder.responseLogProbs(tape: tape, batch: batch) }
                back += measure { if let logProbs { tape.backward(from: logProbs, seed: seed) } }
                stepping += measure {
                    clipGradientNorm(parameters.trainable, max: 1)
                    optimiser.step(parameters: parameters.trainable)
                }
            }
            let seconds = forward + back + stepping
            let steps = Double(Self.tinySteps)
            return [
                "tokens/s": steps * Double(Self.tinyBatch * Self.tinyLength) / seconds,
                "ms/step": 1000 * seconds / steps, "forward, ms": 1000 * forward / steps,
                "back, ms": 1000 * back / steps, "optimiser, ms": 1000 * stepping / steps,
            ]
        }
    }
}

/// The seconds that a piece of work takes.
func measure(_ work: () throws -> Void) rethrows -> Double { try ContinuousClock().measure(work).inSeconds }
