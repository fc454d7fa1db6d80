/// A test, which stands behind `is`.
struct TemplateTest: Sendable {
    /// Its name.
    let name: String
    /// Whether it holds.
    let holds: @Sendable (TemplateRenderer, TemplateValue, TemplateCall) throws(TemplateFault) -> Bool

    private init(
        _ name: String,
        _ holds:
            @escaping @Sendable (TemplateRenderer, TemplateValue, TemplateCall) throws(TemplateFault) -> Bool
    ) {
        (self.name, self.holds) = (name, holds)
    }

    private static func plain(
        _ name: String,
        _ holds: @escaping @Sendable (TemplateValue) -> Bool
    ) -> TemplateTest {
        TemplateTest(name) { _, value, _ in holds(value) }
    }

    private static func compared(_ names: String..., by sign: TemplateOperator) -> [TemplateTest] {
        names.map { name in
            TemplateTest(name) { renderer, value, arguments throws(TemplateFault) in
                guard let other = try arguments.bound(to: "other", of: name, renderer)[0] else {
                    throw renderer.failed("the test '\(name)' of one value", "another value behind it")
                }
                return try renderer.compares(value, sign, other)
            }
        }
    }

    private static func divisible(_ name: String, by divisor: Int?, rest: Int) -> TemplateTest {
        TemplateTest(name) { renderer, value, arguments throws(TemplateFault) in
            let given = try arguments.bound(to: "num", of: name, renderer)[0]
            guard let by = divisor.map(TemplateValue.integer) ?? given else {
                throw renderer.failed("the test '\(name)' without a number", "a number behind it")
            }
            return try renderer.arithmetic(value, .remainder, by) == .integer(rest)
        }
    }

    private static let all: [TemplateTest] =
        [
            plain("defined") { if case .undefined = $0 { false } else { true } },
            plain("undefined") { if case .undefined = $0 { true } else { false } },
            plain("none") { if case .none = $0 { true } else { false } },
            plain("boolean") { if case .boolean = $0 { true } else { false } },
            plain("true") { if case .boolean(true) = $0 { true } else { false } },
            plain("false") { if case .boolean(false) = $0 { true } else { false } },
            plain("integer") { if case .integer = $0 { true } else { false } },
            plain("float") { if case .number = $0 { true } else { false } },
            plain("number") { $0.double != nil },
            plain("string") { if case .text = $0 { true } else { false } },
            plain("mapping") { if case .mapping = $0 { true } else { false } },
            plain("sequence") { value in
                switch value {
                case .undefined, .text, .list, .tuple, .mapping: true
                case .iterator(let iterator): iterator.kind == .range
                default: false
                }
            },
            plain("iterable") { value in
                switch value {
                case .undefined, .text, .list, .tuple, .mapping, .iterator, .loop: true
                default: false
                }
            },
            plain("callable") { value in
                switch value {
                case .undefined, .macro, .function: true
                default: false
                }
            },
            plain("escaped") { if case .text(let text) = $0 { text.isEscaped } else { false } },
            TemplateTest("lower") { renderer, value, _ throws(TemplateFault) in
                TemplateMethods.hasCase(try renderer.text(of: value), isUpper: false)
            },
            TemplateTest("upper") { renderer, value, _ throws(TemplateFault) in
                TemplateMethods.hasCase(try renderer.text(of: value), isUpper: true)
            },
            TemplateTest("filter") { renderer, value, _ throws(TemplateFault) in
                TemplateFilter.named(try renderer.text(of: value).string) != nil
            },
            TemplateTest("test") { renderer, value, _ throws(TemplateFault) in
                named(try renderer.text(of: value).string) != nil
            },
            TemplateTest("sameas") { renderer, value, arguments throws(TemplateFault) in
                let other = try arguments.bound(to: "other", of: "sameas", renderer)[0]
                switch (value, other) {
                case (.none, .some(.none)): return true
                case (.boolean(let a), .boolean(let b)): return a == b
                case (.none, _), (.boolean, _), (_, .some(.none)), (_, .boolean): return false
                default:
                    throw renderer.fault(
                        .unsupported,
                        "the test 'sameas' of \(value.described)",
                        "true, false or none"
                    )
                }
            },
            divisible("odd", by: 2, rest: 1), divisible("even", by: 2, rest: 0),
            divisible("divisibleby", by: nil, rest: 0),
        ] + compared("eq", "equalto", "==", by: .equal) + compared("ne", "!=", by: .unequal)
        + compared("lt", "lessthan", "<", by: .less) + compared("le", "<=", by: .lessOrEqual)
        + compared("gt", "greaterthan", ">", by: .greater) + compared("ge", ">=", by: .greaterOrEqual)
        + compared("in", by: .contained)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// A test by its name.
    static func named(_ name: String) -> TemplateTest? { byName[name] }

    /// A test that is not known: a template may name one where it is not reached.
    static func unknown(_ name: String) -> TemplateTest {
        TemplateTest(name) { renderer, _, _ throws(TemplateFault) in
            throw renderer.fault(.unsupported, "the test '\(name)'", "one of \(known)")
        }
    }

    /// The names of all, for errors.
    static let known = all.map(\.name).sorted().joined(separator: ", ")
}
