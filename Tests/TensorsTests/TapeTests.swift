import Testing

@testable import Tensors

@Suite("The tape") struct TapeTests {
    private func step(_ x: Tensor, _ w: Tensor, _ workspace: Workspace) {
        let tape = Tape(workspace: workspace)
        let hidden = tape.rmsNorm(
            tape.linear(x, w),
            weight: Tensor(shape: [40], values: random(40, "n")),
            epsilon: 0.1
        )
        let logProbs = tape.tokenLogProbs(hidden, head: w, targets: (0..<30).map { Int32($0) })
        tape.backward(from: logProbs, seed: [Float](repeating: 1, count: 30))
    }

    @Test("a step after the first takes no new memory")
    func steadyState() {
        let workspace = Workspace()
        let (x, w) = (parameter([30, 40], "x"), parameter([40, 40], "w"))
        step(x, w, workspace)
        let reserved = workspace.bytesReserved
        #expect(reserved > 0)
        for _ in 0..<5 { step(x, w, workspace) }
        #expect(workspace.bytesReserved == reserved)
        workspace.trim()
        #expect(workspace.bytesReserved == 0)
    }

    @Test("without recording, a long chain of operations needs no more memory than a short one")
    func inferenceRecycles() {
        func reserved(_ steps: Int) -> Int {
            let tape = Tape(recording: false)
            var x = parameter([50, 50], "x")
            for _ in 0..<steps { x = tape.scale(x, by: 0.9) }
            return tape.workspace.bytesReserved
        }
        #expect(reserved(50) == reserved(3))
    }

    @Test("gradients of parameters add up over backward passes until they are zeroed")
    func accumulates() {
        let x = parameter([2, 2], "x")
        let tape = Tape()
        tape.backward(from: tape.scale(x, by: 3), seed: [1, 2, 3, 4])
        tape.backward(from: tape.scale(x, by: 3), seed: [1, 1, 1, 1])
        #expect(x.gradient.map(Array.init) == [6, 9, 12, 15])
        zeroGradients([x])
        #expect(x.gradient.map(Array.init) == [0, 0, 0, 0])
    }

    @Test("several outputs go backwards together, and a kept gradient can be read")
    func severalOutputs() {
        let x = parameter([1, 2], "x")
        let tape = Tape()
        let middle = tape.scale(x, by: 2)
        middle.retainsGradient = true
        let end = tape.scale(middle, by: 5)
        tape.backward(from: [(middle, [1, 0]), (end, [0, 1])])
        #expect(middle.gradient.map(Array.init) == [1, 5])
        #expect(end.gradient == nil)
        #expect(x.gradient.map(Array.init) == [2, 10])
    }

    @Test("no gradient flows through a detached tensor, or into one that is not trainable")
    func detached() {
        let x = parameter([1, 2], "x")
        let constant = Tensor(shape: [1, 2], values: [1, 2])
        let tape = Tape()
        tape.backward(from: tape.add(tape.scale(x.detached(), by: 2), tape.add(x, constant)), seed: [1, 1])
        #expect(x.gradient.map(Array.init) == [1, 1])
        #expect(constant.gradient == nil)
    }

    @Test("a gradient that two tensors share is copied before one of them adds to it")
    func sharedGradient() {
        let x = parameter([1, 2], "x")
        let tape = Tape()
        let (left, right) = (tape.scale(x, by: 2), tape.scale(x, by: 3))
        // The sum's gradient is left's and right's, until the second use of `right` adds to it.
        let sum = tape.add(left, right)
        let end = tape.add(sum, tape.scale(right, by: 5))
        sum.retainsGradient = true
        right.retainsGradient = true
        left.retainsGradient = true
        tape.backward(from: end, seed: [1, 10])
        #expect(sum.gradient.map(Array.init) == [1, 10])
        #expect(left.gradient.map(Array.init) == [1, 10])
        #expect(right.gradient.map(Array.init) == [6, 60])
        #expect(x.gradient.map(Array.init) == [20, 200])
    }

    @Test("forgotten values are made again to the same bits, and what cannot be made again is kept")
    func forgets() {
        let (x, weight) = (parameter([3, 40], "x"), Tensor(shape: [40], values: random(40, "n")))
        let tape = Tape()
        let normed = tape.rmsNorm(x, weight: weight, epsilon: 0.1)
        let gated = tape.swiGLU(gate: normed, up: x)
        let (before, product) = (normed.toArray(), gated.toArray())
        normed.forget()
        gated.forget()
        x.forget()
        #expect(gated.toArray() == product)
        #expect(normed.toArray() == before)
        tape.reset()
    }

    @Test("values that no backward pass reads go when the model lets go of them")
    func keepsLittle() {
        func held(_ steps: Int) -> Int {
            let tape = Tape()
            var x = parameter([50, 50], "x")
            let weight = frozen(50, 50, "w")
            for _ in 0..<steps { x = tape.add(x, tape.linear(x, weight)) }
            return tape.workspace.bytesReserved
        }
        #expect(held(50) == held(3))
    }

    @Test("a batch without rows runs forward and backward")
    func empty() {
        let (x, w) = (Tensor(zeros: [0, 3], trainable: true), parameter([2, 3], "w"))
        let tape = Tape()
        let y = tape.tokenLogProbs(tape.linear(x, w), head: parameter([4, 2], "h"), targets: [])
        tape.backward(from: y, seed: [])
        #expect(y.count == 0)
        #expect(w.gradient?.allSatisfy { $0 == 0 } == true)
    }

    @Test("the same step gives the same bits")
    func deterministic() {
        func gradients() -> [Float] {
            let (x, w) = (parameter([30, 40], "x"), parameter([40, 40], "w"))
            step(x, w, Workspace())
            return Array(x.gradient ?? .init(start: nil, count: 0))
                + Array(w.gradient ?? .init(start: nil, count: 0))
        }
        #expect(gradients() == gradients())
    }

    @Test("a size class holds what was asked for, and wastes less than a quarter")
    func sizeClasses() {
        for count in [0, 1, 255, 256, 257, 1000, 12345, 1 << 20, (1 << 20) + 1] {
            let found = SizeClass(holding: count).count
            #expect(found >= count && (found <= 256 || found * 4 <= count * 5))
        }
    }
}
