internal import Contract
internal import Report
internal import Trainers

/// A forecast for a terminal and for the page.
extension BehaviourForecast {
    /// A table and what it says, ended by a line feed.
    var text: String {
        let header = ["AUROC after", "numbers"] + fractions.map { Self.percent($0) }
        let rows = methods.map { method in
            [method.kind.rawValue, "\(method.features)"] + method.results.map(Self.cell)
        }
        var lines = [
            "label 1: \(behaviour), \(ones) trajectories; label 0: \(zeros); without a label: \(unknown)", "",
            TextTable(header: header, rows: rows).text,
        ]
        if min(ones, zeros) < 30 {
            lines.append(
                "Only \(min(ones, zeros)) trajectories of one label: intervals are wide, and an order may be chance."
            )
        }
        if let own = self[.groups] {
            let ahead = zip(fractions, own.results).map { fraction, result in
                "\(Self.percent(fraction)) \(Self.signed(result, from: self[.meanState], at: fraction, fractions))"
            }
            lines.append("RET groups minus mean hidden state: \(ahead.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The curves over the part that was seen, and where the values of one part may lie.
    var figures: [Figure] {
        let curves = methods.map { method in
            Figure.Lines.Series(
                method.kind.rawValue,
                x: fractions.map { 100 * $0 },
                y: method.results.map(\.auroc)
            )
        }
        let counts =
            "\(ones) answers have label 1, \(zeros) label 0"
            + (min(ones, zeros) < 30 ? ", too few of one kind to be sure of an order." : ".")
        let place = fractions.firstIndex { $0 >= 0.25 } ?? fractions.count - 1
        return [
            Figure(
                "Early prediction: \(behaviour)",
                caption:
                    "How well it can be told from the beginning of an answer (AUROC; .5 is chance), each "
                    + "answer by a probe fitted on others. \(counts) RET says something of its own only where "
                    + "its line is above all others.",
                .lines(.init(xName: "% of the answer seen", yName: "AUROC", series: curves))
            ),
            Figure(
                "Early prediction, how sure",
                caption: "After \(Self.percent(fractions[place])) of the answer, with the 95 % interval over "
                    + "prompts. Where intervals overlap much, the order is not known.",
                .intervals(
                    .init(
                        xName: "AUROC",
                        rows: methods.map { method in
                            let result = method.results[place]
                            return .init(method.kind.rawValue, value: result.auroc, interval: result.interval)
                        }
                    )
                )
            ),
        ]
    }

    private static func percent(_ fraction: Double) -> String {
        ProgressDisplay.fixed(100 * fraction, abs((100 * fraction).rounded() - 100 * fraction) < 1e-9 ? 0 : 1)
            + " %"
    }

    private static func cell(_ result: Result) -> String {
        let value = ProgressDisplay.fixed(result.auroc, 2)
        guard let interval = result.interval else { return value }
        return
            "\(value) (\(ProgressDisplay.fixed(interval.low, 2)) … \(ProgressDisplay.fixed(interval.high, 2)))"
    }

    private static func signed(
        _ result: Result,
        from other: Method?,
        at fraction: Double,
        _ fractions: [Double]
    ) -> String {
        guard let place = fractions.firstIndex(of: fraction), let other = other?.results[place] else {
            return ""
        }
        func text(_ value: Double) -> String {
            (value < 0 ? "−" : "+") + ProgressDisplay.fixed(abs(value), 2)
        }
        guard let interval = result.aheadOfMeanState else { return text(result.auroc - other.auroc) }
        return "\(text(result.auroc - other.auroc)) (\(text(interval.low)) … \(text(interval.high)))"
    }
}
