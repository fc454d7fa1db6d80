/// `rope_parameters` or `rope_scaling` of a `config.json`: θ, the kind of scaling, which older files call `type`, and
/// what the kind needs.
struct RotaryFile: Codable {
    var theta: Double?
    var type: String
    var turnedShare: Double?
    var factor: Double?
    var original: Int?
    var lowFactor: Double?
    var highFactor: Double?
    var attentionFactor: Double?
    var betaFast: Double?
    var betaSlow: Double?
    var mscale: Double?
    var mscaleAll: Double?
    var truncates: Bool?
    var short: [Double]?
    var long: [Double]?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case theta = "rope_theta"
        case type = "rope_type"
        case turnedShare = "partial_rotary_factor"
        case factor
        case original = "original_max_position_embeddings"
        case lowFactor = "low_freq_factor"
        case highFactor = "high_freq_factor"
        case attentionFactor = "attention_factor"
        case betaFast = "beta_fast"
        case betaSlow = "beta_slow"
        case mscale
        case mscaleAll = "mscale_all_dim"
        case truncates = "truncate"
        case short = "short_factor"
        case long = "long_factor"
    }

    private enum OldKeys: String, CodingKey { case type }

    /// The kinds that are known, and the keys that each has besides θ and the share of a head.
    private static let kinds: [String: Set<CodingKeys>] = [
        "default": [], "linear": [.factor], "dynamic": [.factor],
        "llama3": [.factor, .original, .lowFactor, .highFactor],
        "yarn": [
            .factor, .original, .attentionFactor, .betaFast, .betaSlow, .mscale, .mscaleAll, .truncates,
        ],
        "longrope": [.factor, .original, .attentionFactor, .short, .long],
    ]

    /// The largest list of factors: half of the widest head.
    private static let factorsMax = 2048

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let oldType = try decoder.container(keyedBy: OldKeys.self).decodeIfPresent(String.self, forKey: .type)
        let newType = try values.decodeIfPresent(String.self, forKey: .type)
        func refuse(_ key: CodingKeys, _ detail: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: values, debugDescription: detail)
        }
        if let oldType, let newType, oldType != newType {
            throw refuse(.type, "rope_type is '\(newType)', type '\(oldType)'")
        }
        type = newType ?? oldType ?? "default"
        // LongRoPE's first name.
        if type == "su" { type = "longrope" }
        guard let known = Self.kinds[type] else {
            let kinds = Self.kinds.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw refuse(.type, "rotary scaling '\(type)' is not known, only \(kinds)")
        }
        // A factor without a type, or angles by kind of layer.
        let read = known.union([.theta, .type, .turnedShare]).map(\.rawValue)
        try ConfigurationKeys(read: Set(read).union(["type"]), harmless: ["finetuned"])
            .check(decoder)
        func number(_ key: CodingKeys) throws -> Double? {
            known.contains(key) ? try values.decodeIfPresent(Double.self, forKey: key) : nil
        }
        theta = try values.decodeIfPresent(Double.self, forKey: .theta)
        turnedShare = try values.decodeIfPresent(Double.self, forKey: .turnedShare)
        factor = try number(.factor)
        if known.contains(.original) { original = try values.decodeIfPresent(Int.self, forKey: .original) }
        (lowFactor, highFactor) = (try number(.lowFactor), try number(.highFactor))
        attentionFactor = try number(.attentionFactor)
        (betaFast, betaSlow) = (try number(.betaFast), try number(.betaSlow))
        (mscale, mscaleAll) = (try number(.mscale), try number(.mscaleAll))
        if known.contains(.truncates) {
            truncates = try values.decodeIfPresent(Bool.self, forKey: .truncates)
        }
        guard type == "longrope" else { return }
        for key in [CodingKeys.short, .long] {
            let factors = try values.decode([Double].self, forKey: key)
            guard factors.count <= Self.factorsMax else {
                throw refuse(key, "\(factors.count) numbers, over \(Self.factorsMax)")
            }
            // transformers keeps them in float32, as GGUF does.
            let kept = factors.map { Double(Float($0)) }
            if key == .short { short = kept } else { long = kept }
        }
    }

    /// The scaling.
    ///
    /// - Parameters:
    ///   - positions: `max_position_embeddings`.
    ///   - above: `original_max_position_embeddings` outside of this object, which goes first, as in Phi-3's files.
    /// - Throws: for a number that the kind needs and that is missing.
    func scaling(positions: Int, original above: Int? = nil) throws -> RotaryScaling {
        func required(_ value: Double?, _ key: CodingKeys) throws -> Double {
            guard let value else {
                let detail = "rope_scaling: rotary scaling '\(type)' needs '\(key.rawValue)'"
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: detail))
            }
            return value
        }
        let original = above ?? self.original ?? positions
        switch type {
        case "linear": return .linear(factor: try required(factor, .factor))
        case "dynamic": return .dynamic(factor: try required(factor, .factor))
        case "llama3":
            return .llama3(
                Llama3Scaling(
                    factor: try required(factor, .factor),
                    lowFactor: try required(lowFactor, .lowFactor),
                    highFactor: try required(highFactor, .highFactor),
                    original: original
                )
            )
        case "yarn":
            return .yarn(
                YarnScaling(
                    factor: factor ?? Double(positions) / Double(max(1, original)),
                    original: original,
                    betaFast: betaFast ?? 32,
                    betaSlow: betaSlow ?? 1,
                    attentionFactor: attentionFactor,
                    mscale: mscale,
                    mscaleAll: mscaleAll,
                    truncates: truncates ?? true
                )
            )
        case "longrope":
            return .long(
                LongScaling(
                    short: short ?? [],
                    long: long ?? [],
                    original: original,
                    positions: positions,
                    factor: factor,
                    attentionFactor: attentionFactor
                )
            )
        default: return .none
        }
    }

    /// What a file says of some positions.
    init(_ positions: RotaryPositions) {
        theta = positions.theta
        turnedShare = positions.turnedShare == 1 ? nil : positions.turnedShare
        switch positions.scaling {
        case .none: type = "default"
        case .linear(let factor): (type, self.factor) = ("linear", factor)
        case .dynamic(let factor): (type, self.factor) = ("dynamic", factor)
        case .llama3(let rule):
            (type, factor, original) = ("llama3", rule.factor, rule.original)
            (lowFactor, highFactor) = (rule.lowFactor, rule.highFactor)
        case .yarn(let rule):
            (type, factor, original) = ("yarn", rule.factor, rule.original)
            (betaFast, betaSlow, attentionFactor) = (rule.betaFast, rule.betaSlow, rule.attentionFactor)
            (mscale, mscaleAll, truncates) = (rule.mscale, rule.mscaleAll, rule.truncates)
        case .long(let rule):
            (type, factor, original) = ("longrope", rule.factor, rule.original)
            (short, long, attentionFactor) = (rule.short, rule.long, rule.attentionFactor)
        }
    }
}
