internal import Nodes
internal import Report

/// Runs the cells that have no result yet, several at a time.
struct ReproductionRun {
    /// What to run.
    let cells: [ReproductionCell]
    /// How many cells run at the same time.
    let jobs: Int
    /// Runs one cell.
    let run: @Sendable (ReproductionCell) async throws -> CellResult
    /// Hears of each result as it comes, with how many are there and how many are still to come.
    let progress: (CellResult, _ finished: Int, _ left: Int) -> Void

    /// Runs until every cell has a result in the file.
    ///
    /// - Returns: The results in the order of the cells.
    /// - Throws: The first failure of a run; what was finished before is in the file.
    func complete(_ file: ResultsFile) async throws -> [CellResult] {
        let missing = cells.filter { file.result(of: $0) == nil }
        var finished = cells.count - missing.count
        var waiting = missing[...]
        try await withThrowingTaskGroup(of: CellResult.self) { group in
            for _ in 0..<jobs {
                guard let cell = waiting.popFirst() else { break }
                group.addTask { [run] in try await run(cell) }
            }
            while let result = try await group.next() {
                try file.append(result)
                finished += 1
                progress(result, finished, cells.count - finished)
                if let cell = waiting.popFirst() { group.addTask { [run] in try await run(cell) } }
            }
        }
        return cells.compactMap { file.result(of: $0) }
    }
}
