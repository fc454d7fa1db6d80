internal import FoundationEssentials
package import Tensors

/// One way for the rows of a layer to look at each other. A kind owns all of it: its projections of the normed
/// state, the pass over whole sequences, the pass over one new row, and what it keeps in between. A new kind is
/// one such file and its line in ``AttentionKinds``. It knows rows and patterns and nothing of tokens.
package protocol AttentionKind: Sendable, Hashable, Codable {
    /// The word for it in configurations.
    static var name: String { get }

    /// The keys of its settings.
    static var keys: [String] { get }

    /// Why it cannot be built with these sizes; nil if it can.
    func fault(_ shape: HeadShape) -> String?

    /// Whether it has scores that a pattern's bias can be added to.
    var takesBias: Bool { get }

    /// The linear maps of the normed state `[N, C]` that it asks for, in the order in which a model stores them.
    func inputs(_ shape: HeadShape) -> [AttentionInput]

    /// The columns of what `attend` returns, which the output map brings back to C.
    func outputWidth(_ shape: HeadShape) -> Int

    /// All rows of whole sequences at once, differentiable.
    ///
    /// - Parameters:
    ///   - pass: The layer at work.
    ///   - pattern: Which rows look at which: segments, causality, mask, and bias where it `takesBias`.
    /// - Returns: `[N, outputWidth]`.
    func attend(_ pass: AttentionPass, _ pattern: AttentionPattern) -> Tensor

    /// What one layer keeps while samples are drawn.
    ///
    /// - Parameters:
    ///   - shape: The layer's sizes.
    ///   - room: How much of it there can be.
    func makeCache(_ shape: HeadShape, _ room: CacheRoom) -> any AttentionCache
}

extension AttentionKind {
    /// It has scores.
    package var takesBias: Bool { true }

    /// Everything can be built.
    package func fault(_ shape: HeadShape) -> String? { nil }

    /// H·D.
    package func outputWidth(_ shape: HeadShape) -> Int { shape.heads * shape.headSize }
}

/// What caches have to make room for.
package struct CacheRoom {
    /// How many samples there are at once.
    package let slots: Int
    /// The most rows that a sample puts in.
    package let rowsMax: Int
    /// The pages that layers with plain keys and values share.
    package let pages: CachePages
}

/// The memory of one layer while samples are drawn; not differentiable.
package protocol AttentionCache: AnyObject {
    /// Runs beginnings that samples share and keeps what their later rows need.
    ///
    /// - Parameters:
    ///   - pass: The layer at work.
    ///   - beginnings: Its rows: causal, without prefix, mask or bias.
    func prefill(_ pass: AttentionPass, _ beginnings: [CachedBeginning]) -> Tensor

    /// Runs one new row for each sample.
    ///
    /// - Parameters:
    ///   - pass: The layer at work; row i is that of `samples[i]`.
    ///   - samples: Which slot each row belongs to, and which beginning.
    ///   - step: The same samples' rows in the pages.
    func decode(_ pass: AttentionPass, _ samples: [CachedSample], _ step: CachedStep) -> Tensor

    /// Lets go of a beginning whose samples are all over.
    func forget(_ beginning: Int)
}

/// A beginning that is run.
package struct CachedBeginning {
    /// Its number.
    package let number: Int
    /// Its rows of the pass.
    package let segment: AttentionSegment
    /// Where its rows go in the pages.
    package let rows: CachedRows
}

/// A sample that is being drawn, at its new row.
package struct CachedSample {
    /// Its place in the caches; that of a sample that is over may be another's.
    package let slot: Int
    /// The number of its beginning.
    package let beginning: Int
    /// How many rows the beginning has.
    package let beginningRows: Int
    /// How many rows the sample has put in before.
    package let step: Int
}

/// The sizes of an attention layer.
package struct HeadShape: Sendable, Hashable {
    /// C, the width of the residual stream.
    package var hiddenSize: Int
    /// H, the query heads.
    package var heads: Int
    /// Hkv, the key and value heads; divides H.
    package var keyValueHeads: Int
    /// D, the width of a head.
    package var headSize: Int
    /// What is done with scores; only softmax attention knows other rules than the plain one.
    package var rule = ScoreRule()

    /// Makes a shape.
    package init(hiddenSize: Int, heads: Int, keyValueHeads: Int, headSize: Int) {
        self.hiddenSize = hiddenSize
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
    }
}

/// A linear map of the normed state that a kind asks for.
package struct AttentionInput: Sendable, Hashable {
    /// Its name among the block's modules, such as `q_proj`.
    package let name: String
    /// Its outputs.
    package let width: Int
    /// What a fresh weight's standard deviation is multiplied by; 0 for a map that starts as nothing.
    package let initialScale: Double

    init(_ name: String, _ width: Int, initialScale: Double = 1) {
        self.name = name
        self.width = width
        self.initialScale = initialScale
    }
}

/// A layer at work on some rows.
package struct AttentionPass {
    /// Records the pass, or not.
    package let tape: Tape
    /// The layer's sizes.
    package let shape: HeadShape
    /// A projection of the normed state by its name: `[N, width]`.
    package let project: (_ name: String) -> Tensor
    /// Turns each of some heads of a tensor by its row's position; as it is where rows have no positions.
    package let rotate: (_ x: Tensor, _ heads: Int) -> Tensor

    /// Makes a pass.
    package init(
        tape: Tape,
        shape: HeadShape,
        project: @escaping (_ name: String) -> Tensor,
        rotate: @escaping (_ x: Tensor, _ heads: Int) -> Tensor = { x, _ in x }
    ) {
        self.tape = tape
        self.shape = shape
        self.project = project
        self.rotate = rotate
    }
}

/// A kind as a value that is compared, and read and written under its name.
package struct AnyAttention: Sendable, Hashable, Codable {
    /// The kind.
    package let kind: any AttentionKind

    private enum CodingKeys: String, CodingKey { case kind }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Softmax attention.
    package static let softmax = AnyAttention(SoftmaxAttention())

    /// Wraps a kind.
    package init(_ kind: any AttentionKind) { self.kind = kind }

    /// Reads `{"kind": NAME, …}`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let name = try values.decode(String.self, forKey: .kind)
        guard let type = AttentionKinds.all.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind,
                in: values,
                debugDescription: "'\(name)' is no attention kind, expected one of \(AttentionKinds.known)"
            )
        }
        let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
        if let key = keys.first(where: { $0 != CodingKeys.kind.rawValue && !type.keys.contains($0) }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "\(name) has no key '\(key)', only \(type.keys.sorted())"
                )
            )
        }
        kind = try type.init(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(type(of: kind).name, forKey: .kind)
        try kind.encode(to: encoder)
    }

    package static func == (left: AnyAttention, right: AnyAttention) -> Bool {
        AnyHashable(left.kind) == AnyHashable(right.kind)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

/// The kinds that models can choose from.
package enum AttentionKinds {
    /// One line for each.
    package static let all: [any AttentionKind.Type] = [
        SoftmaxAttention.self,
        LinearAttention.self,
        HyperFeatureAttention.self,
        HyperAttention.self,
        MixedAttention.self,
    ]

    static var known: String { all.map { "'\($0.name)'" }.joined(separator: ", ") }

    /// The kinds of a text: a name, or settings as `config.json` has them under `attention`, for all blocks or as
    /// a list for each.
    ///
    /// - Parameters:
    ///   - text: `hyperFeature`, `{"kind": …}` or `[{"kind": …}, …]`.
    ///   - source: What an error names.
    /// - Throws: `CheckpointError`.
    package static func parse(_ text: String, source: String) throws(CheckpointError) -> [any AttentionKind] {
        let text = text.trimmed
        let json: String
        if text.hasPrefix("[") {
            json = text
        } else if text.hasPrefix("{") {
            json = "[\(text)]"
        } else {
            guard let type = all.first(where: { $0.name == text }) else {
                throw .malformed(
                    file: source,
                    offset: nil,
                    detail: "'\(text)' is no attention kind, expected one of \(known)"
                )
            }
            json = "[{\"kind\": \"\(type.name)\"}]"
        }
        do {
            return try JSONDecoder().decode([AnyAttention].self, from: Data(json.utf8)).map(\.kind)
        } catch {
            throw .malformed(file: source, offset: nil, detail: JSONFault.describe(error))
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        let words = drop { $0.isWhitespace }
        return String(words.reversed().drop { $0.isWhitespace }.reversed())
    }
}

/// A word of a kind's settings; another one is refused with those there are.
protocol AttentionWord: RawRepresentable, CaseIterable, Codable where RawValue == String {}

extension AttentionWord {
    package init(from decoder: any Decoder) throws {
        let word = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(rawValue: word) else {
            let known = Self.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(word)' is not one of \(known)")
            )
        }
        self = value
    }
}
