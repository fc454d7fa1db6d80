import Foundation
@testable import Models
import Testing

@Suite("Rotary positions")
struct RotaryPositionsTests {
    struct Case: Decodable {
        let headSize: Int
        let positions: Int
        let parameters: String
        let frequencies: [Double]
        let magnitude: Double
    }

    @Test("frequencies at the sizes of published models are transformers' to 2e-6", arguments: 0..<9)
    func frequencies(index: Int) throws {
        let data = try Data(contentsOf: URL(filePath: Golden.path("families/rotary.json")))
        let all = try JSONDecoder().decode([Case].self, from: data)
        #expect(all.count == 9)
        let golden = all[index]
        let family = golden.parameters.contains("partial_rotary_factor") ? "phi3" : "llama"
        let model = try JSONDecoder().decode(
            DecoderConfiguration.self,
            from: Data(
                (#"{"model_type":"\#(family)","hidden_size":\#(2 * golden.headSize),"num_hidden_layers":2,"num_attention_heads":2,"#
                    + #""intermediate_size":8,"vocab_size":8,"max_position_embeddings":\#(golden.positions),"#
                    + #""rope_parameters":\#(golden.parameters)}"#).utf8
            )
        )
        try model.validate(file: "config.json")

        let frequencies = model.rotary.frequencies(headSize: golden.headSize)

        #expect(frequencies.count == golden.frequencies.count)
        for (found, expected) in zip(frequencies, golden.frequencies) {
            #expect(abs(found / expected - 1) < 2e-6)
        }
        #expect(abs(model.rotary.magnitude / golden.magnitude - 1) < 1e-12)
    }
}
