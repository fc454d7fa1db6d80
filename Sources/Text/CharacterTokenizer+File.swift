extension CharacterTokenizer: FileTokenizer {
    /// The vocabulary as a `tokenizer.json` that Hugging Face's `tokenizers` loads and encodes alike.
    package func fileBytes() -> [UInt8] { file.bytes() }

    /// The `tokenizer_config.json` to put beside it, so that `transformers` knows the special tokens.
    package func configurationBytes() -> [UInt8] { file.configurationBytes(for: self) }

    private var file: WordLevelFile {
        WordLevelFile(
            tokens: tokens,
            isSpecial: { CharacterTokenizer.isSpecial($0) },
            preTokenizer:
                #"{"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false}"#,
            decoder: #"{"type": "Fuse"}"#,
            start: sequenceStart.map { tokens[Int($0)] },
            end: sequenceEnd.map { tokens[Int($0)] }
        )
    }
}
