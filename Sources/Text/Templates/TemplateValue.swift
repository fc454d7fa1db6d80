/// A value in a template, with the meaning that Python gives it.
enum TemplateValue {
    /// What is not there; the name is for errors.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(TemplateText)
    case list([TemplateValue])
    case tuple([TemplateValue])
    case mapping(TemplateMapping)
    case iterator(TemplateIterator)
    case namespace(TemplateNamespace)
    case loop(TemplateLoop)
    case macro(TemplateMacro)
    /// A global function or a method of a value.
    case function(TemplateFunction)

    /// A text of the template's own.
    static func string(_ value: String) -> TemplateValue { .text(TemplateText(value)) }

    /// Whether it counts as true.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .text(let text): text.count > 0
        case .list(let items), .tuple(let items): !items.isEmpty
        case .mapping(let mapping): mapping.count > 0
        case .iterator(let iterator): iterator.count.map { $0 > 0 } ?? true
        case .loop(let loop): loop.items.count > 0
        case .namespace, .macro, .function: true
        }
    }

    /// What Python calls its type.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .boolean: "bool"
        case .integer: "int"
        case .number: "float"
        case .text: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .mapping: "dict"
        case .iterator(let iterator): iterator.kind.rawValue
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .macro: "Macro"
        case .function: "function"
        }
    }

    /// The value for errors: its kind, and for what is missing its name.
    var described: String {
        if case .undefined(let name) = self { return "'\(name)', which is undefined" }
        return "a value of type \(typeName)"
    }

    /// The value as an integer, as Python counts true and false.
    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The value as a number.
    var double: Double? {
        if case .number(let value) = self { return value }
        return integer.map(Double.init)
    }
}

extension TemplateValue: Equatable {
    /// Python's `==`.
    static func == (left: TemplateValue, right: TemplateValue) -> Bool {
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let a), .text(let b)): return a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return a == b
        case (.mapping(let a), .mapping(let b)): return a == b
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.iterator(let a), .iterator(let b)): return a === b
        case (.macro(let a), .macro(let b)): return a === b
        default:
            if let a = left.integer, let b = right.integer { return a == b }
            guard let a = left.double, let b = right.double else { return false }
            return a == b
        }
    }
}

/// A dictionary, which keeps the order of its keys.
struct TemplateMapping: Equatable {
    /// What finds an entry: equal for the keys that Python holds for equal.
    enum Key: Hashable {
        case none
        case integer(Int)
        case number(Double)
        case text(TemplateText)
        case tuple([Key])

        /// The key of a value; nil for what cannot be one.
        init?(_ value: TemplateValue) {
            switch value {
            case .none: self = .none
            case .text(let text): self = .text(text)
            case .number(let number):
                self = Int(exactly: number).map(Key.integer) ?? .number(number)
            case .tuple(let items):
                var keys: [Key] = []
                for item in items {
                    guard let key = Key(item) else { return nil }
                    keys.append(key)
                }
                self = .tuple(keys)
            default:
                guard let integer = value.integer else { return nil }
                self = .integer(integer)
            }
        }
    }

    /// The keys in their order.
    private(set) var keys: [TemplateValue] = []
    /// The values in that order.
    private(set) var values: [TemplateValue] = []
    private var places: [Key: Int] = [:]

    /// How many entries there are.
    var count: Int { keys.count }

    /// The value of a key.
    subscript(key: Key) -> TemplateValue? { places[key].map { values[$0] } }

    /// The value of a text.
    subscript(name: String) -> TemplateValue? { self[.text(TemplateText(name))] }

    /// Puts a value under a key; false where that cannot be a key.
    mutating func set(_ value: TemplateValue, for name: TemplateValue) -> Bool {
        guard let key = Key(name) else { return false }
        if let place = places[key] {
            values[place] = value
        } else {
            places[key] = keys.count
            keys.append(name)
            values.append(value)
        }
        return true
    }

    /// Puts a value under a text.
    mutating func set(_ value: TemplateValue, for name: String) {
        _ = set(value, for: .string(name))
    }

    /// The entries as pairs.
    var items: [TemplateValue] { zip(keys, values).map { .tuple([$0, $1]) } }

    /// By their entries, whatever the order.
    static func == (left: TemplateMapping, right: TemplateMapping) -> Bool {
        left.count == right.count
            && left.places.allSatisfy { key, place in right[key] == left.values[place] }
    }
}

/// What can be gone through without being a list.
final class TemplateIterator {
    /// The kinds of iterators, by Python's names.
    enum Kind: String {
        /// What can be gone through once.
        case generator
        case range
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }

    /// What it is.
    let kind: Kind
    private var items: [TemplateValue]

    init(_ kind: Kind, _ items: [TemplateValue]) { (self.kind, self.items) = (kind, items) }

    /// How many items there are; nil where Python cannot tell.
    var count: Int? { kind == .generator ? nil : items.count }

    /// The items; a generator has them once.
    func take() -> [TemplateValue] {
        guard kind == .generator else { return items }
        defer { items = [] }
        return items
    }

    /// An item by its place, where it has places.
    func item(_ index: Int) -> TemplateValue? {
        guard kind == .range else { return nil }
        let place = index < 0 ? index + items.count : index
        return items.indices.contains(place) ? items[place] : nil
    }
}

/// Variables that a template can set from within a loop.
final class TemplateNamespace {
    /// By name.
    var values: [String: TemplateValue]

    init(_ values: [String: TemplateValue]) { self.values = values }
}

/// Where a loop is.
final class TemplateLoop {
    /// What is gone through.
    let items: [TemplateValue]
    /// The place, from 0.
    var index = 0
    /// What `loop.changed` saw last.
    var seen: [TemplateValue]?

    init(_ items: [TemplateValue]) { self.items = items }
}

/// A macro, and where it was defined.
final class TemplateMacro {
    /// What it does.
    let syntax: TemplateMacroSyntax
    /// The variables it sees.
    let scope: TemplateScope

    init(_ syntax: TemplateMacroSyntax, in scope: TemplateScope) {
        (self.syntax, self.scope) = (syntax, scope)
    }
}

/// A function that is not a macro.
enum TemplateFunction {
    case namespace, dictionary, range, raiseException, formatDate
    /// A method of a value.
    indirect case method(String, of: TemplateValue)
}

/// The variables of a part of a template.
final class TemplateScope {
    /// The part's own.
    var values: [String: TemplateValue] = [:]
    /// What is around it.
    let outer: TemplateScope?

    init(in outer: TemplateScope?) { self.outer = outer }

    /// A variable's value, the innermost one.
    func value(_ name: String) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let current = scope {
            if let value = current.values[name] { return value }
            scope = current.outer
        }
        return nil
    }
}
