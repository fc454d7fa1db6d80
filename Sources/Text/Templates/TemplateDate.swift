/// The date that a template's `strftime_now` takes for today.
///
/// It is given and never taken from a clock: a prompt must be the same on every host and every day.
package struct TemplateDate: Sendable, Equatable {
    let year: Int
    let month: Int
    let day: Int

    /// The day that Llama 3's templates name where they are not told one: 26 July 2024.
    package static let standard = TemplateDate(year: 2024, month: 7, day: 26)

    private init(year: Int, month: Int, day: Int) { (self.year, self.month, self.day) = (year, month, day) }

    /// A date by `YYYY-MM-DD`; nil for another text or no day of the calendar.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), year > 0,
            (1...12).contains(month), (1...TemplateDate.days(of: month, year)).contains(day)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// The directives that `formatted` knows.
    static let known = "%Y, %y, %m, %B, %b, %d, %-d, %e, %A, %a, %j, %H, %I, %M, %S, %p, %F and %%"

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ]
    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// The date as `strftime` writes it at noon; nil for a directive that is not known.
    func formatted(_ format: String) -> String? {
        var (result, rest) = ("", format[...])
        while let mark = rest.firstIndex(of: "%") {
            result += rest[..<mark]
            rest = rest[mark...].dropFirst()
            let isPlain = rest.hasPrefix("-")
            if isPlain { rest = rest.dropFirst() }
            guard let letter = rest.popFirst() else { return nil }
            func number(_ value: Int, _ width: Int = 2, _ fill: String = "0") -> String {
                let digits = String(value)
                return isPlain
                    ? digits : String(repeating: fill, count: max(0, width - digits.count)) + digits
            }
            switch letter {
            case "Y": result += number(year, 4)
            case "y": result += number(year % 100)
            case "m": result += number(month)
            case "B": result += TemplateDate.months[month - 1]
            case "b": result += TemplateDate.months[month - 1].prefix(3)
            case "d": result += number(day)
            case "e": result += number(day, 2, " ")
            case "A": result += TemplateDate.weekdays[weekday]
            case "a": result += TemplateDate.weekdays[weekday].prefix(3)
            case "j": result += number(dayOfYear, 3)
            case "H", "I": result += "12"
            case "M", "S": result += number(0)
            case "p": result += "PM"
            case "F": result += "\(number(year, 4))-\(number(month))-\(number(day))"
            case "%": result += "%"
            default: return nil
            }
        }
        return result + rest
    }

    private static func days(of month: Int, _ year: Int) -> Int {
        if month == 2 { return year % 4 == 0 && year % 100 != 0 || year % 400 == 0 ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    private var dayOfYear: Int { (1..<month).reduce(day) { $0 + TemplateDate.days(of: $1, year) } }

    /// The day of the week, from Sunday.
    private var weekday: Int {
        let before = year - 1
        return (before * 365 + before / 4 - before / 100 + before / 400 + dayOfYear) % 7
    }
}
