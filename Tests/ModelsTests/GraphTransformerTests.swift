import Contract
import Randomness
import Testing

@testable import Models
@testable import Tensors

@Suite("Graph transformer") struct GraphTransformerTests {
    @Test("has as many parameters as the prototype")
    func count() throws {
        var actor = GraphTransformerConfiguration(features: 11, ownFeatures: 6)
        actor.receptiveField = 4
        let critic = GraphTransformerConfiguration(features: 11)
        #expect(try GraphTransformer(actor, seed: 1).weights.valueCount == 7193)
        #expect(try GraphTransformer(critic, seed: 1).weights.valueCount == 7049)
    }
}
