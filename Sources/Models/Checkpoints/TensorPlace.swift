/// The two forms of a published checkpoint, which call tensors by other names and keep some of them differently.
package enum CheckpointForm: Sendable, Hashable {
    /// A folder in Hugging Face's layout with safetensors.
    case huggingFace
    /// GGUF.
    case gguf
}

/// Where a checkpoint keeps a weight of a decoder, and how: in a tensor of its own or in some rows of one, with the
/// rows in the decoder's order or another. Reading follows it forwards, writing backwards.
package struct TensorPlace: Sendable, Hashable {
    /// Some rows of a tensor that holds several weights.
    package struct Part: Sendable, Hashable {
        /// The first row.
        package let start: Int
        /// How many rows the whole tensor has.
        package let total: Int

        /// The rows from `start` of a tensor of `total` rows.
        package init(start: Int, of total: Int) { (self.start, self.total) = (start, total) }
    }

    /// The tensor's name in the checkpoint.
    package var tensor: String
    /// Which rows of it; nil for all.
    package var part: Part?
    /// D, where each head's rows are kept interleaved: row 2i + h of a head in the file is row h·D/2 + i here.
    package var interleavedHeadSize: Int?
    /// What is added to each value on reading, such as 1 where a norm's weight is kept as its distance from 1.
    package var offset: Float = 0

    /// The whole of a tensor as it is, unless more is said.
    package init(_ tensor: String, part: Part? = nil, interleavedHeadSize: Int? = nil, offset: Float = 0) {
        self.tensor = tensor
        self.part = part
        self.interleavedHeadSize = interleavedHeadSize
        self.offset = offset
    }

    /// The row of the tensor that holds a row of the weight.
    func storedRow(of row: Int) -> Int {
        var stored = row
        if let size = interleavedHeadSize {
            let (head, place) = row.quotientAndRemainder(dividingBy: size)
            stored = head * size + 2 * (place % (size / 2)) + place / (size / 2)
        }
        return stored + (part?.start ?? 0)
    }
}
