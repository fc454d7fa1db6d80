/// A table for a terminal: columns padded to their widest cell, numbers to the right.
package struct TextTable {
    /// The names of the columns.
    package let header: [String]
    /// The rows, each with as many cells as the header.
    package let rows: [[String]]

    /// Takes the cells.
    package init(header: [String], rows: [[String]]) {
        self.header = header
        self.rows = rows
    }

    /// The lines, each ended by a line feed.
    package var text: String {
        let all = [header] + rows
        let columns = all.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        let line = { (cells: [String]) -> String in
            let padded = cells.enumerated().map { index, cell in
                let gap = String(repeating: " ", count: widths[index] - cell.count)
                return index == 0 ? cell + gap : gap + cell
            }
            return padded.joined(separator: "  ").trimmedRight + "\n"
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ") + "\n"
        return line(header) + rule + rows.map(line).joined()
    }
}

extension String {
    fileprivate var trimmedRight: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
