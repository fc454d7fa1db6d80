internal import Foundation
internal import Report
internal import Tensors

/// What a reader needs to know of the machine, to judge times.
enum StudyMachine {
    /// The processor, the matrix kernels and the cores.
    static var facts: [Setting] {
        [
            Setting("processor", processor),
            Setting(
                "cores",
                "\(ProcessInfo.processInfo.activeProcessorCount), one of them used where times are measured"
            ),
            Setting("matrix products", Compute.description),
            Setting("chance", "every number from a stream named by its seed and its purpose"),
            Setting("seeds", "settings of training were chosen on seeds 101 and 102, which are not reported"),
        ]
    }

    /// The processor's name as Linux gives it.
    private static var processor: String {
        // A machine without the file has no name to give; nothing depends on it.
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let name = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
        return name?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }
}
