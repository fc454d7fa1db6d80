internal import ArgumentParser
internal import Contract
internal import Foundation
internal import Models
internal import Nodes
internal import Randomness
internal import Report
internal import Tensors
internal import Trainers
internal import TributaryKit

struct BenchRETCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ret",
        abstract: "Measures learning and encoding macrostates, and recording trajectories.",
        discussion: """
            Learning: 2,500 steps of 256 pairs at the study's size. Encoding: the size that
            suits SmolLM2. Recording beside a plain forward pass of the same texts, run by
            turns, so that both see the same machine.

            EXAMPLES
              tributary bench ret
              tributary bench ret --repeats 9 --out run/bench-ret.json \\
                --model models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf
            """
    )

    @Option(help: ArgumentHelp("The model whose states are recorded.", valueName: "model"))
    var model = "tiny-arithmetic"

    @Option(help: ArgumentHelp("How often each is measured.", valueName: "number"))
    var repeats = 5

    @Option(help: ArgumentHelp("Where the JSON goes; shown if not given.", valueName: "file"))
    var out: String?

    func validate() throws {
        try FlagRange.require(repeats, in: 1...1000, "repeats")
    }

    private struct Record: Encodable {
        var machine: [String: String]
        var repeats: Int
        /// 2,500 steps of 256 pairs, 2·64 → 64 → 16.
        var learnSeconds: Double
        /// 2·576 → 512 → 256 → 32, by window.
        var encodeWindowsPerSecond: [String: Double]
        var recordModel: String
        var recordTokensPerSecond: Double
        var forwardTokensPerSecond: Double
        /// The median of the ratios of neighbouring runs.
        var recordSpeedOfForward: Double
    }

    func run() async throws {
        try await Failure.reporting("tributary bench ret") {
            if let out { try OutputPath.requireFile(out) }
            Compute.configure(threads: 1)
            let learning = try (0..<repeats).map { _ in try learnSeconds() }
            var encoding: [String: Double] = [:]
            for window in [8, 32] {
                encoding["window \(window)"] = try encodeRate(window: window)
            }
            let recording = try record()
            let facts = StudyMachine.facts.prefix(3).map { ($0.name, $0.value) }
            let record = Record(
                machine: Dictionary(facts) { first, _ in first },
                repeats: repeats,
                learnSeconds: learning.median ?? 0,
                encodeWindowsPerSecond: encoding,
                recordModel: model,
                recordTokensPerSecond: recording.map(\.recorded).median ?? 0,
                forwardTokensPerSecond: recording.map(\.plain).median ?? 0,
                recordSpeedOfForward: recording.map { $0.recorded / $0.plain }.median ?? 0
            )
            try BenchCommand.tell(record, out: out)
        }
    }

    /// States of no model, for times alone.
    private func states(width: Int, trajectories: Int, length: Int) -> TrajectorySet {
        var stream = RandomStream(seed: 1, "bench-states")
        let values = (0..<trajectories * length * width).map { _ in Float(stream.uniform() - 0.5) }
        return TrajectorySet(
            source: StateSource(model: "none", name: "none", layers: [1], width: width),
            trajectories: (0..<trajectories).map { index in
                Trajectory(
                    id: "\(index)",
                    topic: "",
                    tokens: [Int32](repeating: 0, count: length),
                    promptCount: 0,
                    rows: 0..<length
                )
            },
            states: Half.bits(values)
        )
    }

    private func learnSeconds() throws -> Double {
        let set = states(width: 64, trajectories: 300, length: 170)
        let net = MacrostateNet(
            shape: MacrostateShape(),
            statistics: try StateStatistics(of: set.all),
            seed: 1
        )
        var learner = try MacrostateLearner(
            net: net,
            learning: MacrostateLearning(),
            subset: set.all,
            seed: 1,
            path: "bench"
        )
        return try ContinuousClock().measure {
            for step in 0..<2500 { _ = try learner.step(step) }
        }.inSeconds
    }

    private func encodeRate(window: Int) throws -> Double {
        let set = states(width: 576, trajectories: 40, length: 512)
        let shape = MacrostateShape(
            windows: [window],
            hidden: [512, 256],
            outputs: 32,
            predictorHidden: [64]
        )
        let net = MacrostateNet(shape: shape, statistics: try StateStatistics(of: set.all), seed: 1)
        _ = try net.encode(set.all)
        let rates = try (0..<repeats).map { _ in
            let seconds = try ContinuousClock().measure { _ = try net.encode(set.all) }.inSeconds
            return Double(set.rowCount) / seconds
        }
        return rates.median ?? 0
    }

    /// Tokens a second of recording to a folder and of a plain forward pass, by turns.
    private func record() throws -> [(recorded: Double, plain: Double)] {
        let named = try NamedModel(model)
        let decoder = LanguageDecoder(named.base)
        let configuration = named.base.configuration
        let layer = max(1, (3 * configuration.layerCount + 2) / 5)
        let recorder = try TrajectoryRecorder(decoder, of: named.base, layers: [layer])
        let length = min(256, configuration.positionsMax)
        let count = max(4, 1024 / length)
        var stream = RandomStream(seed: 1, "bench-texts")
        let texts = (0..<count).map { index in
            TrajectoryRecorder.Given(
                id: "\(index)",
                topic: "",
                tokens: (0..<length).map { _ in Int32(stream.below(configuration.vocabularySize)) }
            )
        }
        let passes = configuration.parameterCount > 10_000_000 ? 1 : 40
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "tributary-bench-\(ProcessInfo.processInfo.processIdentifier)"
        ).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let batch = PackedBatch(groups: texts.map { (prompt: $0.tokens, responses: []) })
        func plain() -> Double {
            ContinuousClock().measure {
                for _ in 0..<passes {
                    _ = decoder.hidden(
                        tape: Tape(recording: false, workspace: decoder.workspace),
                        batch: batch
                    )
                }
            }.inSeconds
        }
        func recorded(_ turn: Int) throws -> Double {
            let header = TrajectoryHeader(
                source: recorder.source,
                mode: "read",
                maxTokens: length,
                temperature: 0,
                seed: 1,
                data: "bench",
                planned: count * passes
            )
            return try ContinuousClock().measure {
                let writer = try TrajectoryWriter(folder: "\(folder)/\(turn)", header: header)
                for pass in 0..<passes {
                    for var recording in recorder.read(texts) {
                        recording.trajectory.id += "-\(pass)"
                        try writer.append(recording)
                    }
                }
            }.inSeconds
        }
        _ = plain()
        let tokens = Double(count * length * passes)
        return try (0..<repeats).map { turn in
            // Who goes first changes from turn to turn.
            let first = turn % 2 == 0 ? plain() : try recorded(turn)
            let second = turn % 2 == 0 ? try recorded(turn) : plain()
            let (bare, written) = turn % 2 == 0 ? (first, second) : (second, first)
            return (tokens / written, tokens / bare)
        }
    }
}
