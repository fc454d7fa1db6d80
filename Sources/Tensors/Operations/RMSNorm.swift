internal import CKernels

extension Tape {
    /// y = x / √(mean(x²) + epsilon) · (offset + weight), row by row (Zhang and Sennrich, arXiv:1910.07467), or
    /// head by head of each row where the weight is as wide as a head.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`, or `[N, H·D]`.
    ///   - weight: `[C]`, or `[D]`, frozen or trainable.
    ///   - epsilon: Added to the mean square.
    ///   - offset: Added to the weight.
    /// - Returns: y, of x's shape.
    package func rmsNorm(
        _ x: Tensor,
        weight: any VectorWeight,
        epsilon: Float,
        offset: Float = 0
    ) -> Tensor {
        let columns = weight.count
        precondition(
            columns > 0 && x.columns % columns == 0,
            "rmsNorm: x is \(x.shape), the weight has \(columns) values"
        )
        let rows = x.count / columns
        let y = result(x.shape, of: x, weight.differentiable)
        let inverse = workspace.take(rows)
        let factors = offset == 0 ? nil : workspace.take(columns)
        if let factors {
            let to = factors.pointer
            weight.withValues { for column in 0..<columns { to[column] = offset + $0[column] } }
        }
        fill(y) { to in
            weight.withValues {
                let (from, scales) = (x.pointer, inverse.pointer)
                let weight = factors.map { UnsafePointer($0.pointer) } ?? $0
                Compute.share(rows, width: columns) { part in
                    let (row, at) = (part.lowerBound, part.lowerBound * columns)
                    kernel_rms_norm(from + at, weight, epsilon, to + at, scales + row, part.count, columns)
                }
            }
        }
        record(y) { [workspace] dy in
            let dx = x.slot?.forShares(workspace)
            let dw = weight.differentiable?.gradientForAdding(workspace)
            weight.withValues {
                let (from, scales) = (x.pointer, inverse.pointer)
                let weight = factors.map { UnsafePointer($0.pointer) } ?? $0
                if let dx {
                    Compute.share(rows, width: columns) { part in
                        let (row, at) = (part.lowerBound, part.lowerBound * columns)
                        let to = dx.begin(at, part.count * columns)
                        let (from, count) = (from + at, part.count)
                        kernel_rms_norm_backward(
                            from,
                            weight,
                            scales + row,
                            dy + at,
                            to,
                            nil,
                            count,
                            columns
                        )
                    }
                }
                // Summed over all rows, so not shared.
                if let dw { kernel_rms_norm_backward(from, weight, scales, dy, nil, dw, rows, columns) }
            }
        }
        return y
    }
}
