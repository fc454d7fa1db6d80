internal import Foundation
internal import Tensors

/// What a reader needs to know of the machine, to judge figures.
struct BenchMachine: Encodable {
    /// The processor's name as Linux gives it.
    var processor = "unknown"
    /// Its family, model and stepping, which tell apart what has one name.
    var family = ""
    /// The instruction sets that matter to products, as far as it has them.
    var instructions: [String] = []
    /// How many cores there are.
    var cores = ProcessInfo.processInfo.activeProcessorCount
    /// Its memory in GiB.
    var memoryGiB = Double(ProcessInfo.processInfo.physicalMemory) / 0x1p30
    /// The kernels that were chosen.
    var kernels = Compute.description
    /// Environment variables that change what libraries do.
    var environment = ProcessInfo.processInfo.environment.filter { name, _ in
        ["OPENBLAS_", "OMP_", "MKL_", "TRIBUTARY_"].contains { name.hasPrefix($0) }
    }

    private static let known = [
        "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_bf16",
        "avx512_vnni",
        "amx_bf16", "amx_int8",
    ]

    /// Reads `/proc/cpuinfo`.
    init() {
        // A machine without the file has no names to give; nothing depends on it.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        var facts: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let name = parts.first?.split(separator: "\t").first else { continue }
            if facts[name] == nil { facts[name] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        processor = facts["model name"] ?? processor
        family = ["cpu family", "model", "stepping"].map { "\($0) \(facts[Substring($0)] ?? "?")" }
            .joined(separator: ", ")
        let flags = Set((facts["flags"] ?? "").split(separator: " ").map(String.init))
        instructions = Self.known.filter(flags.contains)
    }
}
