internal import Tensors

/// A tensor of a checkpoint that is to be written: one weight of a decoder, or several that its form keeps in one.
struct TensorPlan {
    /// Its name there.
    let name: String
    /// Its shape there.
    let shape: [Int]
    private var pieces: [Piece]

    private struct Piece {
        let name: String
        let shape: [Int]
        let place: TensorPlace
    }

    /// How many values it has.
    var count: Int { shape.reduce(1, *) }

    /// The tensors of all weights of a checkpoint in another form, in the decoder's order.
    static func plans(for checkpoint: Checkpoint, in form: CheckpointForm) -> [TensorPlan] {
        let configuration = checkpoint.configuration
        var plans: [TensorPlan] = []
        var indices: [String: Int] = [:]
        for (name, shape) in checkpoint.weights {
            let place = configuration.architecture.place(of: name, configuration, in: form)
            let piece = Piece(name: name, shape: shape, place: place)
            if let index = indices[place.tensor] {
                plans[index].pieces.append(piece)
                continue
            }
            indices[place.tensor] = plans.count
            let whole = [place.part?.total ?? shape[0]] + shape.dropFirst()
            plans.append(TensorPlan(name: place.tensor, shape: whole, pieces: [piece]))
        }
        for plan in plans {
            let rows = plan.pieces.reduce(0) { $0 + $1.shape[0] }
            precondition(rows == plan.shape[0], "the places of weights do not fill '\(plan.name)'")
        }
        return plans
    }

    /// The values, with each weight's rows where its place says.
    func values(from checkpoint: Checkpoint) throws(CheckpointError) -> FrozenValues {
        if pieces.count == 1, pieces[0].place == TensorPlace(name) {
            return try checkpoint.weight(pieces[0].name, shape: shape).values()
        }
        let width = shape.dropFirst().reduce(1, *)
        return try FrozenValues(count: count) { memory throws(CheckpointError) in
            for piece in pieces {
                let values = try checkpoint.weight(piece.name, shape: piece.shape).values()
                for row in 0..<piece.shape[0] {
                    let target = memory + piece.place.storedRow(of: row) * width
                    for column in 0..<width {
                        target[column] = values.base[row * width + column] - piece.place.offset
                    }
                }
            }
        }
    }
}
