package import Contract

/// Low-rank adapters: W x + (α/r) B A x on chosen linear maps
/// (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685).
package struct LoRAConfiguration: AdapterKind {
    package static let name = "lora"

    /// r, the rows of A and the columns of B.
    package var rank: Int
    /// α; the product B A is scaled by α/r.
    package var alpha: Double
    /// The linear maps, by their names such as `q_proj`; a map is meant by the last parts of its path or by all of it,
    /// as in `model.layers.0.self_attn.q_proj`. `usualTargets` stand for what is usual in the model's family, and
    /// `all-linear` alone for all maps.
    package var targets: [String]
    /// The blocks that get adapters, from 0; nil for all.
    package var layers: [Int]?

    /// The linear maps of a Llama's block.
    package static let usualTargets = [
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    ]
    /// The word for all linear maps of the blocks, as in PEFT.
    package static let allLinear = "all-linear"
    /// The largest rank.
    package static let rankMax = 4096

    /// Rank 8, α 16, on the usual maps of a model's blocks: all seven of a Llama's.
    package init() { self.init(rank: 8) }

    /// Makes a configuration; `validate` says whether its values are in range.
    package init(
        rank: Int = 8,
        alpha: Double = 16,
        targets: [String] = usualTargets,
        layers: [Int]? = nil
    ) {
        self.rank = rank
        self.alpha = alpha
        self.targets = targets
        self.layers = layers
    }

    /// α/r.
    package var scale: Float { Float(alpha / Double(rank)) }

    /// Checks ranges and repetitions.
    package func validate() throws(SettingsFault) {
        try SettingsFault.require(
            (1...Self.rankMax).contains(rank),
            "rank",
            "\(rank) is not between 1 and \(Self.rankMax)"
        )
        try SettingsFault.require(
            (1e-6...1e6).contains(alpha),
            "alpha",
            "\(alpha) is not between 0.000001 and 1000000"
        )
        try SettingsFault.require(
            !targets.isEmpty && Set(targets).count == targets.count,
            "targets",
            "\(targets) is empty or names a module twice"
        )
        if let layers {
            try SettingsFault.require(
                !layers.isEmpty && Set(layers).count == layers.count && layers.allSatisfy { $0 >= 0 },
                "layers",
                "\(layers) is empty, names a block twice or one below 0"
            )
        }
    }

    /// The pairs of those blocks.
    package func restricted(to blocks: Range<Int>) -> LoRAConfiguration? {
        var part = self
        part.layers = (layers ?? Array(blocks)).filter(blocks.contains)
        return part.layers?.isEmpty == true ? nil : part
    }

    /// For each map A uniform in ±1/√in, and B zero.
    package func arrays(of model: DecoderConfiguration) throws(AdapterError) -> [AdapterArray] {
        try modules(of: model).flatMap { layer, module in
            let path = module.path(layer: layer)
            return [
                AdapterArray(
                    AdapterNames.a(path),
                    [rank, module.columns],
                    .lowRank(.a, module: path),
                    at: .lowRankA(layer: layer, module: module.name),
                    from: .uniform(bound: 1 / Double(module.columns).squareRoot())
                ),
                AdapterArray(
                    AdapterNames.b(path),
                    [module.rows, rank],
                    .lowRank(.b, module: path),
                    at: .lowRankB(layer: layer, module: module.name),
                    from: .zeros
                ),
            ]
        }
    }

    /// Whether the targets are names of linear maps, and not words for some of whatever a model has.
    var namesTargets: Bool { targets != Self.usualTargets && targets != [Self.allLinear] }

    private func names(in model: DecoderConfiguration) -> [String] {
        if namesTargets { return targets }
        return targets == [Self.allLinear] ? model.moduleNames : model.usualTargets
    }

    /// The linear maps that get a pair, block by block.
    ///
    /// - Throws: `AdapterError` for a value out of range, a target that is none of the model's maps, or a block
    ///   that is not there.
    func modules(of model: DecoderConfiguration) throws(AdapterError) -> [(layer: Int, module: LinearModule)]
    {
        try AdapterError.checking(self)
        let chosen = layers?.sorted() ?? Array(0..<model.layerCount)
        guard let last = chosen.last, last < model.layerCount else {
            throw .badConfiguration(
                key: "layers",
                detail: "\(chosen) names a block outside of 0 ..< \(model.layerCount)"
            )
        }
        let targets = names(in: model)
        let modules = chosen.flatMap { layer in model.modules(layer: layer).map { (layer, $0) } }
        func isMeant(_ module: (Int, LinearModule), by target: String) -> Bool {
            LinearModule.isMeant(module.1.path(layer: module.0), by: target)
        }
        for target in targets where !modules.contains(where: { isMeant($0, by: target) }) {
            var known: [String] = []
            for name in modules.map(\.1.name) where !known.contains(name) { known.append(name) }
            throw .badConfiguration(
                key: "targets",
                detail: "'\(target)' is not one of \(known.joined(separator: ", "))"
            )
        }
        return modules.filter { module in targets.contains { isMeant(module, by: $0) } }
    }
}

/// The names of low-rank arrays, exactly PEFT's.
enum AdapterNames {
    private static let prefix = "base_model.model."

    /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`, shape `[r, in]`.
    static func a(_ path: String) -> String { "\(prefix)\(path).lora_A.weight" }

    /// `….lora_B.weight`, shape `[out, r]`.
    static func b(_ path: String) -> String { "\(prefix)\(path).lora_B.weight" }

    /// The block and the module that an array belongs to, and whether it is the A of the pair.
    static func parse(_ name: String) -> (path: String, layer: Int, module: String, isA: Bool)? {
        let isA = name.hasSuffix(".lora_A.weight")
        guard name.hasPrefix(prefix), isA || name.hasSuffix(".lora_B.weight") else { return nil }
        let path = String(name.dropFirst(prefix.count).dropLast(".lora_A.weight".count))
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 5, parts[0] == "model", parts[1] == "layers", let layer = Int(parts[2]),
            layer >= 0, String(layer) == parts[2]
        else { return nil }
        return (path, layer, parts[4...].joined(separator: "."), isA)
    }
}
