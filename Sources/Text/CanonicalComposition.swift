/// Unicode's normalisation form C (UAX #15).
enum CanonicalComposition {
    private struct Tables: Sendable {
        var decompositions: [UInt32: [UInt32]] = [:]
        var compositions: [UInt64: UInt32] = [:]
    }

    private static let tables: Tables = {
        var tables = Tables()
        for entry in entries.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let composes = entry.contains("=")
            let numbers = entry.split { "=~+".contains($0) }.compactMap { UInt32($0, radix: 16) }
            guard let value = numbers.first, numbers.count > 1 else { continue }
            tables.decompositions[value] = Array(numbers.dropFirst())
            if composes, numbers.count == 3 { tables.compositions[key(numbers[1], numbers[2])] = value }
        }
        return tables
    }()

    /// Hangul syllables are composed by arithmetic: 19 leads, 21 vowels, 27 tails.
    private static let hangul: UInt32 = 0xAC00
    private static let (lead, vowel, tail): (UInt32, UInt32, UInt32) = (0x1100, 0x1161, 0x11A7)

    /// A text in form C.
    static func compose(_ bytes: [UInt8]) -> [UInt8] {
        // Below U+0300 nothing combines.
        guard bytes.contains(where: { $0 >= 0xCC }) else { return bytes }
        var scalars: [UInt32] = []
        var classes: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let scalar = UTF8Reading.scalar(bytes, index)
            decompose(scalar.value, &scalars, &classes)
            index += scalar.width
        }
        order(&scalars, &classes)
        recompose(&scalars, classes)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for value in scalars {
            guard let scalar = Unicode.Scalar(value), let units = UTF8.encode(scalar) else { continue }
            result += units
        }
        return result
    }

    private static func decompose(_ value: UInt32, _ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        if value >= 0xC0, let parts = tables.decompositions[value] {
            for part in parts { decompose(part, &scalars, &classes) }
            return
        }
        if (hangul..<hangul + 11_172).contains(value) {
            let index = value - hangul
            scalars += [lead + index / 588, vowel + index % 588 / 28]
            if index % 28 > 0 { scalars.append(tail + index % 28) }
            classes += [UInt8](repeating: 0, count: scalars.count - classes.count)
            return
        }
        scalars.append(value)
        classes.append(combiningClass(value))
    }

    /// The canonical combining class. What is younger than Unicode 9, the version of the reference's
    /// normaliser,
    /// counts as a starter.
    private static func combiningClass(_ value: UInt32) -> UInt8 {
        guard value >= 0x300, let properties = Unicode.Scalar(value)?.properties else { return 0 }
        let order = properties.canonicalCombiningClass.rawValue
        guard order > 0, let age = properties.age, age.major < 10 else { return 0 }
        return order
    }

    /// Sorts each run of marks by class, keeping the order of equal ones.
    private static func order(_ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        var start = 0
        while start < scalars.count {
            guard classes[start] > 0 else {
                start += 1
                continue
            }
            var end = start
            while end < scalars.count, classes[end] > 0 { end += 1 }
            if end - start > 1 {
                let sorted = (start..<end).sorted { (classes[$0], $0) < (classes[$1], $1) }
                let run = sorted.map { (scalars[$0], classes[$0]) }
                for (offset, mark) in run.enumerated() {
                    (scalars[start + offset], classes[start + offset]) = mark
                }
            }
            start = end
        }
    }

    private static func recompose(_ scalars: inout [UInt32], _ classes: [UInt8]) {
        var written = 0
        var starter: Int?
        // The class of the last mark that was kept behind the starter; nil directly behind it.
        var last: UInt8?
        for index in scalars.indices {
            let value = scalars[index]
            let order = classes[index]
            if let place = starter, last.map({ $0 < order && $0 > 0 }) ?? true,
                let composed = pair(scalars[place], value)
            {
                scalars[place] = composed
                continue
            }
            if order == 0 {
                starter = written
                last = nil
            } else {
                last = order
            }
            scalars[written] = value
            written += 1
        }
        scalars.removeSubrange(written...)
    }

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (lead..<lead + 19).contains(first), (vowel..<vowel + 21).contains(second) {
            return hangul + ((first - lead) * 21 + second - vowel) * 28
        }
        if (hangul..<hangul + 11_172).contains(first), (first - hangul) % 28 == 0,
            (tail + 1..<tail + 28).contains(second)
        {
            return first + second - tail
        }
        return tables.compositions[key(first, second)]
    }

    private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) << 32 | UInt64(second)
    }
}
