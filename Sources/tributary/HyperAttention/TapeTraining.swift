internal import Randomness
internal import Tensors

/// Trains tensors through the tape of this program, in float32: AdamW without decay, the rate on half a
/// cosine.
struct TapeTraining: Sendable {
    /// How many steps.
    var steps: Int
    /// The rate at the start.
    var rate: Double
    /// What is left of the rate at the end.
    var floor = 1e-3

    /// Trains.
    ///
    /// - Parameters:
    ///   - parameters: What to move.
    ///   - batch: Runs one batch on a tape; returns the output and d loss / d output.
    func train(_ parameters: [Tensor], batch: (Tape) -> (output: Tensor, seed: [Float])) {
        let workspace = Workspace()
        var optimiser = AdamW(learningRate: rate)
        let schedule = LearningRateSchedule(warmUpSteps: 0, totalSteps: steps, floor: floor)
        for step in 0..<steps {
            let tape = Tape(workspace: workspace)
            zeroGradients(parameters)
            let (output, seed) = batch(tape)
            tape.backward(from: output, seed: seed)
            optimiser.learningRate = rate * schedule.factor(step: step)
            optimiser.step(parameters: parameters)
        }
    }

    /// d/dy of the mean squared error between outputs and targets.
    static func meanSquaredErrorSeed(_ output: Tensor, _ targets: [Double]) -> [Float] {
        precondition(output.count == targets.count, "meanSquaredErrorSeed: sizes")
        let factor = 2 / Double(targets.count)
        return zip(output.values, targets).map { Float(factor * (Double($0) - $1)) }
    }
}

/// One model trained on a task, and what came of it.
struct TaskRun: Sendable {
    var parameters: Int
    /// Mean squared error over the targets' variance, by length.
    var relativeErrors: [Int: Double]
    /// The interactions as learned: T `[N, N]`, or `[N, N, N]` for those of three; empty where there are none.
    var table: [Double]

    /// The median over runs of the relative error at a length; not a number where it was not measured.
    static func medianError(_ runs: [TaskRun], _ length: Int) -> Double {
        runs.compactMap { $0.relativeErrors[length] }.median ?? .nan
    }
}

extension Tensor {
    /// A parameter of normal numbers.
    static func normal(
        _ shape: [Int],
        mean: Double = 0,
        deviation: Double,
        using stream: inout RandomStream
    ) -> Tensor {
        let values = stream.normals(shape.reduce(1, *), mean: mean, deviation: deviation)
        return Tensor(shape: shape, values: values.map(Float.init), trainable: true)
    }

    /// The values in Double.
    var doubles: [Double] { values.map(Double.init) }
}

extension AttentionPattern {
    /// Rows in groups of one length, each of which sees all of its own group and nothing else.
    static func groups(_ count: Int, of length: Int, causal: Bool = false) -> AttentionPattern {
        AttentionPattern(
            segments: (0..<count).map { .init(rows: $0 * length..<($0 + 1) * length) },
            isCausal: causal
        )
    }
}

/// Least squares over features of which few are set at a time, by the normal equations in Double.
struct SparseLeastSquares {
    private let size: Int
    private var gram: [Double]
    private var right: [Double]

    /// No rows yet.
    ///
    /// - Parameter size: How many features there are.
    init(size: Int) {
        self.size = size
        gram = [Double](repeating: 0, count: size * size)
        right = [Double](repeating: 0, count: size)
    }

    /// Adds a row whose features are 1 as often as they are named, with its target.
    mutating func add(_ features: [Int], target: Double) {
        for a in features {
            right[a] += target
            for b in features { gram[a * size + b] += 1 }
        }
    }

    /// The coefficients of the least squared error; where features depend on each other, those of nearly the
    /// least size.
    ///
    /// - Parameter ridge: What is added to the diagonal, relative to its largest value.
    func solution(ridge: Double = 1e-10) -> [Double] {
        let n = size
        let largest = (0..<n).map { gram[$0 * n + $0] }.max() ?? 1
        var l = gram
        for i in 0..<n { l[i * n + i] += ridge * max(largest, 1) }
        // Cholesky, L in the lower triangle.
        for j in 0..<n {
            for k in 0..<j { l[j * n + j] -= l[j * n + k] * l[j * n + k] }
            l[j * n + j] = l[j * n + j].squareRoot()
            for i in j + 1..<max(n, j + 1) {
                var sum = l[i * n + j]
                for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
                l[i * n + j] = sum / l[j * n + j]
            }
        }
        var x = right
        for i in 0..<n {
            for k in 0..<i { x[i] -= l[i * n + k] * x[k] }
            x[i] /= l[i * n + i]
        }
        for i in (0..<n).reversed() {
            for k in i + 1..<max(n, i + 1) { x[i] -= l[k * n + i] * x[k] }
            x[i] /= l[i * n + i]
        }
        return x
    }
}
