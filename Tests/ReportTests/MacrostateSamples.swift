import Contract

@testable import Report

/// A reading of texts that go through `groups` phases in a circle, each with a phrase of its own.
///
/// - Parameter note: Stands in every place that takes a text from outside.
func sampleReading(groups: Int = 6, passages: Int = 3, note: String = "") -> MacrostateReading {
    let names = [
        "restate", "plan", "step", "check", "answer", "scaffold", "recall a rule", "count",
        "compare two cases",
        "doubt", "rephrase", "simplify", "substitute", "name things", "summarise", "close",
    ]
    let phrases = [
        "given that Anna has seven pears and eats two of them", "first we plan to find how many are left",
        "thus seven minus two makes five", "wait , is it really two ? yes , it is two",
        "so the answer is five",
        "now , in other words ,", "recall that taking away means to subtract",
        "one , two , three , four , five",
        "either she gave one away or she kept it",
    ]
    let phrase = { (group: Int) in phrases[group % phrases.count] }
    var reading = MacrostateReading(
        title: "What a small model does while it reckons" + note,
        model: "phase model, 3 blocks" + note,
        layer: "block 2 of 3" + note,
        groups: (0..<groups).map { index in
            .init(
                name: names[index % names.count] + note,
                share: 1 / Double(groups),
                dwell: 8 + Double(index) / 2,
                examples: (0..<3).map { place in
                    .init(
                        before: "… " + phrase(index + groups - 1).suffix(24) + " ; " + note,
                        span: phrase(index) + note,
                        after: " , " + phrase(index + 1).prefix(28 - 4 * place) + " …" + note,
                        source: "text \(place + 1), pieces \(20 * place + 9) to \(20 * place + 18)" + note
                    )
                }
            )
        },
        transitions: (0..<groups).map { from in
            (0..<groups).map { to in
                if from == to { return 0.88 }
                return to == (from + 1) % groups ? 0.09 : 0.03 / Double(max(1, groups - 2))
            }
        },
        passages: (0..<passages).map { number in
            var pieces = "Anna has seven pears and eats two . How many are left ?".split(separator: " ")
                .map { MacrostateReading.Piece(" " + $0, group: number % 3 == 2 ? nil : 0, isGiven: true) }
            var group = number
            while pieces.count < 130 {
                group = (group + (pieces.count % 7 == 0 ? groups - 1 : 1)) % groups
                pieces += phrase(group).split(separator: " ").map { .init(" " + $0, group: group) }
                pieces.append(.init(pieces.count % 3 == 0 ? " .\n" : " ;", group: group))
            }
            return .init(
                title: "Text \(number + 1): pears" + note,
                note: "Label: holds to the truth. Predicted from a quarter of it: .81" + note,
                pieces: pieces
            )
        },
        trust: .init(
            consistency: 0.89,
            chance: 0.21,
            withPieces: 0.12,
            withPositions: 0.05,
            rank: (7.2, 16)
        )
    )
    reading.choice = .init(
        counts: [4, 5, 6, 7, 8, 10, 12],
        agreements: [0.71, 0.83, 0.95, 0.9, 0.84, 0.8, 0.72],
        rule: "The smallest number within .02 of the best agreement." + note
    )
    reading.closure = [
        .init(horizon: 1, fromMacrostate: 0.81, fromBoth: 0.865),
        .init(horizon: 4, fromMacrostate: 0.66, fromBoth: 0.701),
        .init(horizon: 8, fromMacrostate: 0.48, fromBoth: 0.502),
        .init(horizon: 16, fromMacrostate: 0.32, fromBoth: 0.33),
    ]
    reading.facts = [
        ("texts", "300" + note), ("pieces", "43,210"), ("settings", "horizon 4 to 12, window 8"),
    ]
    reading.remarks = ["Our reconstruction of the method, not the authors' own program." + note]
    return reading
}
