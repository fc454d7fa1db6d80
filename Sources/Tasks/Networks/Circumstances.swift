package import Contract

/// What is particular to some networks: numbers of the environment that are other there than everywhere else, by name, such
/// as the cost of acting. An environment says which it has: `NetworkDynamics.particularNames`.
package struct Circumstances: Sendable, Hashable {
    /// The numbers.
    package var values: [String: Double]

    /// Nothing particular.
    package init() { values = [:] }

    /// Numbers by name.
    package init(_ values: [String: Double]) { self.values = values }

    /// Reads `cost=0.1,transmission=0.7`; an empty text is nothing particular.
    ///
    /// - Throws: `SettingsFault` for a part that is not a name and a number.
    package init(text: String) throws(SettingsFault) {
        self.init()
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, let value = Double(sides[1]), values[sides[0]] == nil else {
                throw SettingsFault(
                    key: "",
                    reason: "found '\(part)', expected NAME=NUMBER, each name once, with commas between them"
                )
            }
            values[sides[0]] = value
        }
    }
}

extension Circumstances: Decodable {
    /// Reads a mapping of numbers.
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode([String: Double].self))
    }
}

extension NetworkDynamics {
    /// This environment with other particular numbers.
    ///
    /// - Parameter numbers: In the order of `particularNames`.
    /// - Throws: `SettingsFault` for another count or a number out of range.
    package func with(particularNumbers numbers: [Double]) throws(SettingsFault) -> Self {
        guard numbers.count == particularNames.count else {
            throw SettingsFault(
                key: "",
                reason: "found \(numbers.count) particular numbers, expected \(particularNames.count)"
            )
        }
        var other = self
        other.particularNumbers = numbers
        try other.validate()
        return other
    }

    /// This environment under some circumstances.
    ///
    /// - Throws: `SettingsFault` naming a number that the environment does not have, or one out of range.
    package func under(_ circumstances: Circumstances) throws(SettingsFault) -> Self {
        let names = particularNames
        var numbers = particularNumbers
        for (name, value) in circumstances.values.sorted(by: { $0.key < $1.key }) {
            guard let place = names.firstIndex(of: name) else {
                let known = names.joined(separator: ", ")
                throw SettingsFault(key: name, reason: "there is no such number, expected one of \(known)")
            }
            numbers[place] = value
        }
        return try with(particularNumbers: numbers)
    }
}
