internal import FoundationEssentials

/// Reads the `metrics.jsonl` of a state directory.
package enum MetricsReader {
    /// Gives the steps of a file one by one, in its order; what is no step is passed over, and so is a torn line.
    ///
    /// - Parameters:
    ///   - directory: A state directory; one without the file has no steps.
    ///   - body: Called with each.
    package static func eachStep(in directory: String, _ body: (StepLine) -> Void) {
        let file = URL(filePath: directory + "/" + MetricsFile.name)
        guard let data = try? Data(contentsOf: file, options: .alwaysMapped) else { return }
        var start = data.startIndex
        while start < data.endIndex, let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let step = StepLine(data[start..<end]) { body(step) }
            start = end + 1
        }
    }
}
