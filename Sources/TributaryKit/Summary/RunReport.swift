package import Contract
internal import Foundation
internal import Glibc
internal import Nodes
package import Report
internal import Topology

/// Gathers what a folder of a run holds into `summary.json` and a page, `report.html`, beside it.
///
/// The folder is that of a whole run on one machine, a coordinator's state or a client's; a client's report holds only
/// what that client knows.
package struct RunReport {
    /// The folder, as a person names it.
    package let folder: String
    /// What the run amounts to; nil for a client's folder.
    package let summary: RunSummary?
    /// The folder of the newest adapter; nil where there is none yet.
    package let adapter: String?
    private let json: [UInt8]
    private let html: String
    private let topology: Topology

    /// `summary.json`.
    package var summaryFile: String { folder + "/summary.json" }
    /// `report.html`.
    package var page: String { folder + "/report.html" }

    /// What a folder is.
    private enum Kind {
        case run, coordinator, client
    }

    /// Reads a folder; somebody may be at work in it.
    ///
    /// - Parameters:
    ///   - folder: The folder.
    ///   - registry: The trainers there are.
    ///   - buildSeconds: How long the build took, for the record.
    ///   - note: Told what is left out of a report and why.
    /// - Throws: `NodeError` for a folder that is none of a run; what is wrong with the state.
    package init(
        reading folder: String,
        _ registry: Registry,
        buildSeconds: Double? = nil,
        note: (String) -> Void
    ) throws {
        self.folder = folder
        switch try RunReport.kind(of: folder) {
        case .client:
            let record = try ClientRunRecord(folder, registry)
            topology = record.topology
            summary = nil
            json = try record.summary.json()
            html = ClientPage(record.summary, curves: record.curves).html()
            adapter = record.adapterDigest == nil ? nil : folder + "/adapter"
        case let kind:
            let layout = kind == .run ? RunLayout(root: folder) : RunLayout(coordinatorState: folder)
            if kind == .coordinator { _ = try RunReport.topology(in: folder, of: "a coordinator") }
            let record = try RunRecord.read(layout)
            topology = record.topology
            let summary = try SummaryBuilder(
                run: record,
                controls: kind == .run ? Controls.read(layout, of: record) : Controls(),
                topologyName: layout.topologyFile,
                modelParameters: RunReport.parameterCount(record.topology, registry, note),
                buildSeconds: buildSeconds
            ).summary()
            self.summary = summary
            json = try summary.json()
            html = ReportPage(summary, curves: record.curves).html()
            let adapter = layout.coordinatorState + "/adapter"
            self.adapter = FileManager.default.fileExists(atPath: adapter) ? adapter : nil
        }
    }

    /// Writes both files.
    package func write() throws {
        try Data(json).write(to: URL(filePath: summaryFile), options: .atomic)
        try Data(html.utf8).write(to: URL(filePath: page), options: .atomic)
    }

    /// What a person may do next with the adapter, as a command line; nil where there is no adapter.
    package var next: String? {
        guard let adapter else { return nil }
        guard FileManager.default.fileExists(atPath: adapter + "/adapter_config.json"),
            let model = topology.model.members.first(where: {
                ["embedded", "directory", "gguf"].contains($0.key)
            })
        else { return "tributary inspect \(RunReport.quoted(adapter))" }
        let name = model.value.filter { $0 != "\"" }
        return
            "tributary generate --model \(RunReport.quoted(name)) --adapter \(RunReport.quoted(adapter))"
    }

    /// Where everything is and what to do next, as the last lines of a command.
    package var closing: [String] {
        [adapter.map { "adapter: \($0)" }, "report: \(page)", next.map { "next: \($0)" }].compactMap { $0 }
    }

    /// A word as a shell takes it.
    private static func quoted(_ word: String) -> String {
        let plain = word.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || "/._-+:@%".unicodeScalars.contains($0)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static func kind(of folder: String) throws -> Kind {
        let has = { FileManager.default.fileExists(atPath: folder + "/" + $0) }
        if has("coordinator/ledger.sqlite") { return .run }
        if has("ledger.sqlite") { return .coordinator }
        if has("identity"), !has("identity.key") { return .client }
        guard FileManager.default.fileExists(atPath: folder) else {
            throw NodeError(.input, "\(folder) does not exist")
        }
        guard access(folder, R_OK | X_OK) == 0 || errno != EACCES else {
            throw NodeError(
                .refused,
                "\(folder) may not be read by this user; run this as the user that the program runs as"
            )
        }
        throw NodeError(
            .input,
            "\(folder) is not the folder of a run; expected one that `tributary up` or `simulate` made (coordinator/, "
                + "clients/), a coordinator's --state folder (ledger.sqlite) or a client's (identity, snapshot)"
        )
    }

    /// The topology that a state folder keeps.
    ///
    /// - Throws: `NodeError` for a state that has none, as older programs made it.
    static func topology(in folder: String, of owner: String) throws -> Topology {
        let file = folder + "/" + Job.topologyName
        guard FileManager.default.fileExists(atPath: file) else {
            throw NodeError(
                .input,
                "\(folder) is the state of \(owner) and has no \(Job.topologyName), as an older version made it: copy "
                    + "the topology file of its run to \(file)"
            )
        }
        return try Topology.load(file)
    }

    /// What a full synchronisation would send; nil where there is nothing to compare with, where the model's files
    /// are not here, as a report may be made on another host, and for a trainer of another program.
    private static func parameterCount(
        _ topology: Topology,
        _ registry: Registry,
        _ note: (String) -> Void
    ) -> Int? {
        guard registry.trainers.contains(where: { $0.name == topology.trainer.name }) else { return nil }
        do {
            return try Job(topology, registry).parameterCount()
        } catch {
            note("The base model is not here (\(error)); the full-model figure is left out.")
            return nil
        }
    }
}
