internal import Glibc
package import Models
internal import Tensors

/// What steering did, read in an unsteered pass over what was generated: in the steered pass the added vector itself moves the
/// macrostates (RET's notes, 2.6).
package struct SteeringCheck: Sendable, Equatable {
    /// The share of the generated tokens whose macrostate is of the group.
    package var rate: Double
    /// exp of the mean negative log-likelihood of the generated tokens under the model without steering.
    package var perplexity: Double

    /// Reads what was generated.
    ///
    /// - Parameters:
    ///   - prompt: What it goes on from.
    ///   - responses: Token ids.
    ///   - group: The target.
    ///   - macrostates: Whose group it is.
    ///   - decoder: The model.
    ///   - base: What it is made of.
    /// - Throws: What reading throws; `TrajectoryFault` where nothing was generated.
    package init(
        prompt: [Int32],
        responses: [[Int32]],
        group: Int,
        macrostates: Macrostates,
        decoder: LanguageDecoder,
        base: BaseModel
    ) throws {
        let recorder = try TrajectoryRecorder(decoder, of: base, layers: macrostates.source.layers)
        let given = responses.filter { !$0.isEmpty }.enumerated().map {
            TrajectoryRecorder.Given(id: "\($0)", topic: "", tokens: prompt + $1)
        }
        guard !given.isEmpty else { throw TrajectoryFault("", "nothing was generated") }
        let counts = given.map { _ in prompt.count }
        let set = TrajectorySet(
            source: recorder.source,
            recordings: recorder.read(given, promptCounts: counts)
        )
        let groups = macrostates.centroids.assign(
            try macrostates.makeNet().encode(set.all) { $0.learnableRows }
        )
        rate = Double(groups.count { $0 == Int32(group) }) / Double(max(groups.count, 1))
        let scores = decoder.scores(of: PackedBatch(groups: [(prompt: prompt, responses: responses)]))[0]
        let tokens = responses.reduce(0) { $0 + $1.count }
        perplexity = exp(-scores.reduce(0) { $0 + $1.logProb } / Double(max(tokens, 1)))
    }

    /// Above this ratio to the perplexity without steering, a text has suffered.
    package static let perplexityRatioMax = 1.5

    /// Both beside what the same random numbers give without steering, in a line; a second one where the text has suffered.
    package func text(beside plain: SteeringCheck, group: String) -> String {
        func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
        func number(_ value: Double) -> String { "\((100 * value).rounded() / 100)" }
        var text =
            "\(group): \(percent(rate)) of the tokens, \(percent(plain.rate)) without steering; perplexity \(number(perplexity)), "
            + "\(number(plain.perplexity)) without (both read without steering)"
        if perplexity > Self.perplexityRatioMax * plain.perplexity {
            text +=
                "\nwarning: the text has suffered: its perplexity is more than \(Self.perplexityRatioMax) times what it was; steer less"
        }
        return text
    }
}
