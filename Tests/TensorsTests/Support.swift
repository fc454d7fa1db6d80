import Foundation
import Randomness
import Testing

@testable import Tensors

/// Numbers drawn uniformly from [-1, 1), different for each name.
func random(_ count: Int, _ name: String, scale: Float = 1) -> [Float] {
    var stream = RandomStream(seed: 1, name)
    return (0..<count).map { _ in scale * Float(2 * stream.uniform() - 1) }
}

/// A trainable tensor of random numbers.
func parameter(_ shape: [Int], _ name: String) -> Tensor {
    Tensor(shape: shape, values: random(shape.reduce(1, *), name), trainable: true)
}

func frozen(_ rows: Int, _ columns: Int, _ name: String) -> FrozenMatrix {
    FrozenMatrix(rows: rows, columns: columns, values: random(rows * columns, name))
}

/// Expects |found − expected| ≤ tolerance · max(1, largest |expected|) everywhere; infinities and NaN must agree.
func expectClose(
    _ found: [Float],
    _ expected: [Float],
    _ tolerance: Double,
    _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found.count == expected.count else {
        Issue.record(
            "\(what): \(found.count) values, expected \(expected.count)",
            sourceLocation: sourceLocation
        )
        return
    }
    let largest = expected.reduce(1.0) { $1.isFinite ? max($0, abs(Double($1))) : $0 }
    for (index, (f, e)) in zip(found, expected).enumerated() {
        let equal = f == e || (f.isNaN && e.isNaN)
        if equal || abs(Double(f) - Double(e)) <= tolerance * largest { continue }
        Issue.record("\(what)[\(index)] is \(f), expected \(e)", sourceLocation: sourceLocation)
        return
    }
}

/// Compares an operation's gradients with differences of its values.
///
/// The loss is the inner product of the output with fixed random numbers, in Double. Central differences at two
/// steps are combined to fourth order (Richardson), each divided by the step that float32 really took.
func expectGradients(
    _ inputs: [Tensor],
    tolerance: Double = 2e-4,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ operation: (Tape) -> Tensor
) {
    let workspace = Workspace()
    let tape = Tape(workspace: workspace)
    let output = operation(tape)
    let seed = random(output.count, "seed")
    zeroGradients(inputs)
    tape.backward(from: output, seed: seed)

    func loss() -> Double {
        let values = operation(Tape(recording: false, workspace: workspace)).values
        return zip(values, seed).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    func difference(_ input: Tensor, _ index: Int, _ step: Float) -> Double {
        let value = input.values[index]
        defer { input.values[index] = value }
        input.values[index] = value + step
        let (above, up) = (loss(), Double(input.values[index]))
        input.values[index] = value - step
        return (above - loss()) / (up - Double(input.values[index]))
    }
    for (number, input) in inputs.enumerated() {
        let numeric = input.values.indices.map { index in
            Float((4 * difference(input, index, 0x1p-6) - difference(input, index, 0x1p-5)) / 3)
        }
        let gradient = input.gradient.map(Array.init) ?? []
        expectClose(
            gradient,
            numeric,
            tolerance,
            "gradient of input \(number)",
            sourceLocation: sourceLocation
        )
    }
}

/// What `Golden/make_goldens.py` computed with PyTorch: case → name → numbers.
let goldens: [String: [String: [Float]]] = {
    guard let url = Bundle.module.url(forResource: "Golden/goldens", withExtension: "json"),
        let data = try? Data(contentsOf: url),
        let cases = try? JSONDecoder().decode([String: [String: [Float]]].self, from: data)
    else { return [:] }
    return cases
}()

/// `ramp` of make_goldens.py: the inputs of the golden cases.
func ramp(_ count: Int, salt: UInt32) -> [Float] {
    var state = salt
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / 0x1p23 - 1
    }
}

func leaf(_ shape: [Int], salt: UInt32) -> Tensor {
    Tensor(shape: shape, values: ramp(shape.reduce(1, *), salt: salt), trainable: true)
}
