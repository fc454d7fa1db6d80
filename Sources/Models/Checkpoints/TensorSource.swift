/// Tensors by name: one safetensors file, a sharded folder, a GGUF file or several.
package protocol TensorSource {
    /// The file or the folder, for errors.
    var path: String { get }

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

/// A tensor as it lies in a file.
package struct StoredTensor {
    /// Its name there.
    let name: String
    /// The sizes of the dimensions, slowest first; each but the first counts whole blocks of `encoding`.
    let shape: [Int]
    /// How its values are kept.
    let encoding: ElementEncoding
    let file: ReadableFile
    /// From the start of the file.
    let offset: Int

    /// How many values it has; the product was checked for overflow when the file was opened.
    var count: Int { shape.reduce(1, *) }
}

extension TensorSource {
    /// The values of a tensor in row-major order, widened to float32.
    ///
    /// - Parameters:
    ///   - name: The tensor.
    ///   - shape: The shape it must have; nil takes any.
    /// - Throws: when it is missing, of another shape, of a type that is not read, or not finite.
    package func values(of name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        let tensor = try stored(name, shape: shape)
        return try tensor.encoding.read(tensor.count, from: tensor.file, at: tensor.offset, name: name)
    }

    /// The values of a weight of a decoder, from where the checkpoint keeps it.
    ///
    /// - Parameters:
    ///   - place: Where that is.
    ///   - shape: The weight's shape in the decoder.
    /// - Throws: as `values(of:shape:)` does.
    func values(at place: TensorPlace, shape: [Int]) throws(CheckpointError) -> [Float] {
        var stored = shape
        if let part = place.part { stored[0] = part.total }
        let all = try values(of: place.tensor, shape: stored)
        let width = shape.dropFirst().reduce(1, *)
        guard place != TensorPlace(place.tensor) else { return all }
        var result: [Float] = []
        result.reserveCapacity(shape[0] * width)
        for row in 0..<shape[0] {
            let source = place.storedRow(of: row)
            result.append(contentsOf: all[source * width..<(source + 1) * width])
        }
        if place.offset != 0 { for index in result.indices { result[index] += place.offset } }
        return result
    }

    private func stored(_ name: String, shape: [Int]?) throws(CheckpointError) -> StoredTensor {
        guard let tensor = try tensor(name) else { throw .missingTensor(file: path, name: name) }
        if let shape, shape != tensor.shape {
            throw .wrongShape(file: tensor.file.path, name: name, expected: shape, found: tensor.shape)
        }
        return tensor
    }
}
