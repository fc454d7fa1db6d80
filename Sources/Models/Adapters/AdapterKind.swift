package import Contract

/// What of a decoder is trained: low-rank corrections, extra factors, everything. A kind says which arrays that is
/// and where they stand; the decoder, the federation and the files take it from there. A new kind is one such
/// file and its line in ``AdapterKinds``.
package protocol AdapterKind: TrainerSettings {
    /// The word for it in `adapter: {kind: …}`.
    static var name: String { get }

    /// What a low-rank product B A is multiplied by.
    var scale: Float { get }

    /// The decoder with the adapter on, where that differs from the one without.
    ///
    /// - Throws: `AdapterError` when the kind does not fit the model.
    func adapted(_ model: DecoderConfiguration) throws(AdapterError) -> DecoderConfiguration

    /// The arrays that are trained, and where they start: such that they change nothing yet.
    ///
    /// - Throws: `AdapterError` when the kind does not fit the model.
    func arrays(of model: DecoderConfiguration) throws(AdapterError) -> [AdapterArray]

    /// The same kind on some of the blocks only; nil where it has none of them, or cannot be divided.
    func restricted(to blocks: Range<Int>) -> Self?
}

extension AdapterKind {
    /// Not to be divided.
    package func restricted(to blocks: Range<Int>) -> Self? { nil }

    /// Nothing: there are no low-rank pairs.
    package var scale: Float { 1 }

    /// As it is.
    package func adapted(_ model: DecoderConfiguration) throws(AdapterError) -> DecoderConfiguration { model }
}

/// One trained array: where it stands in the decoder, and what it starts as.
package struct AdapterArray {
    /// Where an array stands in a decoder.
    package enum Place: Hashable {
        /// A `[r, in]` of a low-rank pair on a linear map.
        case lowRankA(layer: Int, module: String)
        /// B `[out, r]` of the pair; the product moves the map by `scale · B A`.
        case lowRankB(layer: Int, module: String)
        /// A whole linear map `[out, in]`, in place of the base's, or where the base has none.
        case module(layer: Int, module: String)
        /// Any other weight of the decoder, by its name in a checkpoint.
        case weight(String)
    }

    /// The values that a federation starts from.
    package enum Start: Hashable {
        /// Nothing.
        case zeros
        /// Uniform in ±bound, drawn from the stream (seed, "adapter", name).
        case uniform(bound: Double)
        /// The base model's weight of the same name.
        case base
    }

    /// Name, sizes, and what becomes of it in a merge.
    package let entry: AdapterLayout.Entry
    /// Where it stands.
    package let place: Place
    /// What it starts as.
    package let start: Start

    init(_ name: String, _ shape: [Int], _ part: AdapterPart, at place: Place, from start: Start) {
        entry = AdapterLayout.Entry(name: name, shape: shape, part: part)
        self.place = place
        self.start = start
    }
}

/// The kinds of adapters.
package enum AdapterKinds {
    /// One line for each.
    package static let all: [any AdapterKind.Type] = [
        LoRAConfiguration.self,
        FactorConfiguration.self,
        WholeConfiguration.self,
    ]

    /// The kind of a name.
    package static func named(_ name: String) -> (any AdapterKind.Type)? { all.first { $0.name == name } }

    /// All names, for messages.
    package static var known: String { all.map { $0.name }.joined(separator: ", ") }
}

/// Why an adapter does not fit.
package enum AdapterError: GivenFault, Equatable, CustomStringConvertible {
    /// Not what it should be.
    package var faultKind: FaultKind { .data }

    /// A key of the configuration has a value that cannot be used.
    case badConfiguration(key: String, detail: String)

    /// One line that names the key.
    package var description: String {
        switch self {
        case .badConfiguration(let key, let detail): "adapter: \(key): \(detail)"
        }
    }

    /// Checks the values of a kind's settings.
    static func checking(_ kind: some AdapterKind) throws(AdapterError) {
        do throws(SettingsFault) {
            try kind.validate()
        } catch {
            throw .badConfiguration(key: error.key, detail: error.reason)
        }
    }
}
