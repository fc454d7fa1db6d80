/// The ids of the pieces that were encoded before in the same text.
struct PieceCache {
    /// The longest piece that is kept.
    static let bytesMax = 64
    private static let piecesMax = 1 << 16

    private var pieces = TokenTable()
    private var ids: [Int32] = []
    private var ends = [0]

    /// Appends the ids of a piece, found out if it is a new one.
    mutating func append(
        _ bytes: [UInt8],
        _ piece: Range<Int>,
        to result: inout [Int32],
        encode: () -> [Int32]
    ) {
        guard piece.count <= Self.bytesMax else {
            result += encode()
            return
        }
        if let known = pieces.id(of: bytes, piece) {
            result += ids[ends[Int(known)]..<ends[Int(known) + 1]]
            return
        }
        let new = encode()
        result += new
        guard pieces.count < Self.piecesMax, (try? pieces.append(bytes, piece)) != nil else { return }
        ids += new
        ends.append(ids.count)
    }
}
