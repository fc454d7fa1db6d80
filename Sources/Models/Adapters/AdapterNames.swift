/// The names of adapter arrays, exactly PEFT's.
enum AdapterNames {
    private static let prefix = "base_model.model."

    /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`, shape `[r, in]`.
    static func a(_ module: LinearModule, layer: Int) -> String {
        "\(prefix)\(module.path(layer: layer)).lora_A.weight"
    }

    /// `….lora_B.weight`, shape `[out, r]`.
    static func b(_ module: LinearModule, layer: Int) -> String {
        "\(prefix)\(module.path(layer: layer)).lora_B.weight"
    }

    /// The module and block that an array belongs to, and whether it is the A of the pair.
    static func parse(_ name: String) -> (module: LinearModule, layer: Int, isA: Bool)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 9, let module = LinearModule(rawValue: String(parts[6])),
            let layer = Int(parts[4])
        else { return nil }
        if name == a(module, layer: layer) { return (module, layer, true) }
        if name == b(module, layer: layer) { return (module, layer, false) }
        return nil
    }
}
