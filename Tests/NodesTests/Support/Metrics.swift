import Foundation

@testable import Nodes

/// The lines of a state directory's `metrics.jsonl`.
struct Metrics {
    let lines: [[String: Any]]
    let steps: [StepLine]

    init(_ directory: String) throws {
        let text = try String(contentsOfFile: directory + "/metrics.jsonl", encoding: .utf8)
        let each = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        lines = try each.map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }
        steps = each.compactMap { StepLine(Array($0.utf8)) }
    }

    func steps(of client: String) -> [Int] { steps.filter { $0.client == client }.map(\.step) }

    func isAscending(_ client: String) -> Bool {
        let all = steps(of: client)
        return zip(all, all.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// `base` and `round N`, in their order.
    var rounds: [String] {
        lines.compactMap { line in
            switch line["kind"] as? String {
            case "base": "base"
            case "round": "round \(line["round"] as? Int ?? -1)"
            default: nil
            }
        }
    }
}
