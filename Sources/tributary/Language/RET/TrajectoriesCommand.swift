internal import ArgumentParser
internal import Contract
internal import Digest
internal import Foundation
internal import Models
internal import Nodes
internal import Randomness
internal import Report
internal import Tasks
internal import Text
internal import Trainers
internal import TributaryKit

struct TrajectoriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trajectories",
        abstract: "Records the hidden states of a frozen model along texts, to learn macrostates from.",
        discussion: """
            EXAMPLES
              tributary trajectories record --model tiny-phases --layers 2 \\
                --data '{"phases": {"texts": 300}}' --out run/trajectories
              tributary trajectories info run/trajectories
            """,
        subcommands: [TrajectoriesRecordCommand.self, TrajectoriesInfoCommand.self]
    )
}

struct TrajectoriesRecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Records a model's hidden states while it reads texts, or goes on from them.",
        discussion: """
            States are streamed to disk in half precision with their tokens; memory stays
            bounded. The same command goes on where it was ended. Private texts' states
            say much of the texts: keep the folder as you keep the texts.

            What is generated in answer to a question is graded, to be foretold later
            (tributary macrostates predict): label 1 for a wrong answer, 0 for a right
            one. With {"suggestions": {...}} around the data a wrong answer is suggested
            in each question: 1 if the model follows it, 0 if it holds to the truth.

            EXAMPLES
              tributary trajectories record --model tiny-phases --layers 2 \\
                --data '{"phases": {"texts": 300}}' --out run/trajectories
              tributary trajectories record --mode generate --max-tokens 160 \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --layers 18 --data questions.jsonl --limit 200 --out run/smollm2
              tributary trajectories record --mode generate --max-tokens 160 \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf \\
                --data '{"suggestions": {"path": "questions.jsonl"}}' --out run/swayed
            """
    )

    enum Mode: String, ExpressibleByArgument, CaseIterable { case read, generate }

    @Option(help: ArgumentHelp("An embedded model's name, a GGUF file or a folder.", valueName: "model"))
    var model: String

    @Option(help: ArgumentHelp("A folder with an adapter of the model.", valueName: "directory"))
    var adapter: String?

    @Option(
        help: ArgumentHelp(
            "A file of questions, or a data mapping as JSON, as in a topology.",
            valueName: "file or JSON"
        )
    )
    var data: String

    @Option(
        help: ArgumentHelp(
            "Layer boundaries separated by commas: 0 is after the embedding, n after block n; three fifths of the depth if not given.",
            valueName: "list"
        )
    )
    var layers: String?

    @Option(help: ArgumentHelp("read: the texts themselves; generate: what follows them.", valueName: "mode"))
    var mode = Mode.read

    @Option(help: ArgumentHelp("Where the trajectories go.", valueName: "directory"))
    var out: String

    @Option(help: ArgumentHelp("The most texts, from the start.", valueName: "number"))
    var limit: Int?

    @Option(help: ArgumentHelp("The most tokens of a text, or of what follows it.", valueName: "number"))
    var maxTokens = 256

    @Option(help: ArgumentHelp("Of what is generated; 0 takes the likeliest token.", valueName: "number"))
    var temperature: Float = 1

    @Option(help: ArgumentHelp("The seed of what is generated, and of generated data.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(help: "Give texts as they are, without a chat template.")
    var raw = false

    @Option(help: ArgumentHelp("Leading tokens of a text that are not learnt from.", valueName: "number"))
    var skipTokens = 1

    @Option(help: ArgumentHelp("The most tokens of one pass of the model.", valueName: "number"))
    var tokensPerPass = 4096

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        if let limit { try FlagRange.require(limit, in: 1...(1 << 30), "limit") }
        try FlagRange.require(maxTokens, in: 1...(1 << 20), "max-tokens")
        try FlagRange.requireTemperature(temperature)
        try FlagRange.require(skipTokens, in: 0...(1 << 20), "skip-tokens")
        try FlagRange.require(tokensPerPass, in: 1...(1 << 20), "tokens-per-pass")
    }

    func run() async throws {
        try await Failure.reporting("tributary trajectories record") {
            try OutputPath.requireFolder(out)
            compute.configure(standard: ProcessInfo.processInfo.activeProcessorCount)
            let named = try NamedModel(model)
            let decoder = LanguageDecoder(named.base, adapter: try named.adapter(adapter))
            let recorder = try TrajectoryRecorder(decoder, of: named.base, layers: chosenLayers(named.base))
            let behaviour = mode == .generate ? try DataArgument(data).source().behaviour : nil
            let (questions, texts) = try given(named)
            var header = TrajectoryHeader(
                source: recorder.source,
                mode: mode.rawValue,
                maxTokens: maxTokens,
                temperature: mode == .generate ? Double(temperature) : 0,
                seed: seed,
                data: data + (adapter.map { ", adapter \($0)" } ?? ""),
                planned: texts.count,
                label: behaviour?.rawValue
            )
            header.texts = Self.digest(texts)
            header.skipTokens = mode == .read ? skipTokens : nil
            header.tokensPerPass = tokensPerPass
            let writer = try TrajectoryWriter(folder: out, header: header)
            if writer.count > 0 {
                ProgressDisplay.write("going on after \(writer.count) of \(texts.count) trajectories\n")
            }
            let began = ContinuousClock.now
            let before = writer.rowCount
            let passes = TrajectoryRecorder.passes(
                of: texts,
                extra: mode == .generate ? maxTokens : 0,
                tokensPerPass: tokensPerPass
            )
            // A pass that was cut off is run again as a whole: its states are those of all its texts together.
            for pass in passes where pass.upperBound > writer.count {
                let recordings = record(Array(texts[pass]), from: pass.lowerBound, recorder, named)
                let written = max(0, writer.count - pass.lowerBound)
                for (var recording, question) in zip(recordings, questions[pass]).dropFirst(written) {
                    recording.trajectory.label = behaviour?.label(
                        of: answer(recording, to: question, named.tokenizer),
                        to: question
                    )
                    try writer.append(recording)
                }
                let seconds = (ContinuousClock.now - began).inSeconds
                let rate = Double(writer.rowCount - before) / max(seconds, 1e-9)
                ProgressDisplay.write(
                    "\(writer.count)/\(texts.count) trajectories, \(writer.rowCount) states, \(Int(rate)) tokens/s\n"
                )
            }
            try writer.sync()
            print(
                "wrote \(out): \(writer.count) trajectories, \(writer.rowCount) states of \(recorder.source.stateWidth) values"
            )
        }
    }

    private func chosenLayers(_ base: BaseModel) throws -> [Int] {
        guard let layers else {
            return StateSource.usualLayers(depth: base.configuration.layerCount)
        }
        return try layers.split(separator: ",").map { word in
            guard let layer = Int(word.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("layers: found '\(layers)', expected numbers separated by commas.")
            }
            return layer
        }
    }

    /// What was generated, as text. Where the answer is one exact text, one that was cut off is none, as in training.
    private func answer(
        _ recording: TrajectoryRecorder.Recording,
        to question: Question,
        _ tokenizer: any Tokenizer
    ) -> String {
        let isStopped = recording.response.last == tokenizer.eos
        guard isStopped || question.kind != .exact else { return "" }
        return tokenizer.decode(Array(recording.response.dropLast(isStopped ? 1 : 0)), skipSpecial: true)
    }

    /// The questions and their texts, cut to the length that is wanted and that the model takes.
    private func given(
        _ named: NamedModel
    ) throws -> (questions: [Question], texts: [TrajectoryRecorder.Given]) {
        let context = ClientContext(
            run: RunContext(
                seed: seed,
                schedule: Schedule(stepsPerRound: 1, localPerPublic: nil),
                clients: ["record"],
                folder: FileManager.default.currentDirectoryPath
            ),
            name: "record",
            data: try DataArgument(data).mapping
        )
        var questions = try LanguageData.questions(of: context)
        if let limit { questions = Array(questions.prefix(limit)) }
        let most = named.base.configuration.positionsMax
        let texts = try questions.map { question in
            var tokens = try named.tokens(of: question.prompt, raw: raw)
            if mode == .read { tokens = Array(tokens.prefix(min(maxTokens, most))) }
            guard mode == .generate || tokens.count > skipTokens else {
                throw NodeError(
                    .data,
                    "text '\(question.id)' has \(tokens.count) tokens, expected more than --skip-tokens \(skipTokens)"
                )
            }
            guard mode == .read || tokens.count + maxTokens <= most else {
                throw NodeError(
                    .data,
                    "prompt '\(question.id)' has \(tokens.count) tokens: with --max-tokens \(maxTokens) that is more than the model's \(most) positions"
                )
            }
            return TrajectoryRecorder.Given(id: question.id, topic: question.topic, tokens: tokens)
        }
        return (questions, texts)
    }

    /// The digest of all texts and their identifiers.
    private static func digest(_ texts: [TrajectoryRecorder.Given]) -> String {
        let hash = SHA256()
        for text in texts {
            hash.update(Array("\(text.id)\n\(text.topic)\n\(text.tokens)\n".utf8))
        }
        return hash.finish().description
    }

    private func record(
        _ texts: [TrajectoryRecorder.Given],
        from place: Int,
        _ recorder: TrajectoryRecorder,
        _ named: NamedModel
    ) -> [TrajectoryRecorder.Recording] {
        switch mode {
        case .read: return recorder.read(texts, promptCounts: texts.map { _ in skipTokens })
        case .generate:
            let settings = SamplingSettings(
                maxTokens: maxTokens,
                temperature: temperature,
                stop: named.tokenizer.eos
            )
            return recorder.generate(texts, settings: settings) { [seed] index in
                RandomStream(seed: seed, "trajectory", place + index)
            }
        }
    }
}

struct TrajectoriesInfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Says what a folder of trajectories holds.",
        discussion: """
            EXAMPLE
              tributary trajectories info run/trajectories
            """
    )

    @Argument(help: ArgumentHelp("The folder.", valueName: "directory"))
    var folder: String

    func run() async throws {
        try await Failure.reporting("tributary trajectories info") {
            let header = try TrajectoryFolder.header(of: folder)
            let set = try TrajectoryFolder.open(folder)
            let lengths = set.trajectories.map(\.tokens.count).sorted()
            let learnable = set.trajectories.reduce(0) { $0 + $1.learnableRows.count }
            let topics = Dictionary(grouping: set.trajectories, by: \.topic).mapValues(\.count)
            let source = header.source
            let rows = [
                ("model", "\(source.name), \(source.model)"),
                (
                    "layers",
                    "\(source.layers.map(String.init).joined(separator: ", ")) of width \(source.width)"
                ),
                (
                    "recorded",
                    "\(header.mode), at most \(header.maxTokens) tokens"
                        + (header.mode == "generate"
                            ? ", temperature \(header.temperature), seed \(header.seed)" : "")
                ),
                ("data", header.data),
                ("trajectories", "\(set.trajectories.count) of \(header.planned)"),
                (
                    "states",
                    "\(set.rowCount), \(learnable) of them to learn from; \(set.rowCount * set.width * 2) bytes"
                ),
                (
                    "tokens",
                    "\(lengths.first ?? 0) to \(lengths.last ?? 0), median \(lengths[lengths.count / 2])"
                ),
                (
                    "topics",
                    topics.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                ),
            ]
            for (name, value) in rows + labels(header, set) {
                print(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
            }
        }
    }

    private func labels(_ header: TrajectoryHeader, _ set: TrajectorySet) -> [(String, String)] {
        guard let meaning = header.label else { return [] }
        func count(_ label: Int?) -> Int { set.trajectories.count { $0.label == label } }
        return [("labels", "\(count(1)) 1 (\(meaning)), \(count(0)) 0, \(count(nil)) unknown")]
    }
}
