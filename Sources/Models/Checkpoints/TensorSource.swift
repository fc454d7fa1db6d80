internal import Tensors

/// Tensors by name: one safetensors file, a sharded folder, a GGUF file or several.
package protocol TensorSource {
    /// The file or the folder, for errors.
    var path: String { get }

    /// The files that hold the tensors.
    var files: [ReadableFile] { get }

    /// The names of the tensors.
    var names: [String] { get }

    /// The tensor of a name; nil when there is none.
    ///
    /// - Throws: when its elements are of a type that is not read.
    func tensor(_ name: String) throws(CheckpointError) -> StoredTensor?

    /// The shape of a tensor, slowest dimension first: a linear map is `[out, in]`. Nil when there is none of that
    /// name.
    func shape(of name: String) -> [Int]?
}

extension TensorSource {
    /// A copy of the values of a tensor in row-major order, widened to float32.
    ///
    /// - Parameters:
    ///   - name: The tensor.
    ///   - shape: The shape it must have; nil takes any.
    /// - Throws: when it is missing, of another shape, of a type that is not read, or not finite.
    package func values(of name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        try stored(name, shape: shape).values()
    }

    /// A weight of a decoder where the checkpoint keeps it; of a vector each value is a row.
    ///
    /// - Parameters:
    ///   - place: Where that is.
    ///   - shape: The weight's shape in the decoder: `[out, in]`, or `[C]`.
    /// - Throws: when the tensor is missing, of another shape or of a type that is not read.
    func weight(at place: TensorPlace, shape: [Int]) throws(CheckpointError) -> StoredWeight {
        var whole = shape
        if let part = place.part {
            precondition(
                part.start + shape[0] <= part.total,
                "'\(place.tensor)' ends before the place of a weight"
            )
            whole[0] = part.total
        }
        let tensor = try stored(place.tensor, shape: whole)
        let width = shape.dropFirst().reduce(1, *)
        guard width % tensor.encoding.blockValues == 0 else {
            throw .malformed(
                file: tensor.file.path,
                offset: nil,
                detail:
                    "tensor '\(place.tensor)': a vector in blocks of \(tensor.encoding.name), which is not read"
            )
        }
        return try StoredWeight(tensor, at: place, rows: shape[0], width: width)
    }

    /// Throws when a file was changed since it was opened.
    func requireUnchanged() throws(CheckpointError) {
        for file in files { try file.requireUnchanged() }
    }

    private func stored(_ name: String, shape: [Int]?) throws(CheckpointError) -> StoredTensor {
        guard let tensor = try tensor(name) else { throw .missingTensor(file: path, name: name) }
        if let shape, shape != tensor.shape {
            throw .wrongShape(file: tensor.file.path, name: name, expected: shape, found: tensor.shape)
        }
        return tensor
    }
}
