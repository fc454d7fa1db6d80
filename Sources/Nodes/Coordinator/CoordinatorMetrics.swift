internal import Contract
internal import FoundationEssentials
internal import Ledger

/// The coordinator's `metrics.jsonl`: the base, then of each round the steps that clients report as they come, and at the
/// end of the round what the ledger holds of it.
///
/// A round's line is never lost and never there twice: the ledger says which rounds are done, and what is missing is made
/// from it. Clients that go back to their last snapshot report steps again; the first report counts. A report that is
/// lost on the wire is missing here, and is in the client's own file.
///
/// Used on the store's thread alone.
struct CoordinatorMetrics {
    private let file: MetricsFile
    private let ledger: Ledger
    /// How many steps a round has.
    private let steps: Int
    /// How many rounds have their line; nil while the base has none.
    private var written: Int?
    /// By client, the newest step of the round under way.
    private var newest: [String: Int] = [:]

    /// Opens the file of a state directory and brings it to what the ledger says.
    ///
    /// - Parameters:
    ///   - ledger: The ledger.
    ///   - completed: How many rounds are done.
    ///   - steps: How many steps a round has.
    init(_ ledger: Ledger, completed: Int, steps: Int) throws {
        self.ledger = ledger
        self.steps = steps
        file = MetricsFile(in: ledger.directory)
        var written: Int?
        var newest: [String: Int] = [:]
        file.cut { line in
            if let head = try? JSONDecoder().decode(Head.self, from: Data(line)) {
                let lines = head.kind == .base ? 0 : (head.round ?? -1) + 1
                if lines <= completed {
                    written = lines
                    return nil
                }
            } else if let step = StepLine(line), step.round <= completed {
                newest[step.client] = max(newest[step.client] ?? 0, step.step)
                return true
            }
            newest = [:]
            return false
        }
        self.written = written
        self.newest = newest
        try complete(to: completed)
    }

    private struct Head: Decodable {
        let kind: RoundLine.Kind
        let round: Int?
    }

    /// Writes the lines of all rounds that are done and have none.
    mutating func complete(to completed: Int) throws {
        if written == nil, let base = try RoundLine.base(ledger) {
            file.append(try base.text())
            written = 0
        }
        guard let first = written, first < completed else { return file.sync() }
        for round in first..<completed {
            file.append(try RoundLine.round(round, steps: steps, ledger).text())
            newest = newest.filter { $0.value > (round + 1) * steps }
        }
        written = completed
        file.sync()
    }

    /// Appends what a client reports of a step, unless it was reported before.
    mutating func append(_ line: StepLine) {
        guard line.step > newest[line.client] ?? 0, line.round >= written ?? 0,
            let text = try? line.text()
        else { return }
        newest[line.client] = line.step
        file.append(text)
    }

    /// Why lines could not be written; nil if they were.
    func takeFailure() -> String? { file.takeFailure() }
}
