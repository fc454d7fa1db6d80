extension [String: GGUFValue] {
    /// A text value; throws when the key is missing or holds something else.
    func text(_ key: String, file: String) throws(CheckpointError) -> String {
        guard case .string(let value)? = self[key] else { throw fault(key, "a text", file: file) }
        return value
    }

    /// An integer value; throws when the key is missing and there is no default, or holds something else.
    func integer(_ key: String, or standard: Int? = nil, file: String) throws(CheckpointError) -> Int {
        if let standard, self[key] == nil { return standard }
        guard case .integer(let value)? = self[key] else { throw fault(key, "an integer", file: file) }
        return Int(value)
    }

    /// A floating-point value; throws when the key is missing and there is no default.
    func number(_ key: String, or standard: Double? = nil, file: String) throws(CheckpointError) -> Double {
        if let standard, self[key] == nil { return standard }
        guard case .number(let value)? = self[key] else { throw fault(key, "a number", file: file) }
        return value
    }

    /// An array of texts; throws when the key is missing or holds something else.
    func texts(_ key: String, file: String) throws(CheckpointError) -> [String] {
        guard case .strings(let value)? = self[key] else { throw fault(key, "an array of texts", file: file) }
        return value
    }

    private func fault(_ key: String, _ expected: String, file: String) -> CheckpointError {
        .badKey(file: file, key: key, detail: self[key] == nil ? "is missing" : "is not \(expected)")
    }
}
