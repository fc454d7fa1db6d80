internal import Foundation
internal import Nodes

/// The sides of a work, measured by turns: A B C, B C A, …, so that all see the same machine.
struct BenchContest {
    let work: BenchWork
    let runs: Int
    let ceilings: BenchCeilings

    /// A side that has been started and is warm.
    private final class Runner {
        let side: BenchSide
        var samples: [BenchSample] = []
        var others: [Double] = []
        private let process: CommandProcess
        private let log: String

        /// Loading a model, compiling and a first run may take as long; a run as well.
        private static let patience = Duration.seconds(1800)

        init(_ side: BenchSide) throws {
            self.side = side
            let file = side.name.map { $0.isLetter || $0.isNumber ? $0 : "-" }
            let own = ProcessInfo.processInfo.processIdentifier
            log =
                FileManager.default.temporaryDirectory.appending(
                    path: "tributary-bench-\(own)-\(String(file)).log"
                ).path
            process = try CommandProcess("{ \(side.command) ; } 2>" + BenchSide.shell([log]))
            try take { try answer() }
        }

        deinit {
            process.end()
            try? FileManager.default.removeItem(atPath: log)
        }

        func run() throws { try take { try ask("run") } }

        /// Takes a sample with what others took of the machine meanwhile.
        private func take(_ sample: () throws -> BenchSample) rethrows {
            let load = BenchLoad()
            let sample = try sample()
            others.append(load.others(besides: sample.cpuSeconds))
            samples.append(sample)
        }

        /// The warm-up does not count where it was followed by runs.
        func forgetWarmUp() {
            samples = []
            others = []
        }

        func ask(_ word: String) throws -> BenchSample { try answer(to: word + "\n") }

        private func answer(to text: String = "") throws -> BenchSample {
            let text = try line(giving: text)
            guard let sample = try? JSONDecoder().decode(BenchSample.self, from: Data(text.utf8)) else {
                throw fault("said '\(text)', expected figures as JSON")
            }
            return sample
        }

        private func line(giving text: String) throws -> String {
            var bytes = ArraySlice(Array(text.utf8))
            do {
                let line = try process.line(giving: &bytes, until: .now + Self.patience)
                return String(decoding: line, as: UTF8.self)
            } catch {
                throw fault("gave no answer: \(error)")
            }
        }

        private func fault(_ reason: String) -> NodeError {
            let data = FileManager.default.contents(atPath: log) ?? Data()
            let end = String(decoding: data.suffix(2000), as: UTF8.self)
            return NodeError(.input, "\(side.name) \(reason)\n\(side.command)\n\(end)")
        }
    }

    /// Measures all sides.
    func rows() throws -> [BenchRow] {
        var (runners, probed): ([Runner], [Runner]) = ([], [])
        let families = Dictionary(grouping: work.sides) { $0.family }
        for side in work.sides where !runners.contains(where: { $0.side.family == side.family }) {
            var variants = try (families[side.family] ?? []).map { try Runner($0) }
            if !side.isOwn, variants.count > 1 {
                variants.sort { isBetter($0, $1) }
                probed += variants.dropFirst()
                variants = Array(variants.prefix(1))
            }
            runners += variants
        }
        // Those that are not the best of their kind give their memory back.
        let others = probed.map { row($0, parts: [:]) }
        probed = []
        for runner in runners { runner.forgetWarmUp() }
        for run in 0..<runs {
            for index in runners.indices { try runners[(index + run) % runners.count].run() }
        }
        var rows = try runners.map { runner in
            row(runner, parts: runner.side.isOwn ? try runner.ask("parts").figures : [:])
        }
        let peers = rows.filter { !$0.isOwn }.map(\.compared.median)
        if let best = work.isRate ? peers.max() : peers.min() {
            for index in rows.indices where rows[index].isOwn {
                let own = rows[index].compared.median
                rows[index].timesBestPeer = work.isRate ? own / best : best / own
            }
        }
        return rows + others
    }

    private func isBetter(_ one: Runner, _ other: Runner) -> Bool {
        let (one, other) = (row(one, parts: [:]).compared.median, row(other, parts: [:]).compared.median)
        return work.isRate ? one > other : one < other
    }

    private func row(_ runner: Runner, parts: [String: Double]) -> BenchRow {
        let samples = runner.samples
        let names = Set(samples.flatMap { $0.figures.keys })
        let figures = names.map { name in (name, BenchSpread(samples.compactMap { $0.figures[name] })) }
        var row = BenchRow(
            work: work.name,
            side: runner.side.name,
            isOwn: runner.side.isOwn,
            figure: work.figure,
            runs: samples.count,
            figures: Dictionary(uniqueKeysWithValues: figures),
            seconds: BenchSpread(samples.map(\.seconds)),
            cpuSeconds: BenchSpread(samples.map(\.cpuSeconds)),
            peakMiB: samples.map(\.peakMiB).max() ?? 0,
            othersShare: runner.others.max() ?? 0,
            parts: parts
        )
        if work.isRate, let cost = runner.side.cost {
            row.shares = ceilings.shares(of: cost, rate: row.compared.median)
        }
        return row
    }
}
