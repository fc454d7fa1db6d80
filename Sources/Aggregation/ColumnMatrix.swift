/// A Double matrix stored column by column, as the factorisations walk it.
struct ColumnMatrix {
    let rows: Int
    let columns: Int
    /// Element (i, j) at `j * rows + i`.
    var values: [Double]

    /// A matrix of zeros.
    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = [Double](repeating: 0, count: rows * columns)
    }

    /// The identity's first `columns` columns.
    static func identity(rows: Int, columns: Int) -> ColumnMatrix {
        var matrix = ColumnMatrix(rows: rows, columns: columns)
        for index in 0..<min(rows, columns) { matrix[index, index] = 1 }
        return matrix
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[column * rows + row] }
        set { values[column * rows + row] = newValue }
    }

    /// `self × other`, `[m, k] × [k, n]`.
    func times(_ other: ColumnMatrix) -> ColumnMatrix {
        precondition(columns == other.rows, "[\(rows), \(columns)] × [\(other.rows), \(other.columns)]")
        var product = ColumnMatrix(rows: rows, columns: other.columns)
        for j in 0..<other.columns {
            for k in 0..<columns {
                let factor = other[k, j]
                guard factor != 0 else { continue }
                for i in 0..<rows { product.values[j * rows + i] += values[k * rows + i] * factor }
            }
        }
        return product
    }

    /// The transposed matrix.
    var transposed: ColumnMatrix {
        var result = ColumnMatrix(rows: columns, columns: rows)
        for j in 0..<columns {
            for i in 0..<rows { result[j, i] = self[i, j] }
        }
        return result
    }
}
