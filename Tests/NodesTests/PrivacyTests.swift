import Foundation
import Ledger
import Logging
import Rounds
import Synchronization
import Tasks
import Testing
import Text
import Trainers
import Wire

@testable import Nodes
@testable import Wire

/// What leaves a client, to the byte.
@Suite struct PrivacyTests {
    private static let prompts = ["9081726354+=", "5647382910+="]
    private static let answers = ["80214635", "13579086"]

    @Test("no private prompt or answer is in any byte that is sent")
    func canary() async throws {
        let scratch = try Scratch()
        let lines = zip(Self.prompts, Self.answers).enumerated().map { index, pair in
            #"{"id": "secret-\#(index)", "prompt": "\#(pair.0)", "answer": "\#(pair.1)"}"#
        }
        let file = try scratch.write(lines.joined(separator: "\n"), to: "private.jsonl")
        var recipe = Recipe.sft
        recipe.rounds = 1
        recipe.settings =
            "{maxTokens: 10, examplesPerStep: 2, publicPromptsPerStep: 3, evaluation: {itemsPerTopic: 4}}"
        let (tap, stage) = try await runTapped(recipe, in: scratch, dataFile: file)

        let sent = try tap.up.map(\.body) + decompressed(tap.up, offers: tap.up)
        let received = try decompressed(tap.down, offers: tap.down)
        let items = try LanguageData.publicQuestions(stage.job.coordinatorContext).map(\.prompt)

        // The search finds what is there: a public prompt in what came down.
        #expect(
            items.contains { prompt in
                forms(of: prompt).contains { form in received.contains { find(form, in: $0) } }
            }
        )
        for secret in Self.prompts + Self.answers + ["secret-"] {
            for form in forms(of: secret) { #expect(!sent.contains { find(form, in: $0) }, "\(secret)") }
        }
    }

    @Test("no private text is in any byte that is sent, in the ledger or in the logs of a ret run")
    func canaryOfRET() async throws {
        let scratch = try Scratch()
        let lines = Self.prompts.enumerated().map { index, prompt in
            #"{"id": "secret-\#(index)", "prompt": "\#(prompt)", "answer": "1"}"#
        }
        let file = try scratch.write(lines.joined(separator: "\n"), to: "private.jsonl")
        var recipe = Recipe.ret
        recipe.rounds = 1
        let log = LogCollector()
        let (tap, stage) = try await runTapped(recipe, in: scratch, dataFile: file, logger: log.logger)

        let sent = try tap.up.map(\.body) + decompressed(tap.up, offers: tap.up)
        let received = try decompressed(tap.down, offers: tap.down)
        let items = try LanguageData.publicQuestions(stage.job.coordinatorContext).map(\.prompt)
        let logged = log.lines.map { Array($0.utf8) }
        var kept: [[UInt8]] = []
        // The coordinator's ledger and blobs, and what it wrote beside them: all but the client's own state.
        let root = stage.layout.coordinatorState
        for name in FileManager.default.subpaths(atPath: root) ?? [] {
            if let bytes = FileManager.default.contents(atPath: "\(root)/\(name)") {
                kept.append(Array(bytes))
            }
        }

        // Tokens of public texts come down, in the form that private ones are looked for in.
        #expect(
            items.contains { prompt in
                forms(of: prompt).contains { form in received.contains { find(form, in: $0) } }
            }
        )
        #expect(kept.count > 3)
        // Both sides were heard, down to the finest level.
        for message in ["client admitted", "round began"] {
            #expect(log.lines.contains { $0.contains(message) })
        }
        for secret in Self.prompts + ["secret-"] {
            for form in forms(of: secret) {
                #expect(!(sent + kept + logged).contains { find(form, in: $0) }, "\(secret)")
            }
        }
    }

    @Test("the byte counts in the ledger are the sizes of the frames")
    func traffic() async throws {
        let scratch = try Scratch()
        let recipe = Recipe(clients: ["ash"], rounds: 2, steps: 3)

        let (tap, stage) = try await runTapped(recipe, in: scratch, dataFile: nil)

        let records = try Ledger.inspect(stage.layout.coordinatorState).traffic()
        for (direction, frames) in [(TrafficDirection.up, tap.up), (.down, tap.down)] {
            let counted = records.filter { $0.direction == direction }
            #expect(
                counted.reduce(0) { $0 + $1.bytes } == frames.reduce(0) { $0 + FrameEncoder.encode($1).count }
            )
            #expect(counted.reduce(0) { $0 + $1.messages } == frames.count)
        }
    }

    // MARK: - Helpers

    /// Runs a federation whose client `ash` is listened to.
    private func runTapped(
        _ recipe: Recipe,
        in scratch: Scratch,
        dataFile: String?,
        logger: Logger = quiet
    ) async throws -> (Tap, Stage) {
        let stage = try await Stage(recipe, in: scratch, logger: logger)
        let tap = Tap()
        var clients = [
            try await Client.make(
                stage.job,
                name: "ash",
                state: stage.layout.state(ofClient: "ash"),
                dataFile: dataFile,
                dialer: tap.dialer(stage.dialer("ash")),
                logger: logger
            )
        ]
        for name in recipe.clients.dropFirst() { clients.append(try await stage.client(name)) }
        #expect(try await stage.finish(with: clients) == .completed)
        return (tap, stage)
    }

    /// A text as bytes, and as the token numbers that stand for it in payloads.
    private func forms(of text: String) -> [[UInt8]] {
        let ids = CharacterTokenizer.arithmetic.encode(text, parseSpecial: false)
        let narrow = ids.map { UInt8(truncatingIfNeeded: $0) }
        let wide = ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }
        return [Array(text.utf8), narrow, wide]
    }

    private func find(_ needle: [UInt8], in bytes: [UInt8]) -> Bool {
        Data(bytes).range(of: Data(needle)) != nil
    }

    /// The raw bytes of every blob whose manifest and chunks are among the frames.
    private func decompressed(_ frames: [Frame], offers: [Frame]) throws -> [[UInt8]] {
        var blobs: [BlobAssembler] = []
        for frame in frames {
            if frame.type == .chunk {
                let chunk = try Chunk(body: frame.body)
                guard let place = blobs.lastIndex(where: { $0.manifest.digest == chunk.transfer }) else {
                    continue
                }
                try blobs[place].accept(chunk)
            } else if let manifest = try manifest(of: frame) {
                blobs.append(BlobAssembler(manifest: manifest))
            }
        }
        return try blobs.filter(\.isComplete).flatMap { assembler in
            let blob = try assembler.finish()
            var start = 0
            return try blob.manifest.entries.map { entry in
                let encoded = try blob.bytes[start..<start + entry.encodedBytes]
                start += entry.encodedBytes
                guard entry.compression == .zstd else { return Array(encoded) }
                return try encoded.withUnsafeBytes {
                    try ZstdDecompressor().decompress($0, rawBytes: entry.rawBytes, name: entry.name)
                }
            }
        }
    }

    private func manifest(of frame: Frame) throws -> Manifest? {
        switch frame.type {
        case .offerResponses, .offerUpdate:
            switch try ClientMessage(frame: frame) {
            case .offerResponses(let offer): offer.manifest
            case .offerUpdate(let offer): offer.manifest
            default: nil
            }
        case .roundStart, .batch, .pool:
            switch try CoordinatorMessage(frame: frame) {
            case .roundStart(let start): start.manifest
            case .batch(let batch): batch.manifest
            case .pool(let pool): pool.manifest
            default: nil
            }
        default: nil
        }
    }
}

/// Keeps every line that is logged, with its metadata.
private final class LogCollector: Sendable {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "collector") { _ in Handler(collector: self) } }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            collector.kept.withLock { $0.append("\(event.message) \(all)") }
        }
    }
}
