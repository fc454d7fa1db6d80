/// The texts of a vocabulary by id, one after the other in one array, and the way back from a text to its id.
///
/// Texts are compared byte by byte: two spellings of one accented letter are two tokens.
struct TokenTable: Sendable {
    /// All texts.
    private(set) var bytes: [UInt8] = []
    /// Where each text ends, and a 0 before.
    private var ends: [UInt32] = [0]
    /// Open addressing: ids, or -1.
    private var slots: [Int32] = []

    /// Makes room for a number of texts.
    init(capacity: Int = 0, bytes: Int = 0) {
        ends.reserveCapacity(capacity + 1)
        self.bytes.reserveCapacity(bytes)
        grow(toHold: capacity)
    }

    /// Makes a table of texts that differ.
    ///
    /// - Throws: The ids of two equal texts.
    init(_ texts: [String]) throws(Duplicate) {
        self.init(capacity: texts.count)
        for text in texts {
            let bytes = Array(text.utf8)
            try append(bytes, 0..<bytes.count)
        }
    }

    /// Two ids of one text.
    struct Duplicate: Error {
        /// The id that the text has.
        let first: Int32
        /// The id that it would have got.
        let second: Int32
    }

    /// How many texts there are.
    var count: Int { ends.count - 1 }

    /// Where a text is in `bytes`.
    func range(of id: Int) -> Range<Int> { Int(ends[id])..<Int(ends[id + 1]) }

    /// The text of an id.
    subscript(id: Int) -> ArraySlice<UInt8> { bytes[range(of: id)] }

    /// The text of an id, for messages and for those that look for it by name.
    func text(_ id: Int) -> String { String(decoding: self[id], as: UTF8.self) }

    /// Adds a text, a part of some bytes, under the next id.
    ///
    /// - Throws: When it is there already.
    mutating func append(_ text: [UInt8], _ range: Range<Int>) throws(Duplicate) {
        if (count + 1) * 2 > slots.count { grow(toHold: count * 2 + 8) }
        let slot = slot(of: text, range)
        let id = Int32(count)
        guard slots[slot] < 0 else { throw Duplicate(first: slots[slot], second: id) }
        slots[slot] = id
        bytes += text[range]
        ends.append(UInt32(bytes.count))
    }

    /// The id of a text that is a part of some bytes.
    func id(of text: [UInt8], _ range: Range<Int>) -> Int32? {
        let id = slots[slot(of: text, range)]
        return id < 0 ? nil : id
    }

    /// The id of a text.
    func id(of text: String) -> Int32? {
        let bytes = Array(text.utf8)
        return id(of: bytes, 0..<bytes.count)
    }

    private func slot(of text: [UInt8], _ range: Range<Int>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in range { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        hash ^= hash >> 29
        hash = hash &* 0xBF58_476D_1CE4_E5B9
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash >> 20) & mask
        while slots[slot] >= 0, !isEqual(Int(slots[slot]), text, range) { slot = (slot + 1) & mask }
        return slot
    }

    private func isEqual(_ id: Int, _ text: [UInt8], _ range: Range<Int>) -> Bool {
        let start = Int(ends[id])
        guard Int(ends[id + 1]) - start == range.count else { return false }
        for offset in 0..<range.count where bytes[start + offset] != text[range.lowerBound + offset] {
            return false
        }
        return true
    }

    private mutating func grow(toHold count: Int) {
        var size = 16
        while size < count * 2 { size *= 2 }
        guard size > slots.count else { return }
        slots = [Int32](repeating: -1, count: size)
        for id in 0..<self.count {
            let slot = slot(of: bytes, range(of: id))
            slots[slot] = Int32(id)
        }
    }
}
