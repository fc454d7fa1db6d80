internal import Tensors

/// A matrix of a decoder: frozen, or trainable as a whole.
enum Weight {
    case frozen(FrozenMatrix)
    case trainable(Tensor)

    /// The trainable tensor, if it is one.
    var tensor: Tensor? {
        if case .trainable(let tensor) = self { tensor } else { nil }
    }

    /// A copy of the values, row after row.
    func toArray() -> [Float] {
        switch self {
        case .frozen(let matrix): matrix.toArray()
        case .trainable(let tensor): tensor.toArray()
        }
    }
}

extension Tape {
    func linear(_ x: Tensor, _ weight: Weight) -> Tensor {
        switch weight {
        case .frozen(let matrix): linear(x, matrix)
        case .trainable(let tensor): linear(x, tensor)
        }
    }

    func rmsNorm(_ x: Tensor, weight: Weight, epsilon: Float) -> Tensor {
        switch weight {
        case .frozen(let vector): rmsNorm(x, weight: vector, epsilon: epsilon)
        case .trainable(let vector): rmsNorm(x, weight: vector, epsilon: epsilon)
        }
    }

    func embedding(table: Weight, ids: [Int32]) -> Tensor {
        switch table {
        case .frozen(let matrix): embedding(table: matrix, ids: ids)
        case .trainable(let tensor): embedding(table: tensor, ids: ids)
        }
    }

    func tokenLogProbs(_ hidden: Tensor, head: Weight, targets: [Int32], temperature: Float) -> Tensor {
        switch head {
        case .frozen(let matrix):
            tokenLogProbs(hidden, head: matrix, targets: targets, temperature: temperature)
        case .trainable(let tensor):
            tokenLogProbs(hidden, head: tensor, targets: targets, temperature: temperature)
        }
    }

    func tokenStatistics(
        _ hidden: Tensor,
        head: Weight,
        targets: [Int32],
        temperature: Float
    ) -> TokenStatistics {
        switch head {
        case .frozen(let matrix):
            tokenStatistics(hidden, head: matrix, targets: targets, temperature: temperature)
        case .trainable(let tensor):
            tokenStatistics(hidden, head: tensor, targets: targets, temperature: temperature)
        }
    }

    func logits(_ hidden: Tensor, head: Weight) -> Tensor {
        switch head {
        case .frozen(let matrix): logits(hidden, head: matrix)
        case .trainable(let tensor): logits(hidden, head: tensor)
        }
    }
}

extension RopeTable {
    /// The angles of all positions of a decoder.
    init(_ configuration: DecoderConfiguration) {
        self.init(
            headSize: configuration.headSize,
            base: configuration.ropeTheta,
            positions: configuration.positionsMax
        )
    }
}
