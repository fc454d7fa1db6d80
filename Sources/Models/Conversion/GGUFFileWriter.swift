internal import Tensors

/// Writes a GGUF file: version 3, little-endian, data aligned to 32 bytes.
struct GGUFFileWriter {
    /// A metadata value with the type it is written as.
    enum Value: Equatable {
        /// An unsigned integer of 32 bits.
        case unsigned(UInt32)
        /// A float32.
        case float(Float)
        /// True or false.
        case flag(Bool)
        /// UTF-8 text.
        case text(String)
        /// An array of texts.
        case texts([String])
        /// An array of signed integers of 32 bits.
        case integers([Int32])
        /// An array of float32.
        case floats([Float])
        /// An array of bytes.
        case octets([UInt8])

        /// A value of metadata as it is written: integers as unsigned ones, numbers as float32.
        init(_ value: GGUFValue, key: String, file: String) throws(CheckpointError) {
            let fault = CheckpointError.badKey(file: file, key: key, detail: "\(value) is not of 32 bits")
            switch value {
            case .integer(let value):
                guard let value = UInt32(exactly: value) else { throw fault }
                self = .unsigned(value)
            case .number(let value): self = .float(Float(value))
            case .string(let value): self = .text(value)
            case .strings(let values): self = .texts(values)
            case .numbers(let values): self = .floats(values.map { Float($0) })
            case .integers(let values):
                let integers = values.compactMap { Int32(exactly: $0) }
                guard integers.count == values.count else { throw fault }
                self = .integers(integers)
            }
        }
    }

    /// A tensor that is to be written.
    struct Tensor {
        /// Its name.
        let name: String
        /// Slowest dimension first.
        let shape: [Int]
        /// How its values are kept.
        let encoding: ElementEncoding
    }

    private static let alignment = 32

    /// Writes a file, whole or not at all.
    ///
    /// - Parameters:
    ///   - path: Where to.
    ///   - keys: The metadata in the order in which it is written, no key twice.
    ///   - tensors: What follows.
    ///   - values: The values of the tensor of an index, asked for one after the other.
    static func write(
        to path: String,
        keys: [(key: String, value: Value)],
        tensors: [Tensor],
        values: (Int) throws(CheckpointError) -> FrozenValues
    ) throws(CheckpointError) {
        var header = ByteWriter()
        header.bytes += "GGUF".utf8
        header.integer(UInt32(3))
        header.integer(UInt64(tensors.count))
        header.integer(UInt64(keys.count))
        for (key, value) in keys {
            header.text(key)
            header.value(value)
        }
        var offset = 0
        for tensor in tensors {
            header.text(tensor.name)
            header.integer(UInt32(tensor.shape.count))
            for size in tensor.shape.reversed() { header.integer(UInt64(size)) }
            header.integer(tensor.encoding.ggufType)
            header.integer(UInt64(offset))
            offset += aligned(tensor.encoding.bytes(of: tensor.shape.reduce(1, *)))
        }
        let file = try WritableFile(path: path)
        try file.append(header.bytes + padding(header.bytes.count))
        for (index, tensor) in tensors.enumerated() {
            let values = try values(index)
            let buffer = UnsafeBufferPointer(start: values.base, count: values.count)
            try tensor.encoding.append(buffer, to: file, name: tensor.name)
            try file.append(padding(tensor.encoding.bytes(of: values.count)))
        }
        try file.commit()
    }

    private static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    private static func padding(_ count: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: aligned(count) - count)
    }

    /// The parts of a header as little-endian bytes.
    private struct ByteWriter {
        var bytes: [UInt8] = []

        mutating func integer(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }

        mutating func text(_ text: String) {
            integer(UInt64(text.utf8.count))
            bytes += text.utf8
        }

        mutating func value(_ value: Value) {
            switch value {
            case .unsigned(let value):
                integer(UInt32(4))
                integer(value)
            case .float(let value):
                integer(UInt32(6))
                integer(value.bitPattern)
            case .flag(let value):
                integer(UInt32(7))
                integer(UInt8(value ? 1 : 0))
            case .text(let value):
                integer(UInt32(8))
                text(value)
            case .texts(let values):
                array(of: 8, values.count)
                for value in values { text(value) }
            case .integers(let values):
                array(of: 5, values.count)
                for value in values { integer(value) }
            case .floats(let values):
                array(of: 6, values.count)
                for value in values { integer(value.bitPattern) }
            case .octets(let values):
                array(of: 0, values.count)
                bytes += values
            }
        }

        private mutating func array(of type: UInt32, _ count: Int) {
            integer(UInt32(9))
            integer(type)
            integer(UInt64(count))
        }
    }
}
