internal import ArgumentParser
internal import Foundation
internal import Report
internal import Tensors

/// Runs a study for a person at a terminal: says what is going on, and leaves numbers and a page.
struct StudyConsole {
    /// The study's heading.
    let title: String
    /// The paper.
    let paper: String
    /// What the files are called: `NAME.json`, `NAME.html`.
    let name: String
    /// Where they go.
    let out: String

    /// Runs experiments and writes what they came to.
    func run(_ experiments: [any StudyExperiment], _ options: StudyOptions) async throws {
        // Times are compared with each other, and seeds may run side by side: one thread each.
        Compute.configure(threads: 1)
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        let run = StudyRun(
            title: title,
            paper: paper,
            experiments: experiments,
            options: options,
            progress: { Self.say($0) },
            finished: { Self.say("\n" + StudyReport.text($0)) }
        )
        let report = StudyReport(try await run.complete(facts: StudyMachine.facts))
        let page = "\(out)/\(name).html"
        try Data(report.json()).write(to: URL(filePath: "\(out)/\(name).json"), options: .atomic)
        try Data(report.html().utf8).write(to: URL(filePath: page), options: .atomic)
        Self.say(report.verdictLine)
        Self.say("page: \(page)")
    }

    /// The experiments of a list with commas; all without a list.
    ///
    /// - Throws: `ValidationError` for an empty list, and for a name that is none.
    static func chosen(_ only: String?, of all: [any StudyExperiment]) throws -> [any StudyExperiment] {
        guard let only else { return all }
        let names = only.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        guard !names.isEmpty else { throw ValidationError("only: '\(only)' is an empty list.") }
        for name in names where !all.contains(where: { $0.name == name }) {
            let known = all.map(\.name).joined(separator: ", ")
            throw ValidationError("There is no experiment '\(name)'; there are \(known).")
        }
        return all.filter { names.contains($0.name) }
    }

    /// Unbuffered, so that a log file shows progress too.
    private static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}
