internal import ArgumentParser
internal import Foundation
internal import Models
internal import Nodes
internal import Randomness
internal import Tensors
internal import TributaryKit

struct BenchGemmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "Measures products with frozen weights, forwards and back, for few rows and many.",
        discussion: """
            The weights' shapes are SmolLM2's. For up to 64 rows each product takes another
            copy of the weight, so that it comes from memory, as it does when a model runs.
            Figures are GFLOP/s; back means through the transposed weight. --against torch
            measures torch.nn.functional.linear in float32 and bfloat16.

            EXAMPLES
              tributary bench gemm --rows 1,32,512
              tributary bench gemm --against torch --peers peers --out run/bench-gemm.json
            """
    )

    @Option(help: ArgumentHelp("Numbers of rows, with commas.", valueName: "numbers"))
    var rows = "1,4,8,16,32,64,128,512,2048"

    @OptionGroup var forms: BenchForms
    @OptionGroup var options: BenchOptions

    private var counts: [Int] { rows.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        let numbers = rows.split(separator: ",", omittingEmptySubsequences: false)
        guard counts.count == numbers.count, counts.allSatisfy({ (1...8192).contains($0) }) else {
            throw ValidationError("rows: found '\(rows)', expected 1 … 8192 with commas.")
        }
    }

    func run() async throws {
        try await Failure.reporting("tributary bench gemm") {
            if options.serve {
                Compute.configure(threads: options.lanes)
                let bench = GemmBench(rows: counts, form: forms.weights[0])
                return try BenchServer.serve(bench.figures)
            }
            let peers = try options.peers(known: ["torch"])
            try options.compare("gemm") {
                var sides = try forms.sides(["gemm", "--rows", rows], options)
                if peers.contains("torch") {
                    for form in ["float32", "bfloat16"] {
                        let command = try options.peer("gemm_torch.py", "--form", form, "--rows", rows)
                        sides.append(
                            BenchSide(
                                name: "torch \(form)",
                                family: "torch \(form)",
                                command: command,
                                isOwn: false
                            )
                        )
                    }
                }
                return [BenchWork(name: "products", figure: GemmBench.mean, sides: sides)]
            }
        }
    }
}

/// Products of all shapes, measured one after the other.
struct GemmBench {
    /// The geometric mean of all rates.
    static let mean = "geometric mean"
    /// Rows and columns of the weights.
    private static let shapes = [(576, 576), (192, 576), (1536, 576), (576, 1536), (49152, 576)]
    /// Numbers of rows for which the weight comes from memory.
    private static let coldRowsMax = 64
    /// Bytes of copies that a processor's caches do not hold.
    private static let coldBytes = 128 << 20
    /// The most operations of one product that is worth waiting for.
    private static let operationsMax = 60e9

    private let rows: [Int]
    private let weights: [[any FrozenWeight]]
    private let input: [Float]

    /// Makes weights and inputs of random values.
    init(rows: [Int], form: WeightForm) {
        self.rows = rows
        var stream = RandomStream(seed: 1, "bench-gemm")
        let pattern = (0..<4099).map { _ in Float(stream.uniform() - 0.5) }
        weights = Self.shapes.map { rows, columns in
            let values = (0..<rows * columns).map { pattern[$0 % pattern.count] }
            let copies = 1 + Self.coldBytes / (4 * values.count)
            return (0..<copies).map { _ in Self.matrix(form, rows, columns, values) }
        }
        let most = (rows.max() ?? 1) * (Self.shapes.map { max($0.0, $0.1) }.max() ?? 1)
        input = (0..<most).map { pattern[$0 % pattern.count] }
    }

    /// A matrix as a model's is kept.
    private static func matrix(
        _ form: WeightForm,
        _ rows: Int,
        _ columns: Int,
        _ values: [Float]
    ) -> any FrozenWeight {
        switch form {
        case .float32: PackedMatrix(rows: rows, columns: columns, precision: .float32, values: values)
        case .bfloat16: PackedMatrix(rows: rows, columns: columns, precision: .bfloat16, values: values)
        case .int8:
            BlockMatrix(rows: rows, columns: columns) { part, memory in
                for (index, value) in values[part.lowerBound * columns..<part.upperBound * columns]
                    .enumerated()
                {
                    memory[index] = value
                }
            }
        }
    }

    /// GFLOP/s by shape, direction and rows, and their geometric mean.
    func figures() -> [String: Double] {
        var figures: [String: Double] = [:]
        var output = [Float](repeating: 0, count: input.count)
        for (copies, shape) in zip(weights, Self.shapes) {
            for count in rows {
                let operations = 2 * Double(count * shape.0 * shape.1)
                guard operations <= Self.operationsMax else { continue }
                let name = "\(shape.0)×\(shape.1), \(count) rows"
                let copies = count <= Self.coldRowsMax ? copies : Array(copies.prefix(1))
                figures["forward \(name)"] = Self.rate(operations, copies) { weight in
                    weight.multiply(input, rows: count, into: &output, alpha: 1, beta: 0)
                }
                figures["back \(name)"] = Self.rate(operations, copies) { weight in
                    weight.multiplyTransposed(input, rows: count, into: &output, alpha: 1, beta: 0)
                }
            }
        }
        let logarithms = figures.values.map { log($0) }
        figures[Self.mean] = exp(logarithms.reduce(0, +) / Double(max(logarithms.count, 1)))
        return figures
    }

    /// GFLOP/s of a product, over at least a hundredth of a second and all copies once.
    private static func rate(
        _ operations: Double,
        _ copies: [any FrozenWeight],
        _ product: (any FrozenWeight) -> Void
    ) -> Double {
        let begin = ContinuousClock.now
        var (count, seconds) = (0, 0.0)
        repeat {
            for weight in copies.prefix(max(1, Int(2e8 / operations))) { product(weight) }
            count += min(copies.count, max(1, Int(2e8 / operations)))
            seconds = (ContinuousClock.now - begin).inSeconds
        } while seconds < 0.01
        return operations * Double(count) / 1e9 / seconds
    }
}
