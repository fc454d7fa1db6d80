/// Where a base model comes from.
package enum ModelSource: Sendable, Hashable, CustomStringConvertible {
    /// A model that ships with the program: `tiny-arithmetic` or `tiny-arithmetic-hard`.
    case embedded(String)
    /// A directory in Hugging Face's layout: `config.json`, `model.safetensors`, `tokenizer.json`.
    case directory(String)
    /// A GGUF file, which holds all three.
    case gguf(String)

    /// The source as it is shown and logged: `embedded:tiny-arithmetic`, or the path.
    package var description: String {
        switch self {
        case .embedded(let name): "embedded:\(name)"
        case .directory(let path), .gguf(let path): path
        }
    }
}
