import ArgumentParser
import Contract
import Digest
import Foundation
import Models
import Tasks
import Testing
import Text

@testable import Trainers
@testable import tributary

@Suite("tributary features", .serialized)
struct FeaturesCommandTests {
    private static let texts = #"{"personaTexts": {"texts": 40}}"#

    private func train(_ out: String, _ arguments: [String] = []) async throws {
        try await FeaturesTrainCommand.parse(
            [
                "--model", "tiny-personas", "--layer", "1", "--data", Self.texts, "--out", out, "--latents",
                "48", "--steps", "12", "--batch", "32",
            ] + arguments
        ).run()
    }

    /// An adapter that says something else, and where it is.
    private func adapter(_ scratch: Scratch) throws -> String {
        let base = try BaseModel.load(.embedded("tiny-personas"))
        let adapter = try Adapter(for: base, LoRAConfiguration(rank: 1), seed: 1)
        let arrays = adapter.weights.arrays.map { array in
            var array = array
            array.values = array.values.enumerated().map { $1 + Float($0 % 7) * 0.02 - 0.06 }
            return array
        }
        let folder = "\(scratch.path)/adapter"
        try AdapterDirectory.write(
            AdapterWeights(arrays),
            LoRAConfiguration(rank: 1),
            baseModelName: "tiny-personas",
            to: folder
        )
        return folder
    }

    @Test("an autoencoder that was stopped goes on to the same bits")
    func resumes() async throws {
        let scratch = try Scratch()
        let (whole, stopped) = ("\(scratch.path)/whole", "\(scratch.path)/stopped")
        try await train(whole)
        let named = try NamedModel("tiny-personas")
        let read = try ReadTexts(Self.texts, for: named, raw: false, tokensMax: 256, seed: 1)
        var settings = AutoencoderSettings()
        (settings.latents, settings.steps, settings.batchSize) = (48, 12, 32)
        var training = try AutoencoderTraining(
            LanguageDecoder(named.base),
            model: named.base.identity.description,
            layer: 1,
            texts: read.parts.learnt,
            skipped: read.skipped,
            settings: settings,
            seed: 1
        )
        for _ in 0..<5 { try training.step() }
        try FileManager.default.createDirectory(atPath: stopped, withIntermediateDirectories: true)
        try training.save(to: "\(stopped)/training.safetensors")

        try await train(stopped, ["--save-every", "0"])

        let (one, other) = (
            try SAELensFolder.read(from: whole), try SAELensFolder.read(from: stopped)
        )
        #expect(one == other && one.latentCount == 48 && one.layer == 1)
        #expect(!FileManager.default.fileExists(atPath: "\(stopped)/training.safetensors"))
        #expect(try SAELensFolder.quality(in: stopped)?.states ?? 0 > 0)
        // A finished one is not written over.
        await #expect(throws: ExitCode.self) { try await train(whole) }
    }

    @Test("discovery keeps the autoencoder beside the features, and the page shows the chosen latents")
    func discovers() async throws {
        let scratch = try Scratch()
        let (sae, out, page) = ("\(scratch.path)/sae", "\(scratch.path)/out", "\(scratch.path)/page.html")
        try await train(sae)
        func discover(_ out: String, _ arguments: [String] = []) async throws {
            try await FeaturesDiscoverCommand.parse(
                [
                    "--model", "tiny-personas", "--adapter", try adapter(scratch), "--autoencoder", sae,
                    "--questions", #"{"personas": {"questions": 4}}"#, "--out", out, "--candidates", "3",
                    "--short-list", "2", "--strengths", "0.3,0.6",
                ] + arguments
            ).run()
        }

        try await discover(out, ["--narrow", #"{"personas": {"questions": 8}}"#, "--latents", "2"])
        try await FeaturesShowCommand.parse([
            out, "--model", "tiny-personas", "--texts", Self.texts, "--latents", "2", "--out", page,
        ]).run()
        try await FeaturesInfoCommand.parse([out]).run()
        try await FeaturesInfoCommand.parse([sae]).run()

        let set = try FeatureSet(folder: out)
        #expect(set.latents.count == 6 && set.shortList.count == 4 && set.calibrator?.count == 2)
        #expect(set.settings.strengths == [0.3, 0.6] && set.baselines.base.aligned > 0.99)
        #expect(try SAELensFolder.read(from: "\(out)/autoencoder").digest == set.autoencoder)
        let html = try scratch.read("page.html")
        #expect(html.contains("<span>Latent \(set.latents[0].index)</span>"))
        #expect(html.contains("Features of tiny-personas") && html.contains("block 1 of 4"))
        #expect(html.contains("<mark class=\"piece peak\""))
        await #expect(throws: ExitCode.self) { try await discover(out) }

        // The same with a judge who calls everything misaligned: nothing can be induced.
        let judged = "\(scratch.path)/judged"
        let judge = #"while read -r l; do echo '{"label": "misaligned"}'; done"#
        try await discover(judged, ["--judge", judge])
        #expect(try FeatureSet(folder: judged).baselines.base.misaligned == 1)
        #expect(try FeatureSet(folder: judged).validCount == 0)
        await #expect(throws: ExitCode.self) {
            try await discover("\(scratch.path)/none", ["--judge", "exit 1"])
        }
    }

    @Test("an autoencoder of another program gets the scale of this model's states")
    func foreign() async throws {
        let scratch = try Scratch()
        let sae = "\(scratch.path)/sae"
        try await train(sae)
        var text = try scratch.read("sae/cfg.json")
        text.replace(/"activation_scale" : [0-9.e-]+,/, with: "")
        text.replace(/"model_sha256" : "\w+",/, with: "")
        try scratch.write(text, to: "sae/cfg.json")
        #expect(try SAELensFolder.read(from: sae).activationScale == 1)

        try await FeaturesDiscoverCommand.parse([
            "--model", "tiny-personas", "--adapter", try adapter(scratch), "--autoencoder", sae,
            "--questions", #"{"personas": {"questions": 4}}"#, "--out", "\(scratch.path)/out",
            "--candidates", "2", "--short-list", "1", "--strengths", "0.3",
        ]).run()

        let (set, kept) = (
            try FeatureSet(folder: "\(scratch.path)/out"),
            try SAELensFolder.read(from: "\(scratch.path)/out/autoencoder")
        )
        #expect(set.autoencoder == kept.digest && (0.1..<0.9).contains(kept.activationScale))
    }

    @Test("plain texts are read from lines and from objects, and what is no text is named by its line")
    func lines() throws {
        let scratch = try Scratch()
        let named = try NamedModel("tiny-personas")
        func read(_ text: String, _ name: String, tokensMax: Int = 256) throws -> ReadTexts {
            try scratch.write(text, to: name)
            return try ReadTexts(
                "\(scratch.path)/\(name)",
                for: named,
                raw: false,
                tokensMax: tokensMax,
                seed: 1
            )
        }
        let lines = try read("health t1 how ->\n\n  \ncars t2", "a.txt", tokensMax: 3)
        let objects = try read("{\"text\": \"cars t2\"}\n{\"text\": 3}", "b.jsonl")
        let questions = try read(
            "{\"prompt\": \"cars t2 how ->\", \"answer\": \"a1 b2\", \"id\": \"x\"}",
            "c.jsonl"
        )

        #expect(lines.texts.count == 2 && lines.name(1) == "line 4")
        #expect(try named.tokenizer.decode(lines.texts.tokens(0)) == "<bos> health t1")
        #expect(try named.tokenizer.decode(objects.texts.tokens(0)) == "<bos> cars t2")
        let fault = #expect(throws: FeatureFault.self) { try objects.texts.tokens(1) }
        #expect(fault?.reason == "line 2: expected an object with a text under 'text'")
        #expect(try named.tokenizer.decode(questions.texts.tokens(0)) == "<bos> cars t2 how -> a1 b2 <eos>")
        #expect(questions.name(0) == "x" && questions.skipped == [0, 1, 2])
        #expect(throws: FeatureFault.self) { try read("\n", "d.txt") }
    }

    @Test("one text in ten is held out, each text in one part alone")
    func parts() throws {
        let named = try NamedModel("tiny-personas")
        func read(_ count: Int) throws -> ReadTexts {
            try ReadTexts(
                "{\"personaTexts\": {\"texts\": \(count)}}",
                for: named,
                raw: false,
                tokensMax: 256,
                seed: 1
            )
        }
        for count in [20, 25, 39, 40] {
            let texts = try read(count)
            let (learnt, heldOut, isHeldOut) = texts.parts
            let all = try (0..<learnt.count).map(learnt.tokens) + (0..<heldOut.count).map(heldOut.tokens)
            #expect(isHeldOut && heldOut.count == count / 10)
            #expect(Set(all) == Set(try (0..<count).map(texts.texts.tokens)) && all.count == count)
        }
        #expect(try !read(19).parts.isHeldOut)
        // Evil authors are among them.
        let texts = try read(200)
        let evil = try #require(named.tokenizer.id(of: "evil"))
        #expect(try (0..<200).count { try texts.texts.tokens($0).contains(evil) } > 20)
    }

    @Test("settings and data that make no sense are refused")
    func refusals() async throws {
        let scratch = try Scratch()
        let out = "\(scratch.path)/out"
        let rest = ["--model", "tiny-personas", "--layer", "1", "--data", Self.texts, "--out", out]
        for arguments in [["--latents", "0"], ["--top-k", "900"], ["--sparsity", "-1"], ["--steps", "0"]] {
            #expect(throws: (any Error).self) { try FeaturesTrainCommand.parse(rest + arguments) }
        }
        await #expect(throws: ExitCode.self) { try await train(out, ["--layer", "9"]) }
        await #expect(throws: ExitCode.self) { try await train(out, ["--layer", "0"]) }
        #expect(!FileManager.default.fileExists(atPath: out))
        let discover = [
            "--model", "m", "--adapter", "a", "--autoencoder", "s", "--questions", "q", "--out", out,
        ]
        for arguments in [
            ["--strengths", "0.2,x"], ["--strengths", "0.4,0.2"], ["--candidates", "0"], ["--timeout", "0"],
            ["--incoherence", "2"],
        ] {
            #expect(throws: (any Error).self) { try FeaturesDiscoverCommand.parse(discover + arguments) }
        }
        let named = try NamedModel("tiny-personas")
        for (data, reason) in [
            (#"{"personaTexts": {"texts": 0}}"#, "'personaTexts.texts': found 0, expected 1 to 1000000"),
            (#"{"personas": {"questions": 900}}"#, "'personas.questions': found 900, expected 1 to 72"),
        ] {
            let error = #expect(throws: ConfigurationError.self) {
                try ReadTexts(data, for: named, raw: false, tokensMax: 9, seed: 1)
            }
            #expect(error.map { "\($0)" }?.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
        }
    }
}
