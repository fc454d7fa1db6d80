internal import CKernels

extension Tape {
    /// The rows of several tensors side by side.
    ///
    /// - Parameter parts: At least one, `[N, C_p]`.
    /// - Returns: `[N, Σ C_p]`.
    package func concatenateColumns(_ parts: [Tensor]) -> Tensor {
        precondition(
            !parts.isEmpty && parts.allSatisfy { $0.rows == parts[0].rows },
            "concatenateColumns: shapes \(parts.map(\.shape))"
        )
        let (rows, columns) = (parts[0].rows, parts.reduce(0) { $0 + $1.columns })
        let whole = result([rows, columns], of: parts.first { $0.needsGradient })
        var column = 0
        for part in parts {
            let width = part.columns
            kernel_copy_rows(part.pointer, width, whole.pointer + column, columns, 0, rows, width)
            column += part.columns
        }
        record(whole) { [workspace] dwhole in
            var column = 0
            for part in parts {
                defer { column += part.columns }
                guard part.needsGradient else { continue }
                let (gradient, width) = (part.gradientForAdding(workspace), part.columns)
                kernel_copy_rows(dwhole + column, columns, gradient, width, 1, rows, width)
            }
        }
        return whole
    }
}
