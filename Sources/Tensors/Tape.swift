/// Records operations as they run, and runs them backwards for the gradients (reverse-mode differentiation).
///
/// Operations are methods, one per file in `Operations/`, each with its vector-Jacobian product beside it:
///
///     let tape = Tape(workspace: workspace)
///     let hidden = tape.swiGLU(gate: tape.linear(x, gate), up: tape.linear(x, up))
///     let logProbs = tape.tokenLogProbs(hidden, head: head, targets: targets)
///     tape.backward(from: logProbs, seed: seed)      // seed: d loss / d logProb
///
/// An operation is recorded only if a parameter went into its inputs. With `recording: false` nothing is, and
/// intermediate tensors are recycled as soon as they are dropped. Pass one ``Workspace`` to the tapes of all
/// steps, so that they reuse each other's buffers.
package final class Tape {
    /// Whether operations are recorded for ``backward(from:seed:)``.
    package let isRecording: Bool
    /// Where intermediate tensors and scratch come from.
    package let workspace: Workspace
    private var nodes: [Node] = []

    private struct Node {
        let output: GradientSlot
        /// Given d loss / d output, adds the gradients of the inputs.
        let backward: (UnsafePointer<Float>) -> Void
    }

    /// An empty tape.
    ///
    /// - Parameters:
    ///   - recording: False for inference: nothing is kept.
    ///   - workspace: The pool of buffers, shared by the tapes of one thread.
    package init(recording: Bool = true, workspace: Workspace = Workspace()) {
        isRecording = recording
        self.workspace = workspace
    }

    /// Runs the tape backwards from one tensor and empties it.
    ///
    /// - Parameters:
    ///   - output: Where the loss was taken from.
    ///   - seed: d loss / d output, one value for each of the output's; parameters' gradients are added to.
    package func backward(from output: Tensor, seed: [Float]) {
        backward(from: [(output, seed)])
    }

    /// Runs the tape backwards from several tensors at once, for a loss with several terms, and empties it.
    ///
    /// - Parameter outputs: Tensors and d loss / d tensor; an output that no parameter went into is skipped.
    package func backward(from outputs: [(output: Tensor, seed: [Float])]) {
        precondition(isRecording, "Tape.backward: the tape was made with recording: false")
        for (output, seed) in outputs {
            guard let slot = output.slot else { continue }
            precondition(
                seed.count == output.count,
                "Tape.backward: a seed of \(seed.count) values for an output of shape \(output.shape)"
            )
            let gradient = slot.forAdding(workspace)
            for index in seed.indices { gradient[index] += seed[index] }
        }
        run()
    }

    /// Runs the tape backwards from one tensor, whose gradient lies somewhere, and empties it.
    func backward(from output: Tensor, gradient: UnsafePointer<Float>) {
        output.slot?.forAdding(workspace).update(from: gradient, count: output.count)
        run()
    }

    private func run() {
        while let node = nodes.popLast() {
            guard let gradient = node.output.pointer else { continue }
            node.backward(gradient)
            node.output.recycle()
        }
    }

    /// Forgets what was recorded, without gradients.
    package func reset() { nodes = [] }
}

// MARK: - For the operations

extension Tape {
    /// A tensor for an operation's result, with undefined values; differentiable if recording and any input is.
    func result(_ shape: [Int], of inputs: Tensor?...) -> Tensor {
        let needsGradient = isRecording && inputs.contains { $0?.needsGradient ?? false }
        let storage = workspace.take(shape.reduce(1, *))
        return Tensor(shape: shape, storage: storage, needsGradient: needsGradient)
    }

    /// Records how to turn d loss / d output into additions to the inputs' gradients.
    func record(_ output: Tensor, backward: @escaping (UnsafePointer<Float>) -> Void) {
        if let slot = output.slot { nodes.append(Node(output: slot, backward: backward)) }
    }

    /// Fills a result, in a way that can be repeated: the result's values may then be forgotten.
    func fill(_ output: Tensor, _ write: @escaping (UnsafeMutablePointer<Float>) -> Void) {
        write(output.pointer)
        guard isRecording else { return }
        let count = output.count
        output.canBeRemade { [workspace] in
            let storage = workspace.take(count)
            write(storage.pointer)
            return storage
        }
    }
}
