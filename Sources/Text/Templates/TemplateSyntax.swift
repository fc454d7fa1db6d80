/// A part of a template that has a value.
struct TemplateExpression: Sendable {
    /// What it is.
    let kind: Kind
    /// Where it stands, from 1.
    let line: Int
    /// How deeply expressions are nested in it.
    let height: Int

    /// The kinds of expressions.
    indirect enum Kind: Sendable {
        case text(TemplateText), integer(Int), number(Double), boolean(Bool), none
        case name(String)
        case list([TemplateExpression]), tuple([TemplateExpression])
        case mapping([(key: TemplateExpression, value: TemplateExpression)])
        case attribute(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(
            TemplateExpression,
            from: TemplateExpression?,
            to: TemplateExpression?,
            by: TemplateExpression?
        )
        case call(TemplateExpression, TemplateArguments)
        case filter(TemplateFilter, TemplateExpression, TemplateArguments)
        case test(TemplateTest, TemplateExpression, TemplateArguments)
        case not(TemplateExpression), negative(TemplateExpression), positive(TemplateExpression)
        case and(TemplateExpression, TemplateExpression), or(TemplateExpression, TemplateExpression)
        case arithmetic(TemplateExpression, TemplateOperator, TemplateExpression)
        case concatenation([TemplateExpression])
        case comparison(TemplateExpression, [(TemplateOperator, TemplateExpression)])
        case conditional(TemplateExpression, if: TemplateExpression, else: TemplateExpression?)
    }
}

/// The operators between two values.
enum TemplateOperator: String, Sendable {
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divided = "/"
    case floorDivided = "//"
    case remainder = "%"
    case power = "**"
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// What stands in the parentheses of a call.
struct TemplateArguments: Sendable {
    /// By place.
    var values: [TemplateExpression] = []
    /// By name, in the order they stand in.
    var named: [(name: String, value: TemplateExpression)] = []
}

/// What a value is put into.
indirect enum TemplateTarget: Sendable {
    /// A variable.
    case name(String)
    /// An attribute of a namespace.
    case attribute(of: String, String)
    /// The parts of a sequence.
    case tuple([TemplateTarget])
}

/// A part of a template that writes text or changes variables.
struct TemplateStatement: Sendable {
    /// What it is.
    let kind: Kind
    /// Where it stands, from 1.
    let line: Int

    /// The kinds of statements.
    enum Kind: Sendable {
        case text(TemplateText)
        case output(TemplateExpression)
        case choice([(condition: TemplateExpression, body: [TemplateStatement])], else: [TemplateStatement])
        case loop(TemplateLoopSyntax)
        case assignment(TemplateTarget, TemplateExpression)
        /// `{% set x | filter %}…{% endset %}`; the filters in their order.
        case capture(TemplateTarget, [TemplateFilterUse], [TemplateStatement])
        case filter([TemplateFilterUse], [TemplateStatement])
        case macro(TemplateMacroSyntax)
        /// `{% call(a) f(x) %}…{% endcall %}`: the body is the macro's `caller`.
        case call(TemplateMacroSyntax, TemplateExpression, TemplateArguments)
        case with([(target: TemplateTarget, value: TemplateExpression)], [TemplateStatement])
        /// The text that a model writes.
        case generation([TemplateStatement])
        case breaking, continuing
    }
}

/// A filter without the value that it stands behind.
struct TemplateFilterUse: Sendable {
    /// The filter.
    let filter: TemplateFilter
    /// Its arguments.
    let arguments: TemplateArguments
    /// Where it stands.
    let line: Int
}

/// `{% for target in items if condition %}`.
struct TemplateLoopSyntax: Sendable {
    /// What each item is put into.
    let target: TemplateTarget
    /// What is gone through.
    let items: TemplateExpression
    /// Which items are meant; nil for all.
    let condition: TemplateExpression?
    /// What is done with each.
    let body: [TemplateStatement]
    /// What is done where there are none.
    let otherwise: [TemplateStatement]
}

/// `{% macro name(parameters) %}`.
final class TemplateMacroSyntax: Sendable {
    /// Its name.
    let name: String
    /// Its parameters, and what those are that a call does not give.
    let parameters: [(name: String, standard: TemplateExpression?)]
    /// What it writes.
    let body: [TemplateStatement]

    init(
        _ name: String,
        _ parameters: [(name: String, standard: TemplateExpression?)],
        _ body: [TemplateStatement]
    ) {
        (self.name, self.parameters, self.body) = (name, parameters, body)
    }
}
