internal import Models
internal import Topology

extension Topology {
    /// Where the base model is, paths made absolute.
    var modelSource: ModelSource {
        switch model {
        case .embedded(let name): .embedded(name)
        case .directory(let path): .directory(absolutePath(path))
        case .gguf(let path): .gguf(absolutePath(path))
        }
    }
}
