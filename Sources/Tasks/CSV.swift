/// Comma-separated values as in RFC 4180: quoted fields may hold commas, quotes and line breaks.
enum CSV {
    struct Row {
        /// The line the row begins at, from 1.
        var line: Int
        var fields: [String]
    }

    static func rows(_ bytes: [UInt8], _ name: String) throws(DataError) -> [Row] {
        var rows: [Row] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var line = 1
        var rowLine = 1
        var isQuoted = false
        var index = 0
        func endField() {
            fields.append(String(decoding: field, as: UTF8.self))
            field.removeAll()
        }
        func endRow() {
            endField()
            if fields != [""] { rows.append(Row(line: rowLine, fields: fields)) }
            fields.removeAll()
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\n") { line += 1 }
            index += 1
            if isQuoted {
                guard byte == UInt8(ascii: "\"") else {
                    field.append(byte)
                    continue
                }
                if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty: isQuoted = true
            case UInt8(ascii: ","): endField()
            case UInt8(ascii: "\r") where index < bytes.count && bytes[index] == UInt8(ascii: "\n"): break
            case UInt8(ascii: "\n"):
                endRow()
                rowLine = line
            default: field.append(byte)
            }
        }
        guard !isQuoted else {
            throw .record(
                file: name,
                place: .line(rowLine),
                field: "row",
                found: "a quotation mark without its end",
                expected: "a closed one"
            )
        }
        if !field.isEmpty || !fields.isEmpty { endRow() }
        return rows
    }
}
