import Contract
import Foundation
import Models
import Randomness
import Tensors
import Testing

@testable import Trainers

@Suite("Autoencoders in SAELens's layout")
struct SAELensFolderTests {
    private func sample(_ activation: SparseAutoencoder.Activation = .relu) -> SparseAutoencoder {
        var stream = RandomStream(seed: 1, "sample")
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float(stream.uniform() - 0.5) } }
        var decoder = values(5 * 4)
        AutoencoderLearner.normaliseRows(&decoder, width: 4)
        return SparseAutoencoder(
            model: "abc",
            layer: 3,
            width: 4,
            activation: activation,
            encoder: values(20),
            encoderBias: values(5),
            decoder: decoder,
            decoderBias: values(4),
            activationScale: 2.5
        )
    }

    @Test("what is written is read again", arguments: [SparseAutoencoder.Activation.relu, .topK(2)])
    func roundTrip(activation: SparseAutoencoder.Activation) throws {
        let folder = try TemporaryFolder()
        let autoencoder = sample(activation)
        try SAELensFolder.write(autoencoder, to: folder.path, modelName: "tiny")
        let found = try SAELensFolder.read(from: folder.path, model: "another")

        #expect(SAELensFolder.isThere(folder.path))
        #expect(found.encoder == autoencoder.encoder && found.decoder == autoencoder.decoder)
        #expect(found.decoderBias == autoencoder.decoderBias)
        #expect(zip(found.encoderBias, autoencoder.encoderBias).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(found.activationScale == 2.5 && found.model == "abc" && found.layer == 3)
        #expect(found.activation == activation)
    }

    /// What SAELens computes from the files: z = relu((h − b_dec) W_enc + b_enc), h' = z W_dec + b_dec.
    private func foreign(_ folder: String, _ h: [Float]) throws -> (code: [Float], states: [Float]) {
        let file = try SafetensorsFile(path: "\(folder)/sae_weights.safetensors")
        let (encoder, bias) = (try file.values(of: "W_enc"), try file.values(of: "b_enc"))
        let (decoder, centre) = (try file.values(of: "W_dec"), try file.values(of: "b_dec"))
        let count = bias.count
        let code = (0..<count).map { latent in
            max(
                0,
                h.indices.reduce(bias[latent]) { $0 + (h[$1] - centre[$1]) * encoder[$1 * count + latent] }
            )
        }
        let states = h.indices.map { column in
            (0..<count).reduce(centre[column]) { $0 + code[$1] * decoder[$1 * h.count + column] }
        }
        return (code, states)
    }

    @Test("another program's reader reconstructs the same states, in its own units")
    func foreignReader() throws {
        let folder = try TemporaryFolder()
        let autoencoder = sample()
        try SAELensFolder.write(autoencoder, to: folder.path, modelName: "tiny")
        let h: [Float] = [0.3, -1, 2, 0.7]
        let (code, states) = try foreign(folder.path, h)
        let own = autoencoder.encode(h)

        #expect(zip(code, own).allSatisfy { abs($0 * 2.5 - $1) < 1e-5 })
        let decoded = autoencoder.decode(.init(shape: [1, 5], values: own)).toArray()
        #expect(zip(decoded, states).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test(
        "one of another program, with rows of other lengths, gives the same reconstructions once it is read"
    )
    func foreignWriter() throws {
        let folder = try TemporaryFolder()
        var stream = RandomStream(seed: 8, "foreign")
        func array(_ name: String, _ shape: [Int]) -> NamedArray {
            let count = shape.reduce(1, *)
            return NamedArray(
                name: name,
                shape: shape,
                values: (0..<count).map { _ in Float(stream.uniform() - 0.4) }
            )
        }
        let arrays = [
            array("W_enc", [4, 5]), array("b_enc", [5]), array("W_dec", [5, 4]), array("b_dec", [4]),
        ]
        try SafetensorsWriter.write(arrays, to: "\(folder.path)/sae_weights.safetensors")
        let json = #"""
            {"architecture": "standard", "d_in": 4, "d_sae": 5, "apply_b_dec_to_input": true,
             "normalize_activations": "none", "metadata": {"hook_name": "blocks.1.hook_resid_pre"}}
            """#
        try json.write(toFile: "\(folder.path)/cfg.json", atomically: true, encoding: .utf8)
        let found = try SAELensFolder.read(from: folder.path, model: "given")
        let h: [Float] = [1.2, -0.6, 0.4, 2]
        let scaled = found.rescaled(to: 3)

        #expect(found.layer == 1 && found.model == "given" && found.activationScale == 1)
        let (code, states) = try foreign(folder.path, h)
        for autoencoder in [found, scaled] {
            let z = autoencoder.encode(h)
            let decoded = autoencoder.decode(.init(shape: [1, 5], values: z)).toArray()
            #expect(zip(decoded, states).allSatisfy { abs($0 - $1) < 1e-5 })
            let lengths = (0..<5).map { latent in
                autoencoder.decoder[latent * 4..<latent * 4 + 4].reduce(0) { $0 + $1 * $1 }
            }
            #expect(lengths.allSatisfy { abs($0 - 1) < 1e-5 })
        }
        #expect(code.contains { $0 > 0 })
        #expect(zip(scaled.encode(h), found.encode(h)).allSatisfy { abs($0 - 3 * $1) < 1e-5 })
    }

    @Test(
        "a configuration that is not understood says which key",
        arguments: [
            (
                #""architecture": "standard""#, #""architecture": "jumprelu""#,
                "architecture: found 'jumprelu'"
            ),
            (#""d_in": 4"#, #""d_in": 6"#, "tensor 'W_enc' has shape [4, 5], the configuration needs [6, 5]"),
            (
                #""d_in": 4"#, #""d_in": "4""#,
                "is no configuration of an autoencoder: d_in: found a text, expected a whole number"
            ),
            (
                #"blocks.2.hook_resid_post"#, #"blocks.2.hook_mlp_out"#,
                "hook_name: found 'blocks.2.hook_mlp_out'"
            ),
            (
                #""normalize_activations": "none""#, #""normalize_activations": "layer_norm""#,
                "found 'layer_norm'"
            ),
            (#""activation_scale": 2.5"#, #""activation_scale": 0"#, "activation_scale: found 0.0"),
        ]
    )
    func faults(from: String, to: String, expected: String) throws {
        let folder = try TemporaryFolder()
        try SAELensFolder.write(sample(), to: folder.path, modelName: "tiny")
        let path = "\(folder.path)/cfg.json"
        let text = try String(contentsOfFile: path, encoding: .utf8).replacing(" : ", with: ": ")
        #expect(text.contains(from))
        try text.replacing(from, with: to).write(toFile: path, atomically: true, encoding: .utf8)

        let fault = #expect(throws: (any Error).self) {
            try SAELensFolder.read(from: folder.path, model: "abc")
        }
        #expect(fault.map { "\($0)".contains(expected) } == true, "\(fault.map { "\($0)" } ?? "")")
    }

    @Test("TopK without a k, layer 0 and a folder without an autoencoder are refused")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let missing = #expect(throws: FeatureFault.self) {
            try SAELensFolder.read(from: folder.path, model: "abc")
        }
        #expect(missing?.reason.hasPrefix("cannot be read; expected a folder with an autoencoder") == true)
        try #"{"architecture": "topk", "d_in": 4, "d_sae": 5}"#
            .write(toFile: "\(folder.path)/cfg.json", atomically: true, encoding: .utf8)
        let k = #expect(throws: FeatureFault.self) { try SAELensFolder.read(from: folder.path, model: "abc") }
        #expect(k?.reason == "k: found none, expected 1 … d_sae active latents")
        var first = sample()
        first.layer = 0
        #expect(throws: FeatureFault.self) {
            try SAELensFolder.write(first, to: folder.path, modelName: "tiny")
        }
    }

    @Test("an autoencoder of another model, width or layer is refused")
    func otherModel() {
        let autoencoder = sample()
        func fault(_ model: String, _ width: Int, _ layers: Int) -> String? {
            #expect(throws: FeatureFault.self) {
                try autoencoder.check(model: model, width: width, layerCount: layers)
            }?.reason
        }
        #expect(fault("abd", 4, 4) == "the autoencoder is of model abc…, the model is abd…")
        #expect(fault("abc", 6, 4) == "the autoencoder is for states of width 4, the model has 6")
        #expect(
            fault("abc", 4, 2)?.hasPrefix("the autoencoder is for layer 3, expected one of 0 … 2") == true
        )
    }
}
