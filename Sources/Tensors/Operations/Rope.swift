internal import CKernels

extension RopeTable {
    /// Turns rows of heads forward (+1) or back (−1).
    fileprivate func turn(
        _ x: UnsafePointer<Float>,
        by positions: [Int32],
        direction: Float,
        adds: Bool,
        into y: UnsafeMutablePointer<Float>,
        heads: Int
    ) {
        let width = heads * headSize
        positions.withUnsafeBufferPointer { positions in
            guard let rows = positions.baseAddress else { return }
            cosines.withUnsafeBufferPointer { cosines in
                sines.withUnsafeBufferPointer { sines in
                    Compute.share(positions.count, width: width) { part in
                        let first = part.lowerBound
                        kernel_rope(
                            x + first * width,
                            rows + first,
                            cosines.baseAddress,
                            sines.baseAddress,
                            direction,
                            adds ? 1 : 0,
                            y + first * width,
                            part.count,
                            heads,
                            headSize,
                            rotarySize
                        )
                    }
                }
            }
        }
    }
}

extension Tape {
    /// Turns each head of each row by the angles of its position (half-split rotary embedding).
    ///
    /// - Parameters:
    ///   - x: `[N, H·D]`.
    ///   - positions: N positions, each within the table.
    ///   - heads: H.
    ///   - table: The angles for heads of size D.
    /// - Returns: `[N, H·D]`.
    package func rope(_ x: Tensor, positions: [Int32], heads: Int, table: RopeTable) -> Tensor {
        let rows = x.rows
        precondition(
            positions.count == rows && x.columns == heads * table.headSize,
            "rope: x is \(x.shape) for \(positions.count) positions, \(heads) heads of \(table.headSize)"
        )
        precondition(
            positions.allSatisfy { $0 >= 0 && $0 < table.positions },
            "rope: a position outside 0 ..< \(table.positions)"
        )
        let y = result(x.shape, of: x)
        table.turn(x.pointer, by: positions, direction: 1, adds: false, into: y.pointer, heads: heads)
        record(y) { [workspace, x = x.slot] dy in
            guard let (dx, beta) = x?.forProduct(workspace) else { return }
            table.turn(dy, by: positions, direction: -1, adds: beta != 0, into: dx, heads: heads)
        }
        return y
    }
}
