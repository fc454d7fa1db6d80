// Short stories about adding and taking away. An index names a template, a person, a thing and two
// numbers, so that every story can be had without drawing the others.

enum WordedProblem {
    private static let names = [
        "Ada", "Bela", "Chidi", "Dunja", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena",
    ]
    private static let things = [
        "apples", "buttons", "coins", "pencils", "shells", "stamps", "marbles", "books", "cards", "plums",
    ]
    /// First numbers run from 3 to 40, second ones from 2 to 20 and never above the first.
    private static let firsts = 38
    private static let seconds = 19

    private static let templates: [(adds: Bool, text: @Sendable (String, String, Int, Int) -> String)] = [
        (true, { "\($0) has \($2) \($1) and finds \($3) more. How many \($1) does \($0) have now?" }),
        (
            true,
            { "There are \($2) \($1) in a box. \($0) puts in \($3) more. How many \($1) are in the box?" }
        ),
        (true, { "\($0) buys \($2) \($1) on Monday and \($3) on Friday. How many \($1) is that in all?" }),
        (true, { "One shelf holds \($2) \($1), another holds \($3). How many \($1) does \($0) count?" }),
        (false, { "\($0) has \($2) \($1) and gives away \($3). How many \($1) are left?" }),
        (false, { "\($0) had \($2) \($1) and lost \($3) of them. How many \($1) does \($0) still have?" }),
        (false, { "Of \($2) \($1) on the table, \($0) takes \($3). How many \($1) stay on the table?" }),
        (false, { "\($0) wants \($2) \($1) and has \($3). How many more \($1) does \($0) need?" }),
    ]

    static let count = templates.count * names.count * things.count * firsts * seconds

    static func problem(at index: Int) -> SyntheticProblem? {
        var rest = index
        func take(_ count: Int) -> Int {
            defer { rest /= count }
            return rest % count
        }
        let template = templates[take(templates.count)]
        let name = names[take(names.count)]
        let thing = things[take(things.count)]
        let a = 3 + take(firsts)
        let b = 2 + take(seconds)
        guard b <= a else { return nil }
        return SyntheticProblem(
            family: .worded,
            prompt: template.text(name, thing, a, b) + " Answer with a number only.",
            answer: "\(template.adds ? a + b : a - b)",
            misconceptions: []
        )
    }
}
