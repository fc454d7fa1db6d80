internal import Foundation
internal import Report

/// Runs some work for each item, two at a time, and keeps the order.
func inPairs<Item: Sendable, Result: Sendable>(
    _ items: [Item],
    _ work: @escaping @Sendable (Item) throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        var results = [Result?](repeating: nil, count: items.count)
        for (index, item) in items.enumerated() {
            if index >= 2, let done = try await group.next() { results[done.0] = done.1 }
            group.addTask { (index, try work(item)) }
        }
        for try await done in group { results[done.0] = done.1 }
        return results.compactMap { $0 }
    }
}

extension StudyTable.Cell {
    /// A mean, with the least and the greatest value where there are several.
    static func spread(_ values: [Double]) -> Self {
        guard let mean = values.mean, let low = values.min(), let high = values.max() else { return .none }
        guard values.count > 1 else { return .text(fixed(mean)) }
        return .text("\(fixed(mean)) (\(fixed(low)) … \(fixed(high)))")
    }

    private static func fixed(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        return String(format: abs(value) < 10 ? "%.2f" : "%.1f", value)
    }
}

/// Two decimals, for progress lines.
func twoDecimals(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    return "\((value * 100).rounded() / 100)"
}
