/// Writes a trainer's state as bytes: a magic word, the trainer's name and version, then fields in
/// order. Integers are little-endian; arrays carry their counts.
public struct SnapshotWriter {
    /// The bytes so far.
    public private(set) var bytes: [UInt8]

    /// Starts a snapshot of a trainer.
    public init(trainer: String, version: Int) {
        bytes = Array("TRBSNAP\n".utf8)
        write(trainer)
        write(version)
    }

    /// Writes an integer in 8 bytes.
    public mutating func write(_ value: Int) {
        withUnsafeBytes(of: Int64(value).littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a number's bits.
    public mutating func write(_ value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes a text's UTF-8.
    public mutating func write(_ text: String) { write(Array(text.utf8)) }

    /// Writes bytes.
    public mutating func write(_ data: [UInt8]) {
        write(data.count)
        bytes.append(contentsOf: data)
    }

    /// Writes the bits of numbers.
    public mutating func write(_ values: [Float]) {
        write(values.count)
        // Little-endian like every processor that Tributary runs on.
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Writes an adapter's names, shapes and values.
    public mutating func write(_ adapter: AdapterWeights) {
        let heads = adapter.arrays.reduce(0) { $0 + $1.name.utf8.count + 8 * ($1.shape.count + 3) }
        bytes.reserveCapacity(bytes.count + heads + 4 * adapter.valueCount + 8)
        write(adapter.arrays.count)
        for array in adapter.arrays {
            write(array.name)
            write(array.shape.count)
            for size in array.shape { write(size) }
            write(array.values)
        }
    }

    /// Writes a public batch.
    public mutating func write(_ batch: PublicBatch) {
        write(batch.round)
        write(batch.step)
        write(batch.responsesPerItem)
        write(batch.items.count)
        for item in batch.items {
            write(item.id)
            write(item.topic)
            write(item.payload)
        }
    }
}

/// Why bytes are not a snapshot that can be restored.
public struct SnapshotFault: Error, Equatable, CustomStringConvertible {
    /// What was found and what was expected.
    public var description: String

    /// Makes a fault.
    public init(_ description: String) { self.description = description }
}

/// Reads what `SnapshotWriter` wrote, in the same order.
public struct SnapshotReader {
    private let bytes: [UInt8]
    private var offset = 0

    /// Opens a snapshot of a trainer.
    ///
    /// - Throws: `SnapshotFault` for another trainer's, another version's, or no snapshot.
    public init(_ bytes: [UInt8], trainer: String, version: Int) throws(SnapshotFault) {
        self.bytes = bytes
        let magic = Array("TRBSNAP\n".utf8)
        guard bytes.starts(with: magic) else { throw SnapshotFault("snapshot: these bytes are none") }
        offset = magic.count
        let name = try string()
        guard name == trainer else {
            throw SnapshotFault("snapshot: it is of the trainer '\(name)', expected '\(trainer)'")
        }
        let found = try int()
        guard found == version else {
            throw SnapshotFault("snapshot: it has version \(found), expected \(version)")
        }
    }

    /// Reads an integer.
    public mutating func int() throws(SnapshotFault) -> Int { Int(Int64(bitPattern: try word())) }

    /// Reads a count: not negative, and small enough for what is left if each element takes at least
    /// one byte.
    public mutating func count() throws(SnapshotFault) -> Int {
        let value = try int()
        guard value >= 0, value <= bytes.count - offset else {
            throw SnapshotFault("snapshot: a count of \(value) with \(bytes.count - offset) bytes left")
        }
        return value
    }

    /// Reads a number.
    public mutating func double() throws(SnapshotFault) -> Double { Double(bitPattern: try word()) }

    /// Reads a text.
    public mutating func string() throws(SnapshotFault) -> String {
        String(decoding: try data(), as: UTF8.self)
    }

    /// Reads bytes.
    public mutating func data() throws(SnapshotFault) -> [UInt8] {
        let count = try count()
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Reads numbers.
    public mutating func floats() throws(SnapshotFault) -> [Float] {
        let count = try count()
        guard 4 * count <= bytes.count - offset else {
            throw SnapshotFault("snapshot: \(count) numbers with \(bytes.count - offset) bytes left")
        }
        defer { offset += 4 * count }
        return [Float](unsafeUninitializedCapacity: count) { values, initialized in
            bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(values).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 4 * count])
                )
            }
            initialized = count
        }
    }

    /// Reads an adapter.
    public mutating func adapter() throws(SnapshotFault) -> AdapterWeights {
        var arrays: [NamedArray] = []
        for _ in 0..<(try count()) {
            let name = try string()
            var shape: [Int] = []
            for _ in 0..<(try count()) { shape.append(try int()) }
            let values = try floats()
            var size = 1
            for length in shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: length)
                guard length >= 0, !overflow else { throw SnapshotFault("snapshot: \(name) is \(shape)") }
                size = product
            }
            guard size == values.count, arrays.allSatisfy({ $0.name != name }) else {
                throw SnapshotFault("snapshot: \(name) \(shape) has \(values.count) values, or comes twice")
            }
            arrays.append(NamedArray(name: name, shape: shape, values: values))
        }
        return AdapterWeights(arrays)
    }

    /// Reads a public batch.
    public mutating func batch() throws(SnapshotFault) -> PublicBatch {
        let (round, step, responses) = (try int(), try int(), try int())
        var items: [PublicItem] = []
        for _ in 0..<(try count()) {
            items.append(PublicItem(id: try string(), topic: try string(), payload: try data()))
        }
        return PublicBatch(round: round, step: step, items: items, responsesPerItem: responses)
    }

    /// Throws unless everything has been read.
    public func finish() throws(SnapshotFault) {
        guard offset == bytes.count else {
            throw SnapshotFault("snapshot: \(bytes.count - offset) bytes follow its end")
        }
    }

    private mutating func word() throws(SnapshotFault) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw SnapshotFault("snapshot: it ends too early") }
        defer { offset += 8 }
        return bytes.withUnsafeBytes { raw in
            UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }
}
