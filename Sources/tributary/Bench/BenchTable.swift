internal import Foundation

/// What was measured of one work, for a person.
struct BenchTable {
    let work: BenchWork
    let rows: [BenchRow]

    /// The table.
    var text: String {
        let order = work.isRate ? "more is better" : "less is better"
        let head = ["side", "median", "range", "runs", "peak MiB", "others", "of ceilings", "× best peer"]
        let cells = rows.map { row in
            let spread = row.compared
            return [
                row.side, Self.number(spread.median),
                "\(Self.number(spread.lowest)) – \(Self.number(spread.highest))",
                "\(row.runs)", Self.number(row.peakMiB.rounded()), Self.percent(row.othersShare),
                row.shares.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.percent($0.value))" }
                    .joined(separator: ", "),
                row.timesBestPeer.map { String(format: "%.2f", $0) } ?? "",
            ]
        }
        let title = "\n\(work.name) (\(work.figure), \(order))"
        return ([title] + Self.aligned([head] + cells) + Self.aligned(besides)).joined(separator: "\n")
    }

    /// The medians of all other figures, a column for each side.
    private var besides: [[String]] {
        let columns = rows.map { row in
            row.figures.filter { $0.key != row.figure }.mapValues(\.median).merging(row.parts) { $1 }
        }
        let names = Set(columns.flatMap(\.keys)).sorted()
        guard !names.isEmpty else { return [] }
        return [["besides"] + rows.map(\.side)]
            + names.map { name in [name] + columns.map { $0[name].map(Self.number) ?? "" } }
    }

    /// Lines whose cells are as wide as the widest of their column.
    private static func aligned(_ lines: [[String]]) -> [String] {
        guard let first = lines.first else { return [] }
        let widths = first.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            "  "
                + zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(
                    separator: "  "
                )
        }
    }

    /// A number with three digits or more.
    static func number(_ value: Double) -> String {
        let size = abs(value)
        return String(
            format: size >= 100 || size == 0 ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.4f",
            value
        )
    }

    private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
