internal import Tensors

/// A tensor as it lies in a file.
package struct StoredTensor {
    /// Its name there.
    let name: String
    /// The sizes of the dimensions, slowest first; a row counts whole blocks of `encoding`.
    let shape: [Int]
    /// How its values are kept.
    let encoding: ElementEncoding
    let file: ReadableFile
    /// From the start of the file.
    let offset: Int

    /// How many values it has; the product was checked for overflow when the file was opened.
    var count: Int { shape.reduce(1, *) }

    /// A copy of the values in row-major order, widened to float32, by reading the file.
    ///
    /// - Throws: when one is not finite.
    func values() throws(CheckpointError) -> [Float] {
        let bytes = encoding.bytes(of: count)
        let what = "tensor '\(name)'"
        try file.require(bytes, at: offset, for: what)
        let values = try [Float](unsafeUninitializedCapacity: count) {
            (buffer, initialized) throws(CheckpointError) in
            if encoding == .f32 {
                let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: bytes)
                try file.read(at: offset, into: raw, for: what)
            } else {
                encoding.widen(try file.bytes(bytes, at: offset, for: what), buffer.baseAddress, count)
            }
            initialized = count
        }
        // A NaN would only surface much later.
        guard
            values.withUnsafeBufferPointer({ $0.baseAddress.map { Half.areFinite($0, count: count) } ?? true }
            )
        else { throw .notFinite(file: file.path, name: name) }
        return values
    }
}
