import Models
import Randomness
import Testing

@testable import tributary

@Suite("The language part of the study of attention through interactions")
struct HyperAttentionLanguageTests {
    @Test("all kinds have as many parameters as softmax, to within one per cent")
    func parameters() {
        let wanted = Double(CausalModels.configuration(SoftmaxAttention()).parameterCount)
        for entrant in CausalModels.entrants {
            let count = Double(CausalModels.configuration(entrant.kind).parameterCount)
            #expect(abs(count - wanted) / wanted < 0.01, "\(entrant.name): \(count)")
        }
    }

    @Test(
        "a language is the same for a seed, its texts differ, and an idiom's noun follows from verb and preposition"
    )
    func language() {
        let language = StoryText(seed: 3)
        var (first, same) = (RandomStream(seed: 1, "a"), RandomStream(seed: 1, "a"))
        var other = RandomStream(seed: 1, "b")
        let text = language.tokens(6000, from: &first)
        #expect(text == StoryText(seed: 3).tokens(6000, from: &same))
        #expect(text != language.tokens(6000, from: &other))
        #expect(text.allSatisfy { $0 >= 0 && $0 < StoryText.alphabet.count })

        let shown = String(text.map { StoryText.alphabet[Int($0)] })
        var nouns: [String: String] = [:]
        var idioms = 0
        for sentence in shown.split(separator: ".").dropLast() {
            let words = sentence.split(separator: " ").map(String.init)
            guard words.count > 3, words[0].count == 4, words[words.count - 2].count == 2,
                words[words.count - 1].count == 4, !sentence.contains(":")
            else { continue }
            let key = "\(words[0]) \(words[words.count - 2])"
            let noun = words[words.count - 1]
            #expect(nouns[key, default: noun] == noun)
            nouns[key] = noun
            idioms += 1
        }
        #expect(idioms > 60)
    }

    @Test("a model of any kind learns something of the language in a few steps")
    func learning() {
        for entrant in CausalModels.entrants.filter({ !$0.isSlow }) {
            let run = CausalModels.train(entrant, seed: 101, steps: 8, tested: 64)
            #expect(run.losses[64].map { $0 < 3.4 } == true, "\(entrant.name)")
        }
    }
}
