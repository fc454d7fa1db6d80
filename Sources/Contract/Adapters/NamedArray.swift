/// A named float32 array: all that federation knows of a tensor.
public struct NamedArray: Sendable, Equatable {
    /// The name, unique within its set, such as
    /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
    public var name: String
    /// The sizes of the dimensions, slowest first. An empty shape is a scalar.
    public var shape: [Int]
    /// The elements in row-major order; as many as the product of `shape`.
    public var values: [Float]
    /// What becomes of the array when clients' updates are merged.
    public var part: AdapterPart

    /// Makes an array; traps if the count of values is not the product of the shape.
    public init(name: String, shape: [Int], values: [Float], part: AdapterPart = .averaged) {
        precondition(
            values.count == shape.reduce(1, *),
            "\(name): \(values.count) values do not fill the shape \(shape)"
        )
        self.name = name
        self.shape = shape
        self.values = values
        self.part = part
    }
}

/// An adapter as it travels: named arrays in ascending order of name.
public struct AdapterWeights: Sendable, Equatable {
    /// The arrays, sorted by name (by UTF-8 bytes), no name twice.
    public let arrays: [NamedArray]

    /// Sorts the arrays by name; traps if a name occurs twice.
    public init(_ arrays: [NamedArray]) {
        let sorted = arrays.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (first, second) in zip(sorted, sorted.dropFirst()) {
            precondition(first.name != second.name, "\(first.name) occurs twice in an adapter")
        }
        self.arrays = sorted
    }

    /// The array of a name, or nil.
    public subscript(name: String) -> NamedArray? {
        arrays.first { $0.name == name }
    }

    /// How many values all arrays hold together.
    public var valueCount: Int { arrays.reduce(0) { $0 + $1.values.count } }

    /// Names, shapes and parts, without values.
    public var layout: AdapterLayout {
        AdapterLayout(trusted: arrays.map { .init(name: $0.name, shape: $0.shape, part: $0.part) })
    }

    /// Whether both adapters have the same names and shapes.
    public func hasSameLayout(as other: AdapterWeights) -> Bool {
        (try? layout.check(other.layout)) != nil
    }

    /// The arrays that leave a client: all but its local ones.
    public var travelling: AdapterWeights { AdapterWeights(arrays.filter { $0.part != .local }) }

    /// This adapter with the local arrays of another one added, which it must not have itself.
    public func adding(localPartsOf other: AdapterWeights) -> AdapterWeights {
        let local = other.arrays.filter { $0.part == .local }
        return local.isEmpty ? self : AdapterWeights(arrays + local)
    }

    /// This adapter minus another of the same layout; traps if the layouts differ.
    public func subtracting(_ other: AdapterWeights) -> AdapterWeights {
        combine(other) { $0 - $1 }
    }

    /// This adapter plus another of the same layout; traps if the layouts differ.
    public func adding(_ other: AdapterWeights) -> AdapterWeights {
        combine(other) { $0 + $1 }
    }

    /// The Euclidean norm of all arrays together, counters left out, summed in Double.
    public var norm: Double {
        var square = 0.0
        for array in arrays where array.part != .summed {
            AdapterWeights.addSquares(of: array.values, to: &square)
        }
        return square.squareRoot()
    }

    /// Adds the squares of values one by one, so that a norm does not depend on where arrays are cut.
    package static func addSquares(of values: [Float], to square: inout Double) {
        for value in values { square += Double(value) * Double(value) }
    }

    private func combine(_ other: AdapterWeights, _ operation: (Float, Float) -> Float) -> AdapterWeights {
        precondition(hasSameLayout(as: other), "the two adapters differ in names or shapes")
        return AdapterWeights(
            zip(arrays, other.arrays).map { mine, theirs in
                var result = mine
                result.values = zip(mine.values, theirs.values).map(operation)
                return result
            }
        )
    }
}
