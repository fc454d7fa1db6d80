internal import Tensors

/// What the `ret` trainer's public items, responses and targets look like as bytes; all numbers are little-endian.
enum MacrostatePayload {
    /// Why bytes are not what they should be.
    struct Fault: Error, Equatable {
        var reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// A public text: how many of its tokens are not learnt from (uint32), then its token ids (int32 each).
    struct TextItem: Equatable {
        var promptCount: Int
        var tokens: [Int32]

        init(promptCount: Int, tokens: [Int32]) {
            self.promptCount = promptCount
            self.tokens = tokens
        }

        var bytes: [UInt8] { MacrostatePayload.word(promptCount) + TokenPayload.encode(tokens) }

        init(_ bytes: [UInt8], vocabulary: Int, limit: Int) throws(Fault) {
            guard bytes.count >= 4 else { throw Fault("has \(bytes.count) bytes, expected at least 4") }
            do throws(TokenPayload.Fault) {
                tokens = try TokenPayload.decode(Array(bytes[4...]), vocabulary: vocabulary, limit: limit)
            } catch {
                throw Fault("is no text: \(error.reason)")
            }
            promptCount = MacrostatePayload.word(bytes, at: 0)
            guard promptCount < tokens.count else {
                throw Fault("has \(tokens.count) tokens, none of them to learn from")
            }
        }
    }

    /// What a client's macrostates make of a text of T tokens: next-state error (float32), T groups (uint16), z `[T, m]`
    /// (binary16).
    struct Answer: Equatable {
        /// 1 − the mean cosine between predicted and actual next macrostates, as the client sees it.
        var error: Float
        var groups: [Int32]
        /// `[T, m]`.
        var z: [Float]

        static func size(tokens: Int, width: Int) -> Int { 4 + 2 * tokens + 2 * tokens * width }

        var bytes: [UInt8] {
            var bytes = MacrostatePayload.word(Int(error.bitPattern))
            for group in groups {
                bytes += [UInt8(truncatingIfNeeded: group), UInt8(truncatingIfNeeded: group >> 8)]
            }
            return bytes + MacrostatePayload.halves(z)
        }

        init(error: Float, groups: [Int32], z: [Float]) {
            self.error = error
            self.groups = groups
            self.z = z
        }

        init(_ bytes: [UInt8], tokens: Int, width: Int, groups count: Int) throws(Fault) {
            let size = Self.size(tokens: tokens, width: width)
            guard bytes.count == size else {
                throw Fault(
                    "has \(bytes.count) bytes, expected \(size) for \(tokens) tokens and \(width) outputs"
                )
            }
            error = Float(bitPattern: UInt32(truncatingIfNeeded: MacrostatePayload.word(bytes, at: 0)))
            guard error.isFinite else { throw Fault("has a next-state error that is not finite") }
            groups = (0..<tokens).map { Int32(bytes[4 + 2 * $0]) | Int32(bytes[5 + 2 * $0]) << 8 }
            if let bad = groups.firstIndex(where: { $0 >= count }) {
                throw Fault("has group \(groups[bad]) at token \(bad), expected 0 … \(count - 1)")
            }
            z = MacrostatePayload.values(bytes[(4 + 2 * tokens)...])
            guard z.allSatisfy(\.isFinite) else { throw Fault("has a macrostate that is not finite") }
        }
    }

    /// What a client gets back about a text: the merged centres of all groups (count as uint32, then float32; count 0
    /// where they come with another text), then the macrostates of a client that foretells this text better, `[T, m]`
    /// (binary16), or nothing.
    struct Target: Equatable {
        var centroids: [Float]
        var z: [Float]

        var bytes: [UInt8] {
            MacrostatePayload.word(centroids.count)
                + centroids.flatMap { MacrostatePayload.word(Int($0.bitPattern)) }
                + MacrostatePayload.halves(z)
        }

        init(centroids: [Float], z: [Float]) {
            self.centroids = centroids
            self.z = z
        }

        init(_ bytes: [UInt8], tokens: Int, width: Int, groups: Int) throws(Fault) {
            guard bytes.count >= 4 else { throw Fault("has \(bytes.count) bytes, expected at least 4") }
            let count = MacrostatePayload.word(bytes, at: 0)
            guard count == 0 || count == groups * width, bytes.count >= 4 + 4 * count else {
                throw Fault("has centres of \(count) values, expected none or \(groups * width)")
            }
            centroids = (0..<count).map {
                Float(bitPattern: UInt32(truncatingIfNeeded: MacrostatePayload.word(bytes, at: 4 + 4 * $0)))
            }
            let rest = bytes[(4 + 4 * count)...]
            guard rest.isEmpty || rest.count == 2 * tokens * width else {
                throw Fault("has \(rest.count) bytes of macrostates, expected none or \(2 * tokens * width)")
            }
            z = MacrostatePayload.values(rest)
            guard centroids.allSatisfy(\.isFinite), z.allSatisfy(\.isFinite) else {
                throw Fault("has a value that is not finite")
            }
        }
    }

    private static func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private static func halves(_ values: [Float]) -> [UInt8] {
        Half.bits(values).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    private static func values(_ bytes: ArraySlice<UInt8>) -> [Float] {
        let first = bytes.startIndex
        return Half.values(
            (0..<bytes.count / 2).map {
                UInt16(bytes[first + 2 * $0]) | UInt16(bytes[first + 2 * $0 + 1]) << 8
            }
        )
    }
}
