internal import FoundationEssentials
internal import Glibc

extension Checkpoint {
    /// The tokens that the model ends an answer with, by its files: `eos_token_id`, a number or a list, of
    /// `generation_config.json` and `config.json`, or the ends of a sequence, a turn and a message of GGUF. Ids that no
    /// row of the embedding has are left out: they are never drawn.
    ///
    /// - Throws: `CheckpointError` naming the file and the key, for what is neither a number nor a list of them.
    func ends() throws(CheckpointError) -> Set<Int32> {
        var ids: [Int] = []
        switch form {
        case .gguf:
            for name in ["eos", "eot", "eom"] {
                let key = "tokenizer.ggml.\(name)_token_id"
                guard metadata[key] != nil else { continue }
                ids.append(try metadata.integer(key, file: path))
            }
        case .huggingFace:
            for name in ["generation_config.json", "config.json"] {
                let file = "\(path)/\(name)"
                guard access(file, F_OK) == 0 else { continue }
                ids += try Checkpoint.ends(of: file)
            }
        }
        return Set(ids.filter { (0..<configuration.vocabularySize).contains($0) }.map { Int32($0) })
    }

    /// What a file has under `eos_token_id`; empty where it has nothing.
    private static func ends(of file: String) throws(CheckpointError) -> [Int] {
        let bytes = try ReadableFile.contents(of: file, limit: 1 << 20)
        do {
            return try JSONDecoder().decode(Ends.self, from: Data(bytes)).ids
        } catch {
            throw .malformed(file: file, offset: nil, detail: JSONFault.describe(error))
        }
    }

    /// The part of a file that names the ends.
    private struct Ends: Decodable {
        let ids: [Int]

        private enum CodingKeys: String, CodingKey { case ids = "eos_token_id" }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            guard values.contains(.ids), try !values.decodeNil(forKey: .ids) else {
                ids = []
                return
            }
            if let one = try? values.decode(Int.self, forKey: .ids) {
                ids = [one]
            } else if let several = try? values.decode([Int].self, forKey: .ids) {
                ids = several
            } else {
                throw DecodingError.dataCorruptedError(
                    forKey: .ids,
                    in: values,
                    debugDescription: "expected a token id or a list of them"
                )
            }
        }
    }
}
