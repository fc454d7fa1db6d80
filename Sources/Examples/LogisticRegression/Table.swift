internal import FoundationEssentials
internal import TributaryKit

/// Rows of numbers from a CSV file whose first line names the columns.
struct Table {
    struct Row {
        var features: [Float]
        /// 0 or 1.
        var label: Float
        /// Which part of the report the row belongs to.
        var group: String
    }

    /// The words of a data mapping.
    private struct Words: Decodable { var path: String }

    let rows: [Row]

    /// Reads the file that a data mapping names.
    ///
    /// - Throws: `ConfigurationError` naming the topology's line, and the file's.
    init(_ data: Mapping, _ settings: Settings, _ run: RunContext) throws {
        let path = run.absolutePath(try data.decode(Words.self).path)
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw data.error("path", "found '\(path)', which cannot be read")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false,
            whereSeparator: \.isNewline
        )
        let names = lines.first?.split(separator: ",").map(String.init) ?? []
        func column(_ name: String) throws -> Int {
            if let index = names.firstIndex(of: name) { return index }
            throw data.error("path", "\(path):1: found the columns \(names), expected '\(name)' among them")
        }
        let features = try settings.features.map(column)
        let label = try column(settings.label)
        let group = try settings.group.isEmpty ? nil : column(settings.group)
        rows = try lines.enumerated().dropFirst().filter { !$0.element.isEmpty }.map { index, line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            let numbers = cells.count == names.count ? features.compactMap { Float(cells[$0]) } : []
            guard numbers.count == features.count, numbers.allSatisfy(\.isFinite),
                let value = Float(cells[label]), value == 0 || value == 1
            else {
                let expected = "\(names.count) cells, with numbers as features and 0 or 1 as label"
                throw data.error("path", "\(path):\(index + 1): found '\(line)', expected \(expected)")
            }
            return Row(features: numbers, label: value, group: group.map { String(cells[$0]) } ?? "all")
        }
        guard !rows.isEmpty else { throw data.error("path", "\(path): found no rows, expected at least one") }
    }
}

extension Settings {
    /// The features of a batch's rows.
    func rows(of batch: PublicBatch) throws -> [[Float]] {
        try batch.items.map { item in
            guard let x = FloatPayload.decode(item.payload, count: features.count) else {
                throw PoolFault.unreadable("the public row '\(item.id)' is not \(features.count) numbers")
            }
            return x
        }
    }
}
