internal import Contract
internal import Logging
internal import Nodes

/// The last thing that a coordinator or a client does: its report, and where everything is.
enum RunEnd {
    /// Writes the report of a state folder and says in the log where it is and what to do next. What fails here is said
    /// too, and changes nothing about the run, which is over.
    static func tell(_ folder: String, _ registry: Registry, _ logger: Logger) {
        do {
            let report = try RunReport(reading: folder, registry) { _ in }
            try report.write()
            var places: Logger.Metadata = [
                "summary": "\(report.summaryFile)", "report": "\(report.page)",
            ]
            if let adapter = report.adapter { places["adapter"] = "\(adapter)" }
            if let next = report.next { places["next"] = "\(next)" }
            logger.info("finished", metadata: places)
        } catch {
            logger.warning(
                "finished, but there is no report; `tributary report` with the state folder makes one",
                metadata: ["state": "\(folder)", "reason": "\(error)"]
            )
        }
    }
}
