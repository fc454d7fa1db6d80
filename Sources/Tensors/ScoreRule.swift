/// What softmax attention does with its scores besides weighing them, where a model asks for it.
package struct ScoreRule: Sendable, Hashable {
    /// What q·k is multiplied by; nil for 1/√D.
    package var scale: Float?
    /// c of soft-capped scores, c·tanh(scale q·k / c) (Gemma 2, arXiv:2408.00118); nil for none.
    package var cap: Float?
    /// How many of the last rows a row sees, itself included (Mistral, arXiv:2310.06825); nil for all.
    package var window: Int?

    /// A rule; plain attention's without arguments.
    package init(scale: Float? = nil, cap: Float? = nil, window: Int? = nil) {
        self.scale = scale
        self.cap = cap
        self.window = window
    }

    /// Whether scores are those of plain attention.
    package var isPlain: Bool { self == ScoreRule() }

    func check(_ operation: String) {
        precondition(
            (scale ?? 1).isFinite && (cap ?? 1) > 0 && (window ?? 1) > 0,
            "\(operation): scale \(scale ?? 1), cap \(cap ?? 1), window \(window ?? 1)"
        )
    }
}
