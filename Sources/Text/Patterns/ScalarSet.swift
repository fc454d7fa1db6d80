/// A set of characters as a pattern writes it: ranges, general categories, and unions and complements of
/// those.
indirect enum ScalarSet: Sendable, Equatable {
    /// The characters of a range of code points.
    case range(ClosedRange<UInt32>)
    /// The characters of general categories, a bit each in the order of `GeneralCategory`.
    case categories(UInt32)
    /// What is in any of some sets.
    case union([ScalarSet])
    /// What is not in a set.
    case complement(ScalarSet)

    /// A single character.
    static func scalar(_ scalar: Unicode.Scalar) -> ScalarSet { .range(scalar.value...scalar.value) }

    /// `\s`: what has Unicode's White_Space property.
    static let whitespace = ScalarSet.union([
        .range(0x09...0x0D), .range(0x85...0x85), .categories(GeneralCategory.mask("Z") ?? 0),
    ])
    /// `\p{N}`.
    static let number = ScalarSet.categories(GeneralCategory.mask("N") ?? 0)
    /// ASCII's punctuation and the characters of `\p{P}`.
    static let punctuation = ScalarSet.union([
        .range(0x21...0x2F), .range(0x3A...0x40), .range(0x5B...0x60), .range(0x7B...0x7E),
        .categories(GeneralCategory.mask("P") ?? 0),
    ])

    /// Whether a character of a category is in the set.
    func contains(_ value: UInt32, category: UInt8) -> Bool {
        switch self {
        case .range(let range): range.contains(value)
        case .categories(let mask): mask >> UInt32(category) & 1 == 1
        case .union(let sets): sets.contains { $0.contains(value, category: category) }
        case .complement(let set): !set.contains(value, category: category)
        }
    }

    /// Appends the code points at which a range of the set begins or has just ended.
    func appendBoundaries(to boundaries: inout [UInt32]) {
        switch self {
        case .range(let range): boundaries += [range.lowerBound, range.upperBound + 1]
        case .categories: break
        case .union(let sets): for set in sets { set.appendBoundaries(to: &boundaries) }
        case .complement(let set): set.appendBoundaries(to: &boundaries)
        }
    }
}

/// Unicode's general categories as small numbers.
enum GeneralCategory {
    /// The two-letter names, in the order of the numbers.
    static let names = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
        "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]
    private static let unassigned: UInt8 = 29

    /// The categories of a name of one or two letters, a bit each; nil for a name that is none.
    static func mask(_ name: String) -> UInt32? {
        var mask: UInt32 = 0
        for (index, full) in names.enumerated() where full == name || String(full.prefix(1)) == name {
            mask |= 1 << UInt32(index)
        }
        return mask == 0 ? nil : mask
    }

    /// The category of a code point.
    ///
    /// What is younger than Unicode 16, the version of the reference's pattern matcher, counts as unassigned.
    static func of(_ value: UInt32) -> UInt8 {
        value < 0x40000 ? table[Int(value)] : compute(value)
    }

    /// Planes 0 to 3, where all letters and numbers are.
    private static let table: [UInt8] = (0..<0x40000).map { compute($0) }

    private static func compute(_ value: UInt32) -> UInt8 {
        guard let properties = Unicode.Scalar(value)?.properties else { return unassigned }
        let category = number(properties.generalCategory)
        // Characters without an age are the youngest.
        if let age = properties.age, age.major <= 16 { return category }
        return unassigned
    }

    private static func number(_ category: Unicode.GeneralCategory) -> UInt8 {
        switch category {
        case .uppercaseLetter: 0
        case .lowercaseLetter: 1
        case .titlecaseLetter: 2
        case .modifierLetter: 3
        case .otherLetter: 4
        case .nonspacingMark: 5
        case .spacingMark: 6
        case .enclosingMark: 7
        case .decimalNumber: 8
        case .letterNumber: 9
        case .otherNumber: 10
        case .connectorPunctuation: 11
        case .dashPunctuation: 12
        case .openPunctuation: 13
        case .closePunctuation: 14
        case .initialPunctuation: 15
        case .finalPunctuation: 16
        case .otherPunctuation: 17
        case .mathSymbol: 18
        case .currencySymbol: 19
        case .modifierSymbol: 20
        case .otherSymbol: 21
        case .spaceSeparator: 22
        case .lineSeparator: 23
        case .paragraphSeparator: 24
        case .control: 25
        case .format: 26
        case .surrogate: 27
        case .privateUse: 28
        case .unassigned: unassigned
        @unknown default: unassigned
        }
    }
}

/// Characters sorted into classes that some sets cannot tell apart.
struct ScalarClasses: Sendable {
    /// How many classes there are.
    let count: Int
    private let ascii: [UInt8]
    /// Where each stretch of code points begins that no set has a boundary in.
    private let starts: [UInt32]
    /// The class of each stretch and category.
    private let table: [UInt8]
    /// For each class whether each set holds it.
    private let members: [[Bool]]

    /// Sorts all characters by the sets they are in; nil when there are more than 255 classes.
    init?(_ sets: [ScalarSet]) {
        var boundaries: [UInt32] = [0]
        for set in sets { set.appendBoundaries(to: &boundaries) }
        boundaries.sort()
        var starts: [UInt32] = []
        for boundary in boundaries where starts.last != boundary { starts.append(boundary) }
        var members: [[Bool]] = []
        var indices: [[Bool]: UInt8] = [:]
        var table: [UInt8] = []
        for start in starts {
            for category in GeneralCategory.names.indices {
                let row = sets.map { $0.contains(start, category: UInt8(category)) }
                if let index = indices[row] {
                    table.append(index)
                    continue
                }
                guard members.count < 255 else { return nil }
                indices[row] = UInt8(members.count)
                table.append(UInt8(members.count))
                members.append(row)
            }
        }
        self.starts = starts
        self.table = table
        self.members = members
        count = members.count
        ascii = (0..<128).map { ScalarClasses.lookUp($0, starts, table) }
    }

    /// Whether a set, by its place in the list, holds a class.
    func holds(_ set: Int, _ kind: Int) -> Bool { members[kind][set] }

    /// The class of an ASCII character.
    func of(ascii byte: UInt8) -> UInt8 { ascii[Int(byte)] }

    /// The class of any character.
    func of(_ value: UInt32) -> UInt8 {
        value < 128 ? ascii[Int(value)] : ScalarClasses.lookUp(value, starts, table)
    }

    private static func lookUp(_ value: UInt32, _ starts: [UInt32], _ table: [UInt8]) -> UInt8 {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= value { low = middle } else { high = middle }
        }
        return table[low * GeneralCategory.names.count + Int(GeneralCategory.of(value))]
    }
}
