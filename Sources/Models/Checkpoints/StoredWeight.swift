internal import Digest
internal import Tensors

/// A weight of a decoder as it lies in a mapped file: where its rows are, and how to read them.
struct StoredWeight: Sendable {
    /// The weight's rows, and how many values one has.
    let rows, width: Int
    /// The tensor that has it, and how that keeps its values.
    private let tensor: String
    private let encoding: ElementEncoding
    private let place: TensorPlace
    private let path: String
    private let mapping: FileMapping
    /// Where the tensor begins in the file.
    private let offset: Int

    /// - Parameters:
    ///   - tensor: What has it.
    ///   - place: Where in the tensor the weight lies.
    ///   - rows: The weight's rows.
    ///   - width: How many values a row has, whole blocks of the tensor's encoding.
    init(_ tensor: StoredTensor, at place: TensorPlace, rows: Int, width: Int) throws(CheckpointError) {
        mapping = try tensor.file.mapping()
        try tensor.file.require(
            tensor.encoding.bytes(of: tensor.count),
            at: tensor.offset,
            for: "tensor '\(tensor.name)'"
        )
        (self.tensor, encoding, self.place) = (tensor.name, tensor.encoding, place)
        (path, offset) = (tensor.file.path, tensor.offset)
        (self.rows, self.width) = (rows, width)
    }

    /// From how many bytes on values are used in place: less is not worth a mapping that stays.
    static let inPlaceBytesMin = 1 << 16

    /// The values in float32, once in memory: in place where the file has them as they are used, else widened from it.
    ///
    /// - Throws: when one is not finite.
    func values() throws(CheckpointError) -> FrozenValues {
        let values: FrozenValues
        if let first = inPlace, rows * rowBytes >= Self.inPlaceBytesMin {
            values = FrozenValues(inPlace: first, count: rows * width, of: mapping)
        } else {
            values = FrozenValues(count: rows * width) { widen(0..<rows, into: $0) }
            release()
        }
        guard values.areFinite else { throw notFinite }
        return values
    }

    /// A copy of the values in float32.
    func toArray() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * width) { buffer, count in
            if let base = buffer.baseAddress { widen(0..<rows, into: base) }
            count = rows * width
        }
    }

    /// The matrix in a form. As int8, the blocks of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, Q4_K and Q5_K stay what they are
    /// in the file; all else is rounded to 8 bits, in blocks of 32 with a scale in float32.
    ///
    /// - Parameters:
    ///   - form: Which.
    ///   - memory: Where it is put.
    /// - Throws: when a value is not finite.
    func matrix(_ form: WeightForm, in memory: WeightMemory) throws(CheckpointError) -> any FrozenWeight {
        defer { release() }
        switch form {
        case .float32: return try packed(.float32, memory)
        case .bfloat16: return try packed(.bfloat16, memory)
        case .int8:
            let matrix =
                kept(in: memory)
                ?? BlockMatrix(rows: rows, columns: width, memory: memory) { widen($0, into: $1) }
            guard matrix.areFinite else { throw notFinite }
            return matrix
        }
    }

    private func packed(
        _ precision: PackedMatrix.Precision,
        _ memory: WeightMemory
    ) throws(CheckpointError) -> PackedMatrix {
        try PackedMatrix(rows: rows, columns: width, precision: precision, memory: memory) {
            part,
            values throws(CheckpointError) in
            widen(part, into: values)
            guard Half.areFinite(values, count: part.count * width) else { throw notFinite }
        }
    }

    /// The SHA-256 of the values in float32, plus an offset.
    func digest(plus offset: Float) -> SHA256Digest {
        let hash = SHA256()
        if offset == 0, let inPlace {
            hash.update(UnsafeRawBufferPointer(start: inPlace, count: 4 * rows * width))
            return hash.finish()
        }
        let piece = max(1, Self.pieceValues / width)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: piece * width)
        defer { memory.deallocate() }
        for first in stride(from: 0, to: rows, by: piece) {
            let part = first..<min(rows, first + piece)
            let values = UnsafeMutableBufferPointer(rebasing: memory[..<(part.count * width)])
            if let base = values.baseAddress { widen(part, into: base) }
            if offset != 0 { for index in values.indices { values[index] += offset } }
            hash.update(UnsafeRawBufferPointer(values))
        }
        release()
        return hash.finish()
    }

    /// How many values are widened at a time where they are only looked at.
    private static let pieceValues = 1 << 18

    /// The matrix of the file's blocks, where these can be multiplied with as they are; else nil.
    private func kept(in memory: WeightMemory) -> BlockMatrix? {
        guard place.offset == 0 else { return nil }
        return BlockMatrix(rows: rows, columns: width, type: encoding.ggufType, memory: memory) {
            bytes(ofRow: $0)
        }
    }

    /// The first value where the file has all of them as they are used.
    private var inPlace: UnsafePointer<Float>? {
        guard encoding == .f32, place.interleavedHeadSize == nil, place.offset == 0 else { return nil }
        let first = mapping.base + start
        guard Int(bitPattern: first) % MemoryLayout<Float>.alignment == 0 else { return nil }
        return first.assumingMemoryBound(to: Float.self)
    }

    private var rowBytes: Int { encoding.bytes(of: width) }
    private var start: Int { offset + (place.part?.start ?? 0) * rowBytes }
    private var notFinite: CheckpointError { .notFinite(file: path, name: tensor) }

    /// Gives back the memory of the file's bytes.
    private func release() { mapping.release(start..<start + rows * rowBytes) }

    private func bytes(ofRow row: Int) -> UnsafePointer<UInt8> {
        let first = mapping.base + offset + place.storedRow(of: row) * rowBytes
        return first.assumingMemoryBound(to: UInt8.self)
    }

    /// Widens some rows, each from its place among the tensor's bytes.
    private func widen(_ part: Range<Int>, into memory: UnsafeMutablePointer<Float>) {
        if place.interleavedHeadSize == nil {
            encoding.widen(bytes(ofRow: part.lowerBound), memory, part.count * width)
        } else {
            for row in part {
                encoding.widen(bytes(ofRow: row), memory + (row - part.lowerBound) * width, width)
            }
        }
        if place.offset != 0 { for index in 0..<part.count * width { memory[index] += place.offset } }
    }
}

/// How the matrices of a frozen model are kept and multiplied with. Norms and biases are float32 in every form.
package enum WeightForm: String, Sendable, Hashable, CaseIterable, Codable {
    /// As float32: exact.
    case float32
    /// Rounded to bfloat16, as the other side of each product is; sums are float32.
    case bfloat16
    /// In 8 bits a value, or in the file's own blocks of 4 to 8 bits (`StoredWeight.matrix` says which), against inputs that
    /// are rounded to 8 bits. Gradients go back through bfloat16.
    case int8
}
