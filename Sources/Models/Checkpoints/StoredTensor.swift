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

    /// From how many bytes on values are used in place: less is not worth a mapping that stays.
    static let inPlaceBytesMin = 1 << 16

    /// The values of a weight that lies here, once in memory: in place where the file has them as they are used, else
    /// widened into place from the mapped file.
    ///
    /// - Parameters:
    ///   - place: Where in the tensor the weight lies.
    ///   - rows: The weight's rows.
    ///   - width: How many values a row has.
    /// - Throws: when one is not finite.
    func frozenValues(at place: TensorPlace, rows: Int, width: Int) throws(CheckpointError) -> FrozenValues {
        let mapping = try file.mapping()
        try file.require(encoding.bytes(of: count), at: offset, for: "tensor '\(name)'")
        let rowBytes = encoding.bytes(of: width)
        let start = offset + (place.part?.start ?? 0) * rowBytes
        let first = mapping.base + start
        let isAsUsed = encoding == .f32 && place.interleavedHeadSize == nil && place.offset == 0
        let isAligned = Int(bitPattern: first) % MemoryLayout<Float>.alignment == 0
        let values: FrozenValues
        if isAsUsed, isAligned, rows * rowBytes >= Self.inPlaceBytesMin {
            values = FrozenValues(
                inPlace: first.assumingMemoryBound(to: Float.self),
                count: rows * width,
                of: mapping
            )
        } else {
            values = FrozenValues(count: rows * width) { memory in
                widen(mapping.base + offset, place, rows: rows, width: width, into: memory)
            }
            mapping.release(start..<start + rows * rowBytes)
        }
        guard values.areFinite else { throw .notFinite(file: file.path, name: name) }
        return values
    }

    /// Widens the rows of a weight, each from its place among the tensor's bytes.
    private func widen(
        _ bytes: UnsafeRawPointer,
        _ place: TensorPlace,
        rows: Int,
        width: Int,
        into memory: UnsafeMutablePointer<Float>
    ) {
        let bytes = bytes.assumingMemoryBound(to: UInt8.self)
        let rowBytes = encoding.bytes(of: width)
        if place.interleavedHeadSize == nil {
            encoding.widen(bytes + place.storedRow(of: 0) * rowBytes, memory, rows * width)
        } else {
            for row in 0..<rows {
                encoding.widen(bytes + place.storedRow(of: row) * rowBytes, memory + row * width, width)
            }
        }
        if place.offset != 0 { for index in 0..<rows * width { memory[index] += place.offset } }
    }
}
