extension Tape {
    /// What `body` makes of a tensor, recorded as one operation that keeps that tensor alone: the backward pass runs the
    /// body again (Chen et al., arXiv:1604.06174), to the same bits. A third more time for the memory of one body at once.
    ///
    /// - Parameters:
    ///   - x: What it starts from.
    ///   - body: Runs on the tape that it is given, and depends on nothing that changes before the backward pass.
    package func recomputing(_ x: Tensor, _ body: @escaping (Tape, Tensor) -> Tensor) -> Tensor {
        guard isRecording else { return body(self, x) }
        let y = body(Tape(recording: false, workspace: workspace), x).sharing(needsGradient: true)
        record(y) { [workspace] dy in
            let tape = Tape(workspace: workspace)
            let start = x.sharing(needsGradient: x.needsGradient)
            start.retainsGradient = true
            tape.backward(from: body(tape, start), gradient: dy)
            if let slot = x.slot, let gradient = start.slot { slot.add(gradient, workspace) }
        }
        return y
    }
}
