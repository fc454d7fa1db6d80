internal import Glibc

/// Numbers for people: few digits, a unit, and a narrow space that does not break between the two.
enum NumberText {
    static let space = "\u{202F}"
    static let minus = "\u{2212}"

    /// A number with a fixed count of decimals; a dash where there is none.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "–" }
        let factor = power(digits)
        guard abs(value) * factor < 9e18 else { return "–" }
        let scaled = Int64((abs(value) * factor).rounded())
        let (whole, rest) = (scaled / Int64(factor), scaled % Int64(factor))
        let sign = value < 0 && scaled > 0 ? minus : ""
        guard digits > 0 else { return sign + grouped(whole) }
        let decimals = String(rest)
        return sign + grouped(whole) + "." + String(repeating: "0", count: digits - decimals.count) + decimals
    }

    /// As many decimals as show three significant digits.
    static func significant(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "–" }
        let size = abs(value)
        if size >= 1e9 { return scientific(value, 2) }
        if size >= 99.95 { return fixed(value, 0) }
        if size >= 9.995 { return fixed(value, 1) }
        if size >= 0.9995 { return fixed(value, 2) }
        if size >= 0.09995 { return fixed(value, 3) }
        if size >= 0.001 { return fixed(value, 4) }
        if size >= 0.0001 { return fixed(value, 5) }
        return scientific(value, 2)
    }

    /// A number between 1 and 10 and a power of ten, for sizes that would need many zeros.
    static func scientific(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        guard value != 0 else { return "0" }
        let (mantissa, exponent) = parts(value, digits)
        let power = (exponent < 0 ? minus : "") + String(exponent.magnitude)
        return fixed(mantissa, digits) + "e" + power
    }

    /// Ascending values, as axes have them, with as many digits as tell them apart.
    static func ticks(_ values: [Double]) -> [String] {
        let size = values.map(abs).max() ?? 0
        let gap = zip(values.dropFirst(), values).map { $0 - $1 }.filter { $0 > 0 }.min() ?? size
        let isSmall = size < 1e-3
        if size < 1e9 {
            for digits in 0...(isSmall ? 5 : 9) {
                let factor = power(digits)
                let error = values.map { abs(($0 * factor).rounded() - $0 * factor) }.max() ?? 0
                if error <= 0.01 * gap * factor { return values.map { fixed($0, digits) } }
            }
        }
        for digits in 0..<9 {
            let error = values.map { value -> Double in
                guard value != 0 else { return 0 }
                let (mantissa, exponent) = parts(value, digits)
                return abs(mantissa * pow(10, Double(exponent)) - value)
            }.max()
            if (error ?? 0) <= 0.01 * gap { return values.map { scientific($0, digits) } }
        }
        return values.map { scientific($0, 9) }
    }

    /// The rounded mantissa, and the exponent of ten that goes with it.
    private static func parts(_ value: Double, _ digits: Int) -> (mantissa: Double, exponent: Int) {
        var exponent = max(-300, Int(log10(abs(value)).rounded(.down)))
        let factor = power(digits)
        var mantissa = (value / pow(10, Double(exponent)) * factor).rounded() / factor
        if abs(mantissa) >= 10 {
            mantissa /= 10
            exponent += 1
        }
        return (mantissa, exponent)
    }

    private static func power(_ digits: Int) -> Double {
        (0..<digits).reduce(1.0) { result, _ in result * 10 }
    }

    /// The shortest of these forms: round numbers, as axes have them, lose their zeros.
    static func short(_ value: Double) -> String {
        let text = significant(value)
        let end = text.firstIndex(of: "e") ?? text.endIndex
        var mantissa = text[..<end]
        guard mantissa.contains(".") else { return text }
        while mantissa.last == "0" { mantissa.removeLast() }
        if mantissa.last == "." { mantissa.removeLast() }
        return String(mantissa + text[end...])
    }

    /// A part of one in percent.
    static func percent(_ value: Double, digits: Int = 1) -> String {
        value.isFinite ? fixed(value * 100, digits) + space + "%" : "–"
    }

    /// A difference of two parts of one, in percentage points with a sign.
    static func points(_ value: Double) -> String {
        signed(fixed(value * 100, 1))
    }

    /// The text of a difference with its sign.
    static func signed(_ text: String) -> String {
        text.hasPrefix(minus) || text == "–" ? text : "+" + text
    }

    /// Bytes in units of 1000.
    static func bytes(_ count: Int, _ digits: (Double) -> String = significant) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var (value, unit) = (Double(count), 0)
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return (unit == 0 ? "\(count)" : digits(value)) + space + units[unit]
    }

    /// Seconds, as minutes and seconds from a minute and a half on.
    static func seconds(_ value: Double) -> String {
        guard abs(value) < 1e12 else { return "–" }
        if value < 90 { return fixed(value, value < 10 ? 1 : 0) + space + "s" }
        let whole = Int(value.rounded())
        return "\(whole / 60)\(space)min \(whole % 60)\(space)s"
    }

    /// A whole number in groups of three digits.
    static func grouped(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        guard digits.count > 4 else { return (value < 0 ? minus : "") + digits }
        var groups: [Substring] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return (value < 0 ? minus : "") + groups.joined(separator: space)
    }
}
