/// Turns text into token ids and back.
///
/// Encoding never fails: what the vocabulary cannot express is left out, exactly as the reference
/// implementations do. Code that must not lose a character asks `firstUnencodable(in:)` beforehand.
package protocol Tokenizer: Sendable {
    /// What it is in a few words: `byte-pair encoding of bytes`.
    var kind: String { get }
    /// How many ids there are; ids run from 0 to one less.
    var vocabularySize: Int { get }
    /// The id that begins a sequence.
    var bos: Int32? { get }
    /// The id that ends a sequence.
    var eos: Int32? { get }
    /// The id that fills unused places.
    var pad: Int32? { get }
    /// The id that stands for what has no token; nil where there is none.
    var unk: Int32? { get }

    /// What the reference puts before a text that is encoded on its own; often nothing, or `bos`.
    var sequenceStart: [Int32] { get }
    /// What the reference puts behind a text that is encoded on its own; often nothing, or `eos`.
    var sequenceEnd: [Int32] { get }

    /// The ids of a text. Nothing is put before or after it.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - plain: The parts of the text's UTF-8 that users or data sets wrote, ascending and disjoint. No
    ///     special token (`<|im_start|>` and its like) that reaches into one of them is recognised, so that
    ///     such a part cannot smuggle in a turn of its own.
    func encode(_ text: String, plain: [Range<Int>]) -> [Int32]

    /// The bytes that ids stand for; ids outside of the vocabulary stand for nothing.
    ///
    /// - Parameters:
    ///   - ids: The ids.
    ///   - skipSpecial: Whether special tokens are left out.
    func decodeBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8]

    /// The text that ids stand for; bytes that are not UTF-8 become U+FFFD.
    ///
    /// - Parameters:
    ///   - ids: The ids.
    ///   - skipSpecial: Whether special tokens are left out.
    func decode(_ ids: [Int32], skipSpecial: Bool) -> String

    /// The id of a token by its text (special tokens by their content, such as `<|im_end|>`).
    func id(of token: String) -> Int32?

    /// The text of a token as `id(of:)` takes it; nil for an id outside of the vocabulary.
    func token(of id: Int32) -> String?

    /// Whether an id is a special token, which no plain text encodes to.
    func isSpecial(_ id: Int32) -> Bool

    /// The first character that `encode` would drop wholly or in part.
    func firstUnencodable(in text: String) -> Unicode.Scalar?

    /// Calls `body` with everything that decides which ids a text gets, in parts and always in one order:
    /// the same for
    /// the same tokenizer, whichever file it came from.
    func forEachIdentityPart(_ body: (_ bytes: [UInt8]) -> Void)
}

extension Tokenizer {
    /// None.
    package var unk: Int32? { nil }

    /// The ids of a text of which all or nothing is plain. Nothing is put before or after it.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - parseSpecial: Whether special tokens in the text become their ids. Pass false for text from users
    ///     or data sets.
    package func encode(_ text: String, parseSpecial: Bool) -> [Int32] {
        encode(text, plain: parseSpecial ? [] : [0..<text.utf8.count])
    }

    /// The bytes that ids stand for, special tokens included.
    package func decodeBytes(_ ids: [Int32]) -> [UInt8] {
        decodeBytes(ids, skipSpecial: false)
    }

    /// The text that ids stand for, special tokens included.
    package func decode(_ ids: [Int32]) -> String {
        decode(ids, skipSpecial: false)
    }

    /// The text that ids stand for; bytes that are not UTF-8 become U+FFFD.
    package func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
        String(decoding: decodeBytes(ids, skipSpecial: skipSpecial), as: UTF8.self)
    }

    /// Nothing.
    package var sequenceStart: [Int32] { [] }
    /// Nothing.
    package var sequenceEnd: [Int32] { [] }
}
