// Which option a response chooses. A response that names several, or none, chooses nothing.

extension Verifier {
    /// The option chosen, in upper case for letters and lower case for words.
    static func choice(in response: String, answer: String) -> String? {
        let right = normalised(answer)
        let text = spoken(response)
        let isBoxed = hasBox(text)
        guard let said = isBoxed ? lastBoxed(in: text).map(withoutCommands) : text else { return nil }
        if normalised(said) == right { return right }
        let options: OptionMention.Options
        if right.count == 1, right.first?.isLetter == true {
            options = .letters
        } else if ["true", "false"].contains(right) {
            options = .words(["true", "false"])
        } else {
            options = .words(["yes", "no", "maybe", right])
        }
        return OptionMention.chosen(in: said, options, isBoxed: isBoxed)
    }

    /// An option as it is compared.
    static func normalised(_ option: String) -> String {
        let text = trimmed(option)
        return text.count == 1 ? text.uppercased() : text.lowercased()
    }

    /// `\text{A}` and `\mathrm{(A)}` as A and (A).
    private static func withoutCommands(_ formula: String) -> String {
        let plain = String(decoding: MathText.plain(formula), as: UTF8.self)
        return String(plain.replacing("\\text", with: "").filter { !"{}$".contains($0) })
    }
}
