internal import Contract
internal import FoundationEssentials
internal import Glibc

/// Reads the records of files: JSON lines, an array or an object of objects, or MMLU's CSV.
package enum RecordFile {
    /// The largest file that is read.
    package static let bytesMax = 1 << 30
    /// The longest line of a file of JSON lines.
    package static let lineBytesMax = 1 << 20

    /// The records in the bytes of a file, at least one, with their layout and the topic of those that name none.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - name: Its name, for errors and for the topic.
    ///   - layout: How it is laid out; found out from the records, which must agree, if `auto`.
    ///   - fields: What the file calls fields of the layout; nil where it calls them as the layout does.
    static func parse(
        _ bytes: [UInt8],
        name: String,
        layout: RecordLayout,
        fields: FieldNames? = nil
    ) throws(DataError) -> (records: [Record], layout: RecordLayout, topic: String) {
        let bytes = try withoutMark(bytes, name)
        if bytes.isEmpty {
            throw .layout(file: name, found: "an empty file", expected: "questions or conversations")
        }
        var records = try self.records(bytes, name, isCSV: isCSV(bytes, name, layout))
        if let fields { records = records.map { $0.renamed(fields) } }
        guard !records.isEmpty else {
            throw .layout(file: name, found: "no records", expected: "at least one")
        }
        let known = layout == .auto ? try RecordLayout.detect(records) : layout
        return (records, known, layout == .auto ? baseName(name) : layout.rawValue)
    }

    /// The bytes without UTF-8's byte order mark; other encodings are refused.
    private static func withoutMark(_ bytes: [UInt8], _ name: String) throws(DataError) -> [UInt8] {
        if let foreign = ForeignEncoding(of: bytes) { throw .encoding(file: name, foreign) }
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    // MARK: - Records

    private static func isCSV(_ bytes: [UInt8], _ name: String, _ layout: RecordLayout) -> Bool {
        let first = bytes.first { !whiteSpace.contains($0) }
        let isJSON = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        return !isJSON && (layout == .mmlu || layout == .auto && name.hasSuffix(".csv"))
    }

    private static func records(_ bytes: [UInt8], _ name: String, isCSV: Bool) throws(DataError) -> [Record] {
        if isCSV { return try csvRecords(bytes, name) }
        switch bytes.first(where: { !whiteSpace.contains($0) }) {
        case UInt8(ascii: "["):
            guard case .array(let values) = try whole(bytes, name) else { return [] }
            var records: [Record] = []
            for (index, value) in values.enumerated() {
                records.append(try Record(file: name, place: .record(index + 1), value: value))
            }
            return records
        case UInt8(ascii: "{"):
            return try objectRecords(bytes, name)
        default:
            return try lineRecords(bytes, name)
        }
    }

    /// One object over several lines is a record, or an object of records; otherwise each line is one.
    private static func objectRecords(_ bytes: [UInt8], _ name: String) throws(DataError) -> [Record] {
        let first = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1)[0]
        let opensOnly = first.last(where: { !whiteSpace.contains($0) }) != UInt8(ascii: "}")
        let isOneLine = first.count >= bytes.count - 2
        guard opensOnly || isOneLine else { return try lineRecords(bytes, name) }
        guard let object = try? whole(bytes, name), case .object(let members) = object else {
            // Several lines with a broken first one: the line's error is the useful one.
            if bytes.split(separator: UInt8(ascii: "\n")).dropFirst().first?.first == UInt8(ascii: "{") {
                return try lineRecords(bytes, name)
            }
            return [try Record(file: name, place: .record(1), value: try whole(bytes, name))]
        }
        let values = members.sorted { $0.key < $1.key }
        guard values.allSatisfy({ if case .object = $0.value { true } else { false } }) else {
            return [Record(file: name, place: isOneLine ? .line(1) : .record(1), fields: members)]
        }
        var records: [Record] = []
        for (key, value) in values { records.append(try Record(file: name, place: .key(key), value: value)) }
        return records
    }

    private static func lineRecords(_ bytes: [UInt8], _ name: String) throws(DataError) -> [Record] {
        var records: [Record] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.allSatisfy({ whiteSpace.contains($0) }) {
            let place = DataError.Place.line(index + 1)
            guard line.count <= lineBytesMax else {
                throw .tooLong(file: name, place: place, bytes: line.count, limit: lineBytesMax)
            }
            do {
                records.append(try Record(file: name, place: place, value: try JSONValue.parse(line)))
            } catch let error as JSONValue.ParseError {
                throw .record(
                    file: name,
                    place: place,
                    field: "line",
                    found: error.reason,
                    expected: "a JSON object"
                )
            } catch let error as DataError {
                throw error
            } catch {
                throw .unreadable(file: name, reason: "\(FaultText.sentence(error))")
            }
        }
        return records
    }

    private static func csvRecords(_ bytes: [UInt8], _ name: String) throws(DataError) -> [Record] {
        let base = baseName(name)
        let subject = ["_test", "_val", "_dev", "_train"].first { base.hasSuffix($0) }
            .map { String(base.dropLast($0.count)) }
        var records: [Record] = []
        for row in try CSV.rows(bytes, name) {
            guard row.fields.count == 6 else {
                throw .record(
                    file: name,
                    place: .line(row.line),
                    field: "row",
                    found: "\(row.fields.count) columns",
                    expected: "6: question, four options, letter"
                )
            }
            let options = row.fields[1...4].map { JSONValue.string($0) }
            records.append(
                Record(
                    file: name,
                    place: .line(row.line),
                    fields: [
                        "question": .string(row.fields[0]), "options": .array(options),
                        "answer_idx": .string(row.fields[5]), "subject": .string(subject ?? base),
                    ]
                )
            )
        }
        return records
    }

    private static func whole(_ bytes: [UInt8], _ name: String) throws(DataError) -> JSONValue {
        do {
            return try JSONValue.parse(bytes)
        } catch {
            throw .layout(file: name, found: error.reason, expected: "JSON")
        }
    }

    // MARK: - Files

    static func load(_ path: String) throws(DataError) -> [UInt8] {
        guard access(path, R_OK) == 0 else {
            throw .unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        do {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
            )
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw DataError.unreadable(file: path, reason: "it is no file")
            }
            let size = (attributes[.size] as? any BinaryInteger).flatMap { Int(exactly: $0) } ?? 0
            guard size <= bytesMax else {
                throw DataError.tooLong(file: path, place: nil, bytes: size, limit: bytesMax)
            }
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch let error as DataError {
            throw error
        } catch {
            throw .unreadable(file: path, reason: "\(FaultText.sentence(error))")
        }
    }

    private static func baseName(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.split(separator: ".").first.map(String.init) ?? name
    }

    private static let whiteSpace: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
}
