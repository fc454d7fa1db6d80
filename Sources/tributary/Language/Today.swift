internal import Glibc
internal import Text

/// The day by this machine's clock, for what is shown to a person and enters no result of a federation.
enum Today {
    /// The day here.
    static func date() -> TemplateDate {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        func padded(_ number: Int32, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let text =
            "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        return TemplateDate(text) ?? .standard
    }
}
