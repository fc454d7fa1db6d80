/// What one term of an objective is worth, and how it pulls at each token's log-probability.
///
/// Terms are pure functions of log-probabilities; an objective is their sum. The gradient is what the
/// tape's backward pass starts from.
struct ObjectiveValue: Equatable {
    /// The term's value; sums are taken in Double.
    var loss: Double
    /// d loss / d log-probability `[M]`, for the M response tokens of a batch in order.
    var gradient: [Float]

    /// A term that is zero for `count` tokens.
    static func zero(count: Int) -> ObjectiveValue {
        ObjectiveValue(loss: 0, gradient: Array(repeating: 0, count: count))
    }

    /// Adds a term over the same tokens.
    static func += (sum: inout ObjectiveValue, term: ObjectiveValue) {
        precondition(sum.gradient.count == term.gradient.count, "terms over different tokens cannot be added")
        sum.loss += term.loss
        for index in sum.gradient.indices { sum.gradient[index] += term.gradient[index] }
    }
}

/// Which tokens belong to which response, and how much each counts.
///
/// Every term here is (1/n) Σ_k (1/|y_k|) Σ_t f(token): a mean over tokens within a response, then a
/// sum over responses divided by a count n that may include responses left out of the batch.
struct ResponseLengths: Equatable {
    /// |y_k|, the tokens of each response, end of sequence included; none is 0.
    let lengths: [Int]
    /// n, what the sum over responses is divided by.
    let normaliser: Int

    init(_ lengths: [Int], normaliser: Int) {
        precondition(lengths.allSatisfy { $0 > 0 }, "a response without tokens has no mean over tokens")
        precondition(normaliser > 0, "an objective needs at least one response")
        self.lengths = lengths
        self.normaliser = normaliser
    }

    /// M, all tokens together.
    var tokenCount: Int { lengths.reduce(0, +) }

    /// Calls `body` for each token with its position in the batch, its response and its weight
    /// 1 / (n |y_k|).
    func forEachToken(_ body: (_ token: Int, _ response: Int, _ weight: Double) -> Void) {
        var token = 0
        for (response, length) in lengths.enumerated() {
            let weight = 1 / (Double(normaliser) * Double(length))
            for _ in 0..<length {
                body(token, response, weight)
                token += 1
            }
        }
    }
}
