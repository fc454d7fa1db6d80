package import Contract
package import Models
package import Tensors

/// One term of a language trainer's objective; the objective is the sum of its terms.
///
/// A term sees each forward pass (log-probabilities, and hidden states or the base model's pass where it asks for
/// them) and returns a value with its gradients. The learner adds the terms up in their order and goes back
/// once. Terms are values: a step works on copies, whose metrics it reports.
package protocol ObjectiveTerm {
    /// What the term wants to see of a pass besides log-probabilities.
    var needs: PassNeeds { get }

    /// What the term wants to see of the passes of its own groups.
    var ownNeeds: PassNeeds { get }

    /// What the term does to the residual stream of the passes that are learnt from: steering while training. The base
    /// model's passes are left alone.
    var edit: LayerBoundary? { get }

    /// The term over one pass of the batch.
    mutating func evaluate(_ pass: ForwardPass) -> ObjectiveValue

    /// Prompts and responses of the term's own, which it sees besides the batch in every update.
    ///
    /// - Parameter step: Which update of the run, counted on over rounds.
    func ownGroups(step: Int) -> [LearningGroup]

    /// The term over one pass of its own groups.
    mutating func evaluateOwn(_ pass: ForwardPass) -> ObjectiveValue

    /// Adds the term's pull on the parameters themselves to their gradients, and returns its value; called once
    /// an update, after all passes.
    ///
    /// - Parameters:
    ///   - parameters: The adapter's arrays, in ascending order of name.
    ///   - anchor: The adapter that the round began with.
    func pull(_ parameters: [Tensor], anchor: AdapterWeights) -> Double

    /// What the term measured, by the names that metrics have; read after a step's last update.
    var metrics: [String: Double] { get }
}

extension ObjectiveTerm {
    /// Log-probabilities alone.
    package var needs: PassNeeds { PassNeeds() }
    /// Log-probabilities alone.
    package var ownNeeds: PassNeeds { PassNeeds() }
    /// Nothing.
    package var edit: LayerBoundary? { nil }
    /// None.
    package func ownGroups(step: Int) -> [LearningGroup] { [] }
    /// Nothing.
    package mutating func evaluateOwn(_ pass: ForwardPass) -> ObjectiveValue {
        .zero(count: pass.logProbs.count)
    }
    /// No pull.
    package func pull(_ parameters: [Tensor], anchor: AdapterWeights) -> Double { 0 }
    /// Nothing measured.
    package var metrics: [String: Double] { [:] }
}

/// What a term sees of one pass.
package struct ForwardPass {
    /// The part of the batch that went through the model.
    package let pass: LearningPass
    /// All response tokens of the batch, those of its other passes included.
    package let batchTokens: Int
    /// log π of the pass's response tokens `[M]`.
    package let logProbs: [Float]
    /// KL(π ‖ π_base) at each of them `[M]`; nil unless wanted.
    package let divergence: [Float]?
    /// By layer boundary, the residual stream `[N, C]`, where wanted.
    package let hidden: [Int: [Float]]
    /// Entropies and hits; nil unless wanted.
    package let certainty: TokenCertainty?
    /// The base model's pass; nil unless wanted.
    package let base: BasePass?
}

/// What one term of an objective is worth, and how it pulls at what it saw.
///
/// The gradients are what the tape's backward pass starts from.
package struct ObjectiveValue: Equatable {
    /// The term's value; sums are taken in Double.
    package var loss: Double
    /// d loss / d log-probability `[M]`, for the M response tokens of a pass in order.
    package var gradient: [Float]
    /// d loss / d divergence `[M]`; nil for none.
    package var divergence: [Float]?
    /// By layer boundary, d loss / d residual stream `[N, C]`.
    package var hidden: [Int: [Float]] = [:]

    /// A value with its gradient by log-probability.
    package init(loss: Double, gradient: [Float]) {
        self.loss = loss
        self.gradient = gradient
    }

    /// A term that is zero for `count` tokens.
    package static func zero(count: Int) -> ObjectiveValue {
        ObjectiveValue(loss: 0, gradient: Array(repeating: 0, count: count))
    }

    /// Adds a term over the same tokens.
    package static func += (sum: inout ObjectiveValue, term: ObjectiveValue) {
        sum.loss += term.loss
        sum.gradient = added(sum.gradient, term.gradient)
        if let more = term.divergence { sum.divergence = sum.divergence.map { added($0, more) } ?? more }
        for (layer, more) in term.hidden {
            sum.hidden[layer] = sum.hidden[layer].map { added($0, more) } ?? more
        }
    }

    private static func added(_ sum: [Float], _ more: [Float]) -> [Float] {
        precondition(sum.count == more.count, "terms over different tokens cannot be added")
        var sum = sum
        for index in sum.indices { sum[index] += more[index] }
        return sum
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
