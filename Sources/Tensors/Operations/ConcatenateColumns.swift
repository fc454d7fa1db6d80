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
            for row in 0..<rows {
                (whole.pointer + row * columns + column).update(
                    from: part.pointer + row * part.columns,
                    count: part.columns
                )
            }
            column += part.columns
        }
        record(whole) { [workspace] dwhole in
            var column = 0
            for part in parts {
                defer { column += part.columns }
                guard part.needsGradient else { continue }
                let gradient = part.gradientForAdding(workspace)
                for row in 0..<rows {
                    let (to, from) = (gradient + row * part.columns, dwhole + row * columns + column)
                    for index in 0..<part.columns { to[index] += from[index] }
                }
            }
        }
        return whole
    }
}
