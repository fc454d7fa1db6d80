/// The values that something is called with.
struct TemplateCall {
    /// By place.
    var values: [TemplateValue] = []
    /// By name.
    var named: [(name: String, value: TemplateValue)] = []

    /// The values of parameters, by place or by name; nil for those that are not given.
    ///
    /// - Throws: `TemplateFault` for a value that no parameter takes.
    func bound(
        to parameters: String...,
        of function: String,
        _ renderer: TemplateRenderer
    ) throws(TemplateFault) -> [TemplateValue?] {
        var result = [TemplateValue?](repeating: nil, count: parameters.count)
        guard values.count <= parameters.count else {
            throw renderer.failed("\(values.count) arguments of '\(function)'", "at most \(parameters.count)")
        }
        for (index, value) in values.enumerated() { result[index] = value }
        for (name, value) in named {
            guard let index = parameters.firstIndex(of: name), result[index] == nil else {
                throw renderer.failed("an argument '\(name)' of '\(function)'", "one of \(parameters)")
            }
            result[index] = value
        }
        return result
    }
}

extension TemplateRenderer {
    /// A text that is an argument; nil where it is none or not given.
    func textArgument(_ value: TemplateValue?, of function: String) throws(TemplateFault) -> TemplateText? {
        switch value {
        case nil, .some(.none): return nil
        case .text(let text): return text
        case .some(let value): throw failed("\(value.described) as an argument of '\(function)'", "a text")
        }
    }

    /// An integer that is an argument; nil where it is none or not given.
    func integerArgument(_ value: TemplateValue?, of function: String) throws(TemplateFault) -> Int? {
        guard let value, value != .none else { return nil }
        guard let integer = value.integer else {
            throw failed("\(value.described) as an argument of '\(function)'", "an integer")
        }
        return integer
    }
}
