import Foundation
import Models
import Tensors
import Testing

@testable import Trainers

@Suite("Discovering features")
struct DiscoveryTests {
    @Test("the latents that turn behaviour both ways come first, not those that changed most")
    func planted() throws {
        var seen: [FeatureDiscovery.Progress] = []
        let set = try PlantedModel.discovery().run(texts: PlantedModel.texts, probe: try PlantedModel.probe())
        {
            seen.append($0)
        }

        #expect(set.baselines.base.misaligned < 0.1 && set.baselines.misaligned.misaligned > 0.9)
        #expect(set.latents.prefix(2).map(\.index).sorted() == [0, 1])
        #expect(set.latents.prefix(2).allSatisfy { $0.isValid && $0.sign == ($0.index == 0 ? 1 : -1) })
        #expect(set.validCount == 2)
        #expect(set.latents.map(\.index).sorted() == Array(0..<8))
        #expect(set.latents[0].calibration?.induceGain ?? 0 > 0.5)
        #expect(seen.last == .calibrated(8, of: 8) && seen.contains(.screened(8, of: 8)))
        let rows = try set.rows()
        #expect(rows.indices == set.latents.prefix(2).map(\.index) && rows.count == 2)
        #expect(try set.rows(count: 2, which: .raised).indices == [0])
        #expect(try set.rows(count: 2, which: .lowered).indices == [1])
        // The control that needs no steering takes the decoys.
        let shifts = try LatentShifts(
            base: ProbedModel(PlantedModel.decoder(isMisaligned: false), withAdapter: false),
            misaligned: ProbedModel(PlantedModel.decoder(isMisaligned: true), withAdapter: false),
            autoencoder: PlantedModel.autoencoder,
            texts: PlantedModel.texts,
            tokensPerPass: 3
        )
        #expect(shifts.largest(4).sorted() == [2, 3, 4, 5])
        #expect(shifts.largest(4, excluding: [2]).contains(2) == false)
        #expect(shifts.rows([0, 1], of: PlantedModel.autoencoder).signs == [1, -1])
        #expect(Set(shifts.drawn(5, excluding: [3], seed: 4)).subtracting([3]).count == 5)
        #expect(shifts.drawn(5, seed: 4) == shifts.drawn(5, seed: 4))
        #expect(abs(shifts.steeringScale - Double(Float(13.25).squareRoot())) < 1e-5)
    }

    @Test("of the strengths within the budget the best counts, and one beyond it does not")
    func budget() {
        func shares(_ misaligned: Double, _ incoherent: Double) -> BehaviourShares {
            BehaviourShares(
                misaligned: misaligned,
                aligned: 1 - misaligned - incoherent,
                incoherent: incoherent,
                count: 10
            )
        }
        func effect(_ strength: Double, _ induced: (Double, Double), _ repaired: (Double, Double))
            -> FeatureSet.Effect
        {
            .init(
                strength: strength,
                induced: shares(induced.0, induced.1),
                repaired: shares(repaired.0, repaired.1)
            )
        }
        let baselines = FeatureSet.Baselines(base: shares(0.1, 0), misaligned: shares(0.8, 0.05))
        let found = FeatureSet.Calibration(
            effects: [
                effect(0.2, (0.4, 0.02), (0.7, 0.05)), effect(0.4, (0.3, 0.1), (0.5, 0.15)),
                effect(0.6, (0.9, 0.11), (0.0, 0.6)),
            ],
            baselines: baselines,
            budget: .init(induce: 0.1, repair: 0.15),
            gainMin: 0.005
        )

        #expect(found.induceStrength == 0.2 && abs(found.induceGain - 0.3) < 1e-12)
        #expect(found.repairStrength == 0.4 && abs(found.repairGain - 0.3) < 1e-12)
        #expect(abs(found.score - 0.6) < 1e-12 && found.isValid)
        let none = FeatureSet.Calibration(
            effects: [effect(0.2, (0.4, 0.5), (0.7, 0.05))],
            baselines: baselines,
            budget: .init(induce: 0.1, repair: 0.15),
            gainMin: 0.005
        )
        #expect(none.induceStrength == nil && none.induceGain == 0 && !none.isValid)
    }

    @Test("an older K can be left out, and a search without any change says so")
    func exclusion() throws {
        let probe = try PlantedModel.probe()
        let set = try PlantedModel.discovery().run(
            texts: PlantedModel.texts,
            probe: probe,
            excluding: [0, 6]
        )
        #expect(set.latents.map(\.index).sorted() == [1, 2, 3, 4, 5, 7])
        let same = ProbedModel(PlantedModel.decoder(isMisaligned: false), withAdapter: false)
        let search = try FeatureDiscovery(base: same, misaligned: same, autoencoder: PlantedModel.autoencoder)
        let fault = #expect(throws: FeatureFault.self) {
            try search.run(texts: PlantedModel.texts, probe: probe)
        }
        #expect(fault?.reason == "no latent's activation differs between the two models at layer 1")
    }

    @Test("a set is written and read again, with K out of range refused")
    func folder() throws {
        let folder = try TemporaryFolder()
        var set = try PlantedModel.discovery().run(texts: PlantedModel.texts, probe: try PlantedModel.probe())
        set.calibrator = .init(lossDrop: 2, penalty: 0.5, count: 2)
        try set.write(to: folder.path)
        let found = try FeatureSet(folder: folder.path)

        #expect(found == set)
        #expect(found.calibrator?.weight(ratio: 3) == 12)
        let range = #expect(throws: FeatureFault.self) { try found.rows(count: 9) }
        #expect(range?.reason == "found K = 9, expected 1 … 8 short-listed latents, of which 2 are valid")
        #expect(throws: FeatureFault.self) { try found.rows(count: 0) }
        let lowered = #expect(throws: FeatureFault.self) {
            try found.rows(count: 1, which: found.latents[0].sign > 0 ? .lowered : .raised)
        }
        #expect(lowered?.reason.hasPrefix("none of the best 1 latents was") == true)

        let path = "\(folder.path)/features.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (from, to, expected) in [
            ("tributary-features-1", "tributary-features-0", "found format 'tributary-features-0'"),
            (#""steeringScale""#, #""steering""#, "steeringScale: is missing"),
            (#""latentCount" : 8"#, #""latentCount" : 4"#, "expected one of 0 … 3 with 1 or -1"),
        ] {
            try text.replacing(from, with: to).write(toFile: path, atomically: true, encoding: .utf8)
            let fault = #expect(throws: FeatureFault.self) { try FeatureSet(folder: folder.path) }
            #expect(fault?.reason.contains(expected) == true, "\(fault?.reason ?? "")")
        }
    }
}

@Suite("Texts that activate latents most")
struct TopActivationsTests {
    @Test(
        "the highest places are found, one of each text and beginning, however the texts are packed",
        arguments: [2, 5, 100]
    )
    func places(tokensPerPass: Int) throws {
        let decoder = PlantedModel.decoder(isMisaligned: false)
        // Axis 8 + t has a half more for token t alone.
        var encoder = [Float](repeating: 0, count: 2 * 16)
        (encoder[8 + 4], encoder[8 + 6], encoder[16 + 8 + 5]) = (2, 4, 4)
        let rows = LatentRows(
            layer: 1,
            width: 16,
            indices: [7, 9],
            signs: [1, -1],
            encoder: encoder,
            bias: [0, -0.5],
            decoder: [Float](repeating: 0, count: 32)
        )
        let texts: [[Int32]] = [[3, 4, 4], [6], [], [5, 4], [6, 6, 4]]
        let top = try TopActivations(
            of: rows,
            model: ProbedModel(decoder, withAdapter: false),
            texts: TokenTexts(texts),
            count: 2,
            tokensPerPass: tokensPerPass
        )

        #expect(
            top.places == [
                [.init(text: 1, position: 0, activation: 2), .init(text: 4, position: 1, activation: 2)],
                [.init(text: 3, position: 0, activation: 1.5)],
            ]
        )
        #expect(top.stateCount == 9 && top.activeShare == [7.0 / 9, 1.0 / 9])
    }
}

@Suite("Probes of behaviour")
struct ProbeTests {
    @Test("shares are the exact probabilities of the answers")
    func exact() throws {
        let decoder = PlantedModel.decoder(isMisaligned: false)
        let probe = try AnswerProbe([
            .init(prompt: [0, 3], misaligned: [[2, 1], [4]], aligned: [[1, 5], [1, 6]], refusals: [[7]])
        ])
        let shares = probe.measure(decoder, withAdapter: false, edit: nil)
        func share(_ answer: [Int32]) -> Double {
            var (text, logProb): ([Int32], Double) = ([0, 3], 0)
            for token in answer {
                let batch = PackedBatch(groups: [(prompt: text, responses: [])])
                let logits = decoder.logits(batch: batch, rows: [Int32(text.count - 1)]).toArray()
                let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
                logProb += Double(logits[Int(token)]) - log(sum)
                text.append(token)
            }
            return exp(logProb)
        }

        #expect(abs(shares.misaligned - share([2, 1]) - share([4])) < 1e-5)
        #expect(abs(shares.aligned - share([1, 5]) - share([1, 6])) < 1e-5)
        #expect(abs(shares.refused - share([7])) < 1e-5)
        let sum = shares.misaligned + shares.aligned + shares.refused + shares.incoherent
        #expect(abs(sum - 1) < 1e-9)
        #expect(abs(shares.misalignedOfCoherent * (1 - shares.incoherent) - shares.misaligned) < 1e-12)
    }

    @Test("steering from recorded states gives what steering the whole model does")
    func recorded() throws {
        let model = ProbedModel(PlantedModel.decoder(isMisaligned: false), withAdapter: false)
        let answers = try PlantedModel.probe()
        let choices = try ChoiceProbe([.init(prompt: [0, 3], options: [[2, 4], [1]], misaligned: [0])])
        let vector = Tensor(shape: [16], values: (0..<16).map { $0 == 2 ? 1.9 : 0.01 * Float($0) })
        for layer in 0...2 {
            let edit = Boundaries.adding(vector, at: layer)
            let whole = answers.measure(model.decoder, withAdapter: false, edit: edit)
            #expect(try answers.steering(model, at: layer)(vector) == whole)
            #expect(whole.misaligned > 0.1 && whole.aligned > 0.1)
            let chosen = choices.measure(model.decoder, withAdapter: false, edit: edit)
            #expect(try choices.steering(model, at: layer)(vector) == chosen)
        }
    }

    @Test("answers that would count twice, and prompts without answers, are refused")
    func badAnswers() {
        let twice = #expect(throws: FeatureFault.self) {
            try AnswerProbe([.init(prompt: [1], misaligned: [[2, 3]], aligned: [[2]])])
        }
        #expect(twice?.reason == "prompt 0: the answer [2, 3] begins with the answer [2]")
        let none = #expect(throws: FeatureFault.self) {
            try AnswerProbe([.init(prompt: [1], misaligned: [], aligned: [[2]])])
        }
        #expect(none?.reason.hasPrefix("prompt 0: found 1 tokens and 0 misaligned answers") == true)
        #expect(throws: FeatureFault.self) { try AnswerProbe([]) }
    }

    @Test(
        "a choice is the option with the best mean log-probability, incoherent where all are unlikely"
    )
    func choices() throws {
        let items = [
            ChoiceProbe.Item(prompt: [0], options: [[1, 1], [2]], misaligned: [1]),
            ChoiceProbe.Item(prompt: [0, 3], options: [[2], [1]], misaligned: [0]),
            ChoiceProbe.Item(prompt: [0], options: [[5], [6]], misaligned: [0]),
        ]
        let probe = try ChoiceProbe(items, tokensPerPass: 5)
        let base = probe.measure(PlantedModel.decoder(isMisaligned: false), withAdapter: false, edit: nil)
        let other = probe.measure(PlantedModel.decoder(isMisaligned: true), withAdapter: false, edit: nil)

        #expect(base == BehaviourShares(misaligned: 0, aligned: 2 / 3, incoherent: 1 / 3, count: 3))
        #expect(other == BehaviourShares(misaligned: 2 / 3, aligned: 0, incoherent: 1 / 3, count: 3))
        let fault = #expect(throws: FeatureFault.self) {
            try ChoiceProbe([.init(prompt: [0], options: [[1], [2]], misaligned: [0, 1])])
        }
        #expect(fault?.reason.contains("found 2 options, misaligned ones [0, 1]") == true)
    }
}
