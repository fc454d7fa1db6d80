extension TemplateRenderer {
    /// Python's `str` of a value.
    func text(of value: TemplateValue) throws(TemplateFault) -> TemplateText {
        if case .text(let text) = value { return text }
        guard let text = value.asText else {
            throw fault(.unsupported, "\(value.described) as a text", "a value with a text")
        }
        try spend(text.count)
        return text
    }

    /// The items of what can be gone through.
    func items(of value: TemplateValue) throws(TemplateFault) -> [TemplateValue] {
        switch value {
        case .undefined: return []
        case .list(let items), .tuple(let items): return items
        case .mapping(let mapping): return mapping.keys
        case .iterator(let iterator): return iterator.take()
        case .text(let text):
            try spend(text.count * 8)
            return (0..<text.count).map { .text(text[$0..<$0 + 1]) }
        case .none, .boolean, .integer, .number, .namespace, .loop, .macro, .function:
            throw failed("\(value.described) to go through", "a list, a mapping or a text")
        }
    }

    /// How many items a value has.
    func count(of value: TemplateValue) throws(TemplateFault) -> Int {
        switch value {
        case .undefined: return 0
        case .list(let items), .tuple(let items): return items.count
        case .mapping(let mapping): return mapping.count
        case .text(let text): return text.count
        case .iterator(let iterator):
            if let count = iterator.count { return count }
        case .loop(let loop): return loop.items.count
        case .none, .boolean, .integer, .number, .namespace, .macro, .function: break
        }
        throw failed("the length of \(value.described)", "a list, a mapping or a text")
    }

    /// The texts of values with another between them.
    func joined(
        _ values: [TemplateValue],
        with separator: TemplateText = TemplateText()
    ) throws(TemplateFault) -> TemplateText {
        var result = TemplateText()
        for (index, value) in values.enumerated() {
            if index > 0 { try append(separator, to: &result) }
            try append(text(of: value), to: &result)
        }
        return result
    }

    /// Two texts as Python adds them: where one of them was escaped for HTML, the other is too.
    func sum(_ left: TemplateText, _ right: TemplateText) throws(TemplateFault) -> TemplateText {
        let escapes = left.isEscaped || right.isEscaped
        func fitting(_ text: TemplateText) -> TemplateText {
            escapes && !text.isEscaped ? TemplateMethods.escaped(text) : text
        }
        var result = fitting(left)
        try spend(left.count)
        try append(fitting(right), to: &result)
        return result
    }

    // MARK: - Calls

    /// What a function returns.
    func call(_ function: TemplateValue, _ arguments: TemplateCall) throws(TemplateFault) -> TemplateValue {
        switch function {
        case .macro(let macro): return .text(try call(macro, arguments))
        case .function(.method(let name, let receiver)):
            return try TemplateMethods.call(self, name, receiver, arguments)
        case .function(.namespace):
            var values: [String: TemplateValue] = [:]
            for (name, value) in try entries(arguments) {
                try requireData(value, for: name.string)
                values[name.string] = value
            }
            return .namespace(TemplateNamespace(values))
        case .function(.dictionary):
            var mapping = TemplateMapping()
            for (name, value) in try entries(arguments) { _ = mapping.set(value, for: .text(name)) }
            return .mapping(mapping)
        case .function(.range): return try range(arguments)
        case .function(.raiseException):
            let message = try arguments.values.first.map { value throws(TemplateFault) in try text(of: value)
            }
            throw failed(
                "a conversation that it refuses: \(message?.string ?? "")",
                "one that the template takes"
            )
        case .function(.formatDate):
            guard case .text(let format)? = arguments.values.first, arguments.values.count == 1 else {
                throw failed("strftime_now without a format", "a text")
            }
            guard let text = date.formatted(format.string) else {
                throw fault(.unsupported, "the date format '\(format.string)'", TemplateDate.known)
            }
            return .string(text)
        case .undefined: throw failed("a call of \(function.described)", "a function that is there")
        default: throw failed("a call of \(function.described)", "a function")
        }
    }

    /// What `dict(…)` and `namespace(…)` are given: a mapping, names with values, or both.
    private func entries(
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> [(TemplateText, TemplateValue)] {
        var entries: [(TemplateText, TemplateValue)] = []
        for value in arguments.values {
            guard case .mapping(let mapping) = value, arguments.values.count == 1 else {
                throw fault(.unsupported, "\(value.described) as entries", "a mapping, or names with values")
            }
            for (key, value) in zip(mapping.keys, mapping.values) {
                guard case .text(let name) = key else {
                    throw fault(.unsupported, "\(key.described) as a name", "a text")
                }
                entries.append((name, value))
            }
        }
        return entries + arguments.named.map { (TemplateText($0.name), $0.value) }
    }

    private func range(_ arguments: TemplateCall) throws(TemplateFault) -> TemplateValue {
        var bounds: [Int] = []
        for value in arguments.values {
            guard let bound = value.integer else { throw failed("range of \(value.described)", "integers") }
            bounds.append(bound)
        }
        guard (1...3).contains(bounds.count), arguments.named.isEmpty else {
            throw failed("range with \(bounds.count) arguments", "1 to 3")
        }
        let (start, end) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw failed("range with a step of 0", "another step") }
        // Jinja's own limit.
        let (width, overflows) = end.subtractingReportingOverflow(start)
        guard !overflows, step != .min, abs(width / step) <= 100_000 else {
            throw fault(.limit, "a range of more than 100000", "a shorter one")
        }
        let items = stride(from: start, to: end, by: step).map(TemplateValue.integer)
        try spend(items.count * 8)
        return .iterator(TemplateIterator(.range, items))
    }
}
