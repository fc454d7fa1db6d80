extension TemplateFilter {
    /// Filters of what has items.
    static let ofSequences: [TemplateFilter] =
        ["length", "count"].map { name in
            TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: name, renderer)
                return .integer(try renderer.count(of: value))
            }
        } + [
            TemplateFilter("first") { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: "first", renderer)
                return try renderer.items(of: value).first ?? .undefined("the first item of none")
            },
            TemplateFilter("last") { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: "last", renderer)
                if case .iterator(let iterator) = value, iterator.kind == .generator {
                    throw renderer.failed("'last' of \(value.described)", "a list")
                }
                return try renderer.items(of: value).last ?? .undefined("the last item of none")
            },
            TemplateFilter("list") { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: "list", renderer)
                let items = try renderer.items(of: value)
                try renderer.spend(items.count)
                return .list(items)
            },
            TemplateFilter("join") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "d", "attribute", of: "join", renderer)
                var items = try renderer.items(of: value)
                if let attribute = given[1], attribute != .none {
                    items = try renderer.attributes(attribute, of: items)
                }
                let separator = try given[0].map { value throws(TemplateFault) in try renderer.text(of: value)
                }
                return .text(try renderer.joined(items, with: separator ?? TemplateText()))
            },
            TemplateFilter("reverse") { renderer, value, arguments throws(TemplateFault) in
                _ = try arguments.bound(of: "reverse", renderer)
                if case .text(let text) = value {
                    try renderer.spend(text.count)
                    return .text(text[Array((0..<text.count).reversed())])
                }
                return .iterator(TemplateIterator(.generator, try renderer.items(of: value).reversed()))
            },
            TemplateFilter("sort") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(
                    to: "reverse",
                    "case_sensitive",
                    "attribute",
                    of: "sort",
                    renderer
                )
                let items = try renderer.items(of: value)
                let keys = try renderer.keys(items, by: given[2], isCaseSensitive: given[1]?.isTrue ?? false)
                let order = try renderer.order(keys, isReversed: given[0]?.isTrue ?? false, of: "sort")
                return .list(order.map { items[$0] })
            },
            TemplateFilter("unique") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "case_sensitive", "attribute", of: "unique", renderer)
                let items = try renderer.items(of: value)
                let keys = try renderer.keys(items, by: given[1], isCaseSensitive: given[0]?.isTrue ?? false)
                var (seen, kept) = (Set<TemplateMapping.Key>(), [TemplateValue]())
                for (item, value) in zip(items, keys) {
                    guard let key = TemplateMapping.Key(value) else {
                        throw renderer.failed("'unique' of \(value.described)", "texts or numbers")
                    }
                    if seen.insert(key).inserted { kept.append(item) }
                }
                return .iterator(TemplateIterator(.generator, kept))
            },
            TemplateFilter("sum") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "attribute", "start", of: "sum", renderer)
                var items = try renderer.items(of: value)
                if let attribute = given[0], attribute != .none {
                    items = try renderer.attributes(attribute, of: items)
                }
                var sum = given[1] ?? .integer(0)
                for item in items { sum = try renderer.arithmetic(sum, .plus, item) }
                return sum
            },
            TemplateFilter("batch") { renderer, value, arguments throws(TemplateFault) in
                let given = try arguments.bound(to: "linecount", "fill_with", of: "batch", renderer)
                guard let size = try renderer.integerArgument(given[0], of: "batch"), size > 0 else {
                    throw renderer.failed("'batch' without a size", "one above 0")
                }
                let items = try renderer.items(of: value)
                var batches: [TemplateValue] = []
                for start in stride(from: 0, to: items.count, by: size) {
                    var batch = Array(items[start..<min(items.count, start + size)])
                    if let fill = given[1], fill != .none, batch.count < size {
                        try renderer.spend((size - batch.count) * 8)
                        batch += repeatElement(fill, count: size - batch.count)
                    }
                    batches.append(.list(batch))
                }
                return .iterator(TemplateIterator(.generator, batches))
            },
            extreme("max", isReversed: true), extreme("min", isReversed: false),
            TemplateFilter("map", map),
            chosen("select", keeps: true), chosen("reject", keeps: false),
            chosenByAttribute("selectattr", keeps: true), chosenByAttribute("rejectattr", keeps: false),
        ]

    /// Filters of mappings.
    static let ofMappings: [TemplateFilter] = [
        TemplateFilter("items") { renderer, value, arguments throws(TemplateFault) in
            _ = try arguments.bound(of: "items", renderer)
            switch value {
            case .undefined: return .iterator(TemplateIterator(.generator, []))
            case .mapping(let mapping):
                try renderer.spend(mapping.count * 8)
                return .iterator(TemplateIterator(.generator, mapping.items))
            default: throw renderer.failed("'items' of \(value.described)", "a mapping")
            }
        },
        TemplateFilter("dictsort") { renderer, value, arguments throws(TemplateFault) in
            let given = try arguments.bound(to: "case_sensitive", "by", "reverse", of: "dictsort", renderer)
            guard case .mapping(let mapping) = value else {
                throw renderer.failed("'dictsort' of \(value.described)", "a mapping")
            }
            let by = try renderer.textArgument(given[1], of: "dictsort")?.string ?? "key"
            guard ["key", "value"].contains(by) else { throw renderer.failed("'\(by)'", "'key' or 'value'") }
            let values = by == "key" ? mapping.keys : mapping.values
            let keys = try renderer.keys(values, by: nil, isCaseSensitive: given[0]?.isTrue ?? false)
            let order = try renderer.order(keys, isReversed: given[2]?.isTrue ?? false, of: "dictsort")
            let items = mapping.items
            return .list(order.map { items[$0] })
        },
    ]

    private static func extreme(_ name: String, isReversed: Bool) -> TemplateFilter {
        TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
            let given = try arguments.bound(to: "case_sensitive", "attribute", of: name, renderer)
            let items = try renderer.items(of: value)
            let keys = try renderer.keys(items, by: given[1], isCaseSensitive: given[0]?.isTrue ?? false)
            let order = try renderer.order(keys, isReversed: isReversed, of: name)
            return order.first.map { items[$0] } ?? .undefined("'\(name)' of none")
        }
    }

    private static func map(
        _ renderer: TemplateRenderer,
        _ value: TemplateValue,
        _ arguments: TemplateCall
    ) throws(TemplateFault) -> TemplateValue {
        let items = value.isTrue ? try renderer.items(of: value) : []
        var mapped: [TemplateValue] = []
        if let name = arguments.values.first {
            guard let name = try renderer.textArgument(name, of: "map")?.string,
                let filter = TemplateFilter.named(name)
            else { throw renderer.fault(.unsupported, "'map' with another filter", "one of \(known)") }
            let rest = TemplateCall(values: Array(arguments.values.dropFirst()), named: arguments.named)
            for item in items { mapped.append(try filter.apply(renderer, item, rest)) }
        } else {
            let given = try arguments.bound(to: "attribute", "default", of: "map", renderer)
            guard let attribute = given[0] else {
                throw renderer.failed("'map' without a filter", "a filter's name or an attribute")
            }
            mapped = try renderer.attributes(attribute, of: items, or: given[1])
        }
        return .iterator(TemplateIterator(.generator, mapped))
    }

    private static func chosen(_ name: String, keeps: Bool) -> TemplateFilter {
        TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
            let items = value.isTrue ? try renderer.items(of: value) : []
            return try kept(items, items, arguments.values[...], keeps: keeps, name, renderer)
        }
    }

    private static func chosenByAttribute(_ name: String, keeps: Bool) -> TemplateFilter {
        TemplateFilter(name) { renderer, value, arguments throws(TemplateFault) in
            guard let attribute = arguments.values.first else {
                throw renderer.failed("'\(name)' without an attribute", "its name")
            }
            let items = value.isTrue ? try renderer.items(of: value) : []
            let tested = try renderer.attributes(attribute, of: items)
            return try kept(items, tested, arguments.values.dropFirst(), keeps: keeps, name, renderer)
        }
    }

    /// The items of which something passes a test, or does not; without a test those of which it is true.
    private static func kept(
        _ items: [TemplateValue],
        _ tested: [TemplateValue],
        _ arguments: ArraySlice<TemplateValue>,
        keeps: Bool,
        _ filter: String,
        _ renderer: TemplateRenderer
    ) throws(TemplateFault) -> TemplateValue {
        var test: TemplateTest?
        if let first = arguments.first {
            guard let name = try renderer.textArgument(first, of: filter)?.string,
                let known = TemplateTest.named(name)
            else {
                throw renderer.fault(
                    .unsupported,
                    "'\(filter)' with another test",
                    "one of \(TemplateTest.known)"
                )
            }
            test = known
        }
        let rest = TemplateCall(values: Array(arguments.dropFirst()))
        var result: [TemplateValue] = []
        for (item, value) in zip(items, tested) {
            try renderer.spend(16)
            let holds = try test.map { test throws(TemplateFault) in try test.holds(renderer, value, rest) }
            if holds ?? value.isTrue == keeps { result.append(item) }
        }
        return .iterator(TemplateIterator(.generator, result))
    }
}

extension TemplateRenderer {
    /// What items have under an attribute, which may be a path with dots.
    func attributes(
        _ attribute: TemplateValue,
        of items: [TemplateValue],
        or standard: TemplateValue? = nil
    ) throws(TemplateFault) -> [TemplateValue] {
        var path: [TemplateValue] = [attribute]
        if case .text(let text) = attribute {
            guard !text.scalars.contains(",") else {
                throw fault(.unsupported, "several attributes", "one")
            }
            path = text.split(at: ["."]).map { part in
                Int(part.string).map(TemplateValue.integer) ?? .text(part)
            }
        }
        var result: [TemplateValue] = []
        for item in items {
            try spend(16)
            var value = item
            for part in path {
                value = try self.item(part, of: value)
                if case .undefined = value, let standard, standard != .none { value = standard }
            }
            result.append(value)
        }
        return result
    }

    /// What items are compared by.
    func keys(
        _ items: [TemplateValue],
        by attribute: TemplateValue?,
        isCaseSensitive: Bool
    ) throws(TemplateFault) -> [TemplateValue] {
        var keys = items
        if let attribute, attribute != .none { keys = try attributes(attribute, of: items) }
        guard !isCaseSensitive else { return keys }
        return keys.map { key in
            guard case .text(let text) = key else { return key }
            return .text(TemplateMethods.lowered(text))
        }
    }

    /// The places of values in their order.
    func order(_ keys: [TemplateValue], isReversed: Bool, of filter: String) throws(TemplateFault) -> [Int] {
        try spend(keys.count * 64)
        guard let order = TemplateOrder.sorted(keys, isReversed: isReversed) else {
            throw failed("'\(filter)' of values of several kinds", "values of one kind")
        }
        return order
    }
}
