internal import CKernels
internal import Foundation
internal import Tensors

/// What the processor does at best: register loops of the arithmetic that products are made of, and reading memory.
struct BenchCeilings: Encodable {
    /// The arithmetic of a product.
    enum Kind: String, Encodable, CaseIterable {
        case float32, bfloat16, int8

        var kernel: kernel_peak {
            switch self {
            case .float32: KERNEL_PEAK_FLOAT32
            case .bfloat16: KERNEL_PEAK_BFLOAT16
            case .int8: KERNEL_PEAK_INT8
            }
        }
    }

    /// A ceiling on one thread and on all.
    struct Ceiling: Encodable {
        /// What was run.
        var instruction: String
        /// 10⁹ operations or bytes a second.
        var one: BenchSpread
        var all: BenchSpread
    }

    /// By arithmetic; what the processor has no instruction for is not there.
    var arithmetic: [String: Ceiling] = [:]
    /// Reading 128 MiB of its own on each thread.
    var memory: Ceiling
    private let threads: Int

    private enum CodingKeys: CodingKey { case arithmetic, memory }

    /// Measures; takes a few seconds.
    init(threads: Int, runs: Int) {
        self.threads = threads
        Compute.configure(threads: threads)
        for kind in Kind.allCases {
            guard let instruction = kernel_peak_instruction(kind.kernel) else { continue }
            let operations = Double(kernel_peak_operations(kind.kernel))
            // About a twentieth of a second.
            let turns = 4_000_000
            func rate(_ lanes: Int) -> BenchSpread {
                Self.rate(lanes, runs) { _ in
                    kernel_peak_run(kind.kernel, turns)
                    return operations * Double(turns)
                }
            }
            arithmetic[kind.rawValue] = Ceiling(
                instruction: String(cString: instruction),
                one: rate(1),
                all: rate(threads)
            )
        }
        let count = 32 << 20
        let buffers = (0..<threads).map { _ in FrozenValues([Float](repeating: 1, count: count)) }
        func rate(_ lanes: Int) -> BenchSpread {
            Self.rate(lanes, runs) { lane in
                precondition(kernel_peak_read(buffers[lane].base, count) > 0, "a sum of ones")
                return Double(count * 4)
            }
        }
        memory = Ceiling(instruction: "read", one: rate(1), all: rate(threads))
    }

    /// 10⁹ of what pieces return, a second, on so many threads at once.
    private static func rate(_ lanes: Int, _ runs: Int, _ piece: (Int) -> Double) -> BenchSpread {
        let rates = (0...runs).map { _ in
            let begin = ContinuousClock.now
            let done = Compute.sideBySide(lanes, threads: lanes, piece).reduce(0, +)
            return done / 1e9 / (ContinuousClock.now - begin).inSeconds
        }
        return BenchSpread(Array(rates.dropFirst()))
    }

    /// What part of each ceiling a rate reaches; a ceiling is the most that was seen.
    func shares(of cost: BenchCost, rate: Double) -> [String: Double] {
        var shares: [String: Double] = [:]
        if let (kind, count) = cost.operations, let ceiling = arithmetic[kind.rawValue] {
            shares[kind.rawValue] = rate * count / 1e9 / ceiling.all.highest
        }
        if let bytes = cost.bytes { shares["memory"] = rate * bytes / 1e9 / memory.all.highest }
        return shares
    }

    /// The ceilings for a person.
    var text: String {
        var lines = ["ceilings, 1 thread and \(threads):"]
        for kind in Kind.allCases {
            guard let ceiling = arithmetic[kind.rawValue] else { continue }
            let unit = kind == .int8 ? "GOP/s" : "GFLOP/s"
            lines.append("  \(kind.rawValue): \(Self.text(ceiling)) \(unit) (\(ceiling.instruction))")
        }
        lines.append("  memory: \(Self.text(memory)) GB/s")
        return lines.joined(separator: "\n")
    }

    private static func text(_ ceiling: Ceiling) -> String {
        "\(BenchTable.number(ceiling.one.highest)), \(BenchTable.number(ceiling.all.highest))"
    }
}
