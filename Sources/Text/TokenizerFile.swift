internal import FoundationEssentials

/// Reads `tokenizer.json`, the file of Hugging Face's `tokenizers`.
///
/// Understood are byte-pair encoding over bytes and over characters with byte fallback, unigram models,
/// WordLevel split
/// into single characters, and WordLevel split at white space. Anything that would change ids and is not
/// implemented
/// is refused.
package enum TokenizerFile {
    /// The largest file that is read.
    package static let bytesMax = 64 << 20

    /// Loads a `tokenizer.json` and, if it is there, the `tokenizer_config.json` beside it, which
    /// names the tokens that begin, end and fill sequences.
    ///
    /// - Throws: `TokenizerError`, naming the file and the field.
    package static func load(path: String) throws(TokenizerError) -> any Tokenizer {
        let bytes = try read(path)
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/"
        )
        let sibling = (folder.isEmpty && !path.hasPrefix("/") ? "" : folder + "/") + "tokenizer_config.json"
        guard FileManager.default.fileExists(atPath: sibling) else {
            return try load(bytes: bytes, name: path)
        }
        return try load(bytes: bytes, configuration: try read(sibling), name: path)
    }

    /// Loads the bytes of a `tokenizer.json`.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - configuration: The bytes of a `tokenizer_config.json`; without it the usual names are looked for.
    ///   - name: The file's name for errors.
    package static func load(
        bytes: [UInt8],
        configuration: [UInt8]? = nil,
        name: String = "tokenizer.json"
    ) throws(TokenizerError) -> any Tokenizer {
        guard bytes.count <= bytesMax else {
            throw .unreadable(file: name, reason: "\(bytes.count) bytes, more than \(bytesMax)")
        }
        let file = try TokenizerJSON(bytes, name: name)
        guard let configuration else { return try file.tokenizer(TokenizerConfiguration()) }
        return try file.tokenizer(
            TokenizerConfiguration(configuration, name: "tokenizer_config.json beside \(name)")
        )
    }

    /// The bytes of a file of a folder with a tokenizer.
    static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let size = (attributes[.size] as? any BinaryInteger).flatMap { Int(exactly: $0) } ?? 0
            guard size <= bytesMax else {
                throw TokenizerError.unreadable(file: path, reason: "\(size) bytes, more than \(bytesMax)")
            }
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch let error as TokenizerError {
            throw error
        } catch {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw .unreadable(file: path, reason: isThere ? "it may not be read" : "there is no such file")
        }
    }
}
